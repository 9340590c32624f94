"""What a release must not show is found wherever it stands, each kind by a search of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from coursekit.course.assignment import Assignment
from coursekit.release.leaks import MARKERS, MIN_LETTERS, find_leaks, hidden_lines, solution_lines

NAME = "tiny-v1"
SECRET = "return 2 * x + hidden_offset"
SHARED = "offset = read_the_offset()"
SHORT = "y = x + 1234"
HIDDEN = 'letter = checks.random.choice(list("ghkmpq"))'
FIGURE = "0.29181725"
SOLUTION = f"""def f(x):
    {SHARED}
    ### BEGIN SOLUTION
    {SHARED}
    {SHORT}
    {SHORT[:-1]}
    {SECRET}
    ### END SOLUTION"""
TEST = "checks = Checks('f')\nexample = dict(size=4, of=9)\n### HIDDEN TESTS\nchecks.report()"


@pytest.fixture
def tiny(tmp_path: Path) -> Assignment:
    """An assignment and its release, which shows nothing that it must not."""
    assignment = Assignment(tmp_path, NAME)
    source, release = tmp_path / "source" / NAME, tmp_path / "release" / NAME
    for folder in (source, release, assignment.tests):
        folder.mkdir(parents=True)
    for folder, function, test in (
        (source, SOLUTION, TEST),
        (release, f"def f(x):\n    {SHARED}", TEST.replace("### HIDDEN TESTS\n", "")),
    ):
        notebook = new_notebook(
            cells=[
                new_markdown_cell("# A tiny one", id="title"),
                new_code_cell(function, id="f"),
                new_code_cell(test, id="test_f"),
            ]
        )
        (folder / "Tiny_v1.ipynb").write_text(writes(notebook))
    hidden = f"example = dict(size=4, of=9)\n{HIDDEN}\nchecks.call(size=letter).equals({FIGURE})\n"
    (assignment.tests / "f.py").write_text(hidden)
    return assignment


def test_what_is_secret_stands_nowhere_else_and_is_long_enough(tiny: Assignment) -> None:
    assert len(SHORT) == MIN_LETTERS
    assert solution_lines(tiny) == {SECRET, SHORT}
    assert hidden_lines(tiny) == {HIDDEN, f"checks.call(size=letter).equals({FIGURE})"}


Change = Callable[[dict[str, Any]], None]


def _heading(text: str) -> Change:
    return lambda notebook: notebook["cells"][0].update(source=text)


A_LINE = f"a line of the solution: {SECRET!r}"
A_HIDDEN_LINE = f"a line of a hidden test: {HIDDEN!r}"
A_FIGURE = f"an expected value of a hidden test: {FIGURE!r}"
# What is put into the release, and where and what students would then see.
CHANGES: dict[str, tuple[Change, str, str]] = {
    "text": (_heading(f"Look: {SECRET}"), ", cell title", A_LINE),
    "a hidden line": (
        lambda notebook: notebook["cells"][2].update(source=f"{HIDDEN}\n"),
        ", cell test_f",
        A_HIDDEN_LINE,
    ),
    "a text that is stored as parts": (
        lambda notebook: notebook["cells"][0].update(source=["Look: ", FIGURE[:4], FIGURE[4:]]),
        ", cell title",
        A_FIGURE,
    ),
    "a cell's metadata": (
        lambda notebook: notebook["cells"][1]["metadata"].update(note={"deep": [{"a": SECRET}]}),
        ", cell f",
        A_LINE,
    ),
    "a name in metadata": (
        lambda notebook: notebook["cells"][1]["metadata"].update({HIDDEN: 1}),
        ", cell f",
        A_HIDDEN_LINE,
    ),
    "the notebook's metadata": (
        lambda notebook: notebook["metadata"].update(note={"deep": [1, [FIGURE]]}),
        ", notebook metadata",
        A_FIGURE,
    ),
    "an attachment": (
        lambda notebook: notebook["cells"][0].update(attachments={"a.txt": {"text/plain": SECRET}}),
        ", cell title",
        A_LINE,
    ),
    "an output": (
        lambda notebook: notebook["cells"][1].update(
            outputs=[{"output_type": "stream", "name": "stdout", "text": [SECRET]}]
        ),
        ", cell f",
        A_LINE,
    ),
    "a harmless output": (
        lambda notebook: notebook["cells"][1].update(
            outputs=[{"output_type": "stream", "name": "stdout", "text": ["hello"]}]
        ),
        ", cell f",
        "its outputs",
    ),
    "a harmless attachment": (
        lambda notebook: notebook["cells"][0].update(
            attachments={"a.txt": {"text/plain": "hello"}}
        ),
        ", cell title",
        "its attachments",
    ),
    **{
        marker: (_heading(f"# {marker}"), ", cell title", f"a marker: {marker!r}")
        for marker in MARKERS
    },
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_leak_is_found_and_named(tiny: Assignment, name: str) -> None:
    change, place, what = CHANGES[name]
    release = tiny.release.parent
    assert find_leaks(tiny, release) == []
    notebook = json.loads(tiny.release.read_text())
    change(notebook)
    tiny.release.write_text(json.dumps(notebook))
    said = f"source/{NAME}/Tiny_v1.ipynb{place}: students would see {what}"
    assert said in find_leaks(tiny, release)


def test_the_markers_are_those_that_nbgrader_and_the_kit_know() -> None:
    assert set(MARKERS) == {
        "BEGIN SOLUTION",
        "END SOLUTION",
        "BEGIN HIDDEN TESTS",
        "END HIDDEN TESTS",
        "### HIDDEN TESTS",
    }


def test_a_leak_in_another_file_is_told_where_its_author_wrote_it(tiny: Assignment) -> None:
    release = tiny.release.parent
    (release / "data").mkdir()
    (release / "data" / "notes.txt").write_text(f"Look:\n{SECRET}\n")
    place = f"{NAME}/data/notes.txt: students would see {A_LINE}"
    assert find_leaks(tiny, release) == [f"release/{place}"]
    (tiny.source.parent / "data").mkdir()
    (tiny.source.parent / "data" / "notes.txt").touch()
    assert find_leaks(tiny, release) == [f"source/{place}"]
