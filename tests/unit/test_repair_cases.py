"""Repair rebuilds a submission, whatever became of its notebook, and says what it repaired."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from broken_notebooks import (
    ANSWER,
    REPAIRED,
    REPAIRED_AMONG_MANY,
    TEST,
    Notebook,
    as_bytes,
    cell_of,
    code,
    in_format_3,
    metadata_of_a_heading,
    name_of,
    split,
)

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.filled_in import fill_in
from coursekit.course.known_answers import solution_cells
from coursekit.errors import BeyondRepair
from coursekit.grading.grade import MAX_REPAIRS, shortened
from coursekit.repair.reading.submitted_notebook import (
    MAX_CELL_LETTERS,
    MAX_CELLS,
    MAX_LETTERS,
    read_submission,
)
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt, rebuild
from coursekit.repair.recognising.pasted_code import readable
from resnets_utils.notebooks.released import ReleasedNotebook

NAME = "Residual_Networks_v2a.ipynb"
OWN = "helper = 7"


@pytest.fixture(scope="module")
def release(assignment: Assignment) -> Any:
    return read_notebook(assignment.release)


@pytest.fixture(scope="module")
def answers(assignment: Assignment) -> dict[str, str]:
    return solution_cells(assignment)


@pytest.fixture
def handed_in(release: Any, answers: dict[str, str]) -> Notebook:
    """A right answer with a cell of the student's own, as Python data."""
    filled = fill_in(release, answers, first=[OWN], graded_only=True)
    return dict(json.loads(json.dumps(filled)))


def rebuilt(content: bytes, release: Any) -> Rebuilt:
    """What repair makes of a file's bytes; the release itself must not change."""
    before = copy.deepcopy(release)
    made = rebuild(read_submission(content, NAME), ReleasedNotebook(release, Path(NAME)))
    assert release == before
    nbformat.validate(made.notebook)
    return made


def texts(made: Rebuilt) -> dict[str, str]:
    found = [(cell.metadata.nbgrader.grade_id, cell.source) for cell in graded(made)]
    assert len(found) == len(dict(found))
    return dict(found)


def graded(made: Rebuilt) -> list[Any]:
    return [cell for cell in made.notebook.cells if "nbgrader" in cell.metadata]


def is_sound(made: Rebuilt, release: Any) -> None:
    """Every cell of the release's is there once, with its metadata; tests below their answers."""
    expected = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in release.cells
        if "nbgrader" in cell.metadata
    }
    found = {cell.metadata.nbgrader.grade_id: cell for cell in graded(made)}
    assert set(found) == set(expected)
    names = [cell.metadata.nbgrader.grade_id for cell in graded(made)]
    assert len(names) == len(set(names))
    for name, cell in found.items():
        assert cell.metadata == expected[name].metadata
        assert cell.cell_type == expected[name].cell_type
        if not cell.metadata.nbgrader.solution:
            assert cell.source == expected[name].source
    order = list(expected)
    for test in (name for name in order if name.startswith("test_")):
        for answer in order[: order.index(test)]:
            assert names.index(answer) < names.index(test) or answer.startswith("test_")
    assert all(set(cell.metadata) <= {"deletable", "editable", "nbgrader"} for cell in graded(made))


def test_an_honest_submission_needs_no_repair(
    handed_in: Notebook, release: Any, answers: dict[str, str]
) -> None:
    made = rebuilt(as_bytes(handed_in), release)
    assert made.repairs == ()
    assert {name: text for name, text in texts(made).items() if name in answers} == answers
    assert [cell.source for cell in made.notebook.cells] == [
        cell["source"] for cell in handed_in["cells"]
    ]


ALL_REPAIRED = REPAIRED | REPAIRED_AMONG_MANY


@pytest.mark.parametrize("damage", ALL_REPAIRED, ids=lambda damage: damage.__name__)
def test_what_can_be_repaired_is_and_is_named(
    handed_in: Notebook,
    release: Any,
    answers: dict[str, str],
    damage: Callable[[Notebook], None],
) -> None:
    damage(handed_in)
    made = rebuilt(as_bytes(handed_in), release)
    is_sound(made, release)
    said = "\n".join(made.repairs)
    assert ALL_REPAIRED[damage] in said
    assert bool(said) == bool(ALL_REPAIRED[damage])
    assert OWN in [cell.source for cell in made.notebook.cells]
    code_cells = [cell.source for cell in made.notebook.cells if cell.cell_type == "code"]
    for name, answer in answers.items():
        # Word for word, apart from what stands around it.
        function = answer[answer.index("def ") :]
        assert any(function in source for source in code_cells), name


def test_copies_of_the_blank_cell_do_not_hide_the_answer(
    handed_in: Notebook, release: Any, answers: dict[str, str]
) -> None:
    blank = next(cell for cell in release.cells if name_of(cell) == ANSWER)
    handed_in["cells"].insert(4, copy.deepcopy(dict(blank)))
    place = handed_in["cells"].index(cell_of(handed_in, TEST))
    handed_in["cells"].insert(place, copy.deepcopy(dict(blank)))
    made = rebuilt(as_bytes(handed_in), release)
    assert texts(made)[ANSWER] == answers[ANSWER]
    assert [cell.source for cell in made.notebook.cells].count(blank.source) == 0
    assert made.repairs[-1] == (
        "the cell identity_block was there 3 times; the last answer was judged"
    )


def test_a_cell_that_was_cut_and_turned_into_text_is_joined(
    handed_in: Notebook, release: Any, answers: dict[str, str]
) -> None:
    split(handed_in)
    for cell in handed_in["cells"]:
        if name_of(cell) == ANSWER:
            cell["cell_type"] = "markdown"
    assert texts(rebuilt(as_bytes(handed_in), release))[ANSWER] == answers[ANSWER]


def test_a_blank_cell_does_not_undo_an_answer_given_elsewhere(
    handed_in: Notebook, release: Any, answers: dict[str, str]
) -> None:
    blank = next(cell.source for cell in release.cells if name_of(cell) == ANSWER)
    cell_of(handed_in, ANSWER)["source"] = blank
    handed_in["cells"].insert(0, code(answers[ANSWER]))
    made = rebuilt(as_bytes(handed_in), release)
    assert texts(made)[ANSWER] == answers[ANSWER]
    assert blank not in [cell.source for cell in made.notebook.cells]


@pytest.mark.parametrize("left", ["raise NotImplementedError()", "    return X +"])
def test_an_answer_below_its_test_counts_where_its_own_cell_is_unfinished(
    left: str, handed_in: Notebook, release: Any, answers: dict[str, str]
) -> None:
    begun = answers[ANSWER].replace("    return X", f"    X = Add()([X, X])\n    {left}")
    assert begun != answers[ANSWER]
    cell_of(handed_in, ANSWER)["source"] = begun
    place = handed_in["cells"].index(cell_of(handed_in, TEST))
    handed_in["cells"].insert(place + 1, code(answers[ANSWER]))
    made = rebuilt(as_bytes(handed_in), release)
    assert texts(made)[ANSWER] == answers[ANSWER]
    sources = [cell.source for cell in made.notebook.cells]
    # What was begun runs above it, and changes nothing.
    assert sources.index(begun) < sources.index(answers[ANSWER]) < sources.index(texts(made)[TEST])


def test_a_text_with_the_metadata_of_a_blank_answer_does_not_take_its_place(release: Any) -> None:
    notebook = dict(json.loads(json.dumps(release)))
    metadata_of_a_heading(notebook)
    blank = next(cell.source for cell in release.cells if name_of(cell) == ANSWER)
    assert texts(rebuilt(as_bytes(notebook), release))[ANSWER] == blank


def test_all_answers_in_one_cell(
    handed_in: Notebook, release: Any, answers: dict[str, str]
) -> None:
    together = "\n\n".join(answers.values())
    handed_in["cells"] = [code(together)]
    made = rebuilt(as_bytes(handed_in), release)
    is_sound(made, release)
    sources = [cell.source for cell in made.notebook.cells]
    assert together in sources
    for name in answers:
        assert texts(made)[name] == f"# {name} is defined in another cell of this notebook."
    assert sources.index(together) < sources.index(texts(made)[TEST])


@pytest.mark.parametrize(
    ("metadata", "python"),
    [
        ({"language_info": {"name": "python", "version": "3.14.0rc1"}}, "3.14"),
        ({"language_info": {"version": "2.7"}}, "2.7"),
        ({"language_info": {}, "kernelspec": {"display_name": "Python 3.12 (conda)"}}, "3.12"),
        ({"language_info": {"version": 3.12}, "kernelspec": {"name": "python3.13"}}, "3.13"),
        ({"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}, ""),
        ({"language_info": {"version": "3.14" + "<b>" * 99}}, ""),
        ({"language_info": ["3.12"], "kernelspec": "python3.12"}, ""),
    ],
)
def test_the_students_python_is_read_and_bounded(
    handed_in: Notebook, metadata: dict[str, Any], python: str
) -> None:
    notebook = {**handed_in, "metadata": metadata}
    assert read_submission(as_bytes(notebook), NAME).python == python


def test_a_deleted_answer_counts_as_not_attempted(handed_in: Notebook, release: Any) -> None:
    handed_in["cells"] = [cell for cell in handed_in["cells"] if name_of(cell) != ANSWER]
    made = rebuilt(as_bytes(handed_in), release)
    is_sound(made, release)
    assert made.repairs == ("the cell identity_block was missing; it counts as not attempted",)
    blank = next(cell.source for cell in release.cells if name_of(cell) == ANSWER)
    assert texts(made)[ANSWER] == blank


@pytest.mark.parametrize("content", [b'{"cells": []}', b'{"worksheets": [{"cells": [7]}]}'])
def test_a_notebook_with_no_cells_is_the_blank_release(content: bytes, release: Any) -> None:
    made = rebuilt(content, release)
    is_sound(made, release)
    assert made.repairs == ("it holds no cell for an answer; all of them count as not attempted",)


def test_helpers_below_a_deleted_tests_answer_stay_above_the_test(
    handed_in: Notebook, release: Any
) -> None:
    handed_in["cells"] = [cell for cell in handed_in["cells"] if name_of(cell) != TEST]
    place = handed_in["cells"].index(cell_of(handed_in, ANSWER))
    handed_in["cells"].insert(place + 1, code("def help(): pass"))
    sources = [cell.source for cell in rebuilt(as_bytes(handed_in), release).notebook.cells]
    test = next(cell.source for cell in release.cells if name_of(cell) == TEST)
    assert sources.index(test) == sources.index("def help(): pass") + 1


def test_a_version_stamp_is_kept_and_a_forged_one_is_not(handed_in: Notebook, release: Any) -> None:
    digest = "sha256:" + 64 * "0"
    stamp = {
        "schema": 1,
        "assignment": "residual-networks-v3",
        "version": "v3",
        "previous": "",
        "release": digest,
        "generated_from": {"source": digest, "hidden_tests": digest, "coursekit": "0.1"},
        "cells": {"title": "0123456789abcdef"},
    }
    handed_in["metadata"]["residual_networks"] = stamp
    made = rebuilt(as_bytes(handed_in), release)
    assert made.notebook.metadata["residual_networks"] == stamp
    handed_in["metadata"]["residual_networks"] = {**stamp, "assignment": "<script>"}
    assert "residual_networks" not in rebuilt(as_bytes(handed_in), release).notebook.metadata


def test_of_many_repairs_the_first_are_told_and_the_others_counted() -> None:
    repairs = tuple(f"repair {number}" for number in range(MAX_REPAIRS + 70))
    assert shortened(repairs) == (*repairs[:MAX_REPAIRS], "and 70 more repairs")
    assert shortened(repairs[:MAX_REPAIRS]) == repairs[:MAX_REPAIRS]


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "byte order mark": (lambda whole: b"\xef\xbb\xbf" + whole, ""),
    "UTF-16": (lambda whole: whole.decode().encode("utf-16"), "saved as UTF-16"),
    "UTF-16 without a mark": (lambda whole: whole.decode().encode("utf-16-be"), "as UTF-16"),
    "UTF-32": (lambda whole: whole.decode().encode("utf-32"), "saved as UTF-32"),
    "UTF-32 without a mark": (lambda whole: whole.decode().encode("utf-32-le"), "as UTF-32"),
    "NUL bytes at the end": (lambda whole: whole + bytes(4096), "NUL bytes around"),
    "NUL bytes in texts": (lambda w: w.replace(b"helper = 7", b"helper = 7\0"), "control char"),
    "Latin-1": (lambda w: w.replace(b"helper", b"# caf\xe9\\nhelper"), "is not all UTF-8"),
    "twice the same": (lambda whole: whole + whole, "after the notebook's end"),
    "noise at the end": (lambda whole: whole + bytes(range(128, 256)), "after the notebook's end"),
    "text around": (lambda whole: b"My work:\n" + whole + b"\nBye", "around the notebook"),
    "comments": (lambda w: w.replace(b'"nbformat"', b'// 4\n"nbformat"', 1), "comments or commas"),
    "a comma too many": (lambda w: w.replace(b'}], "metadata"', b'},], "metadata"'), "or commas"),
    "as Python writes it": (lambda w: repr(json.loads(w)).encode(), "written as Python"),
    "cells twice": (lambda whole: whole[:-1] + b', "cells": []}', ""),
    "as a text in JSON": (lambda whole: json.dumps(whole.decode()).encode(), ""),
    "in the server's wrapping, as a text": (
        lambda whole: json.dumps({"format": "text", "content": whole.decode()}).encode(),
        "",
    ),
    "in the server's wrapping": (lambda whole: b'{"content": ' + whole + b"}", ""),
    "conflict markers": (
        lambda w: conflict(w, w.replace(b'"nbformat": 4', b'"nbformat":  4')),
        "git's conflict markers were removed",
    ),
    "cut off in the metadata": (lambda whole: whole[:-30], "cells before that place were read"),
    "format 3": (lambda w: as_bytes(in_format_3(json.loads(w))), "saved in notebook format 3"),
    "format 4.0": (lambda w: w.replace(b'_minor": 5', b'_minor": 0'), ""),
    "format 99": (lambda w: w.replace(b'"nbformat": 4', b'"nbformat": 99'), "format 99"),
    "no format": (lambda w: w.replace(b'"nbformat": 4', b'"other": 4'), ""),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_are_read_whatever_program_wrote_them(
    handed_in: Notebook, release: Any, answers: dict[str, str], name: str
) -> None:
    change, said = BYTES[name]
    made = rebuilt(change(as_bytes(handed_in)), release)
    is_sound(made, release)
    assert {key: text for key, text in texts(made).items() if key in answers} == answers
    assert made.notebook.cells[0].source.endswith(OWN)
    assert said in "\n".join(made.repairs)
    assert said or not made.repairs


def conflict(ours: bytes, theirs: bytes) -> bytes:
    """What git leaves of two versions between which it could not choose."""
    return b"<<<<<<< HEAD\n" + ours + b"\n=======\n" + theirs + b"\n>>>>>>> mine\n"


@pytest.mark.parametrize("together", [conflict, lambda one, two: one + b"\n" + two])
def test_of_two_notebooks_in_one_file_the_answered_one_counts(
    handed_in: Notebook,
    release: Any,
    answers: dict[str, str],
    together: Callable[[bytes, bytes], bytes],
) -> None:
    blank = as_bytes(dict(release))
    for content in (as_bytes(handed_in), blank), (blank, as_bytes(handed_in)):
        made = rebuilt(together(*content), release)
        assert {key: text for key, text in texts(made).items() if key in answers} == answers
    other = as_bytes(handed_in).replace(b"padding=", b"padding = ")
    with pytest.raises(BeyondRepair, match="two notebooks with different answers") as caught:
        rebuilt(together(as_bytes(handed_in), other), release)
    assert caught.value.hint == "ask the student which of them counts"


def test_what_a_student_defines_in_a_test_cell_is_there_for_the_answer(
    handed_in: Notebook, release: Any
) -> None:
    test = cell_of(handed_in, TEST)
    test["source"] = "def helper(x):\n    return x\n" + test["source"] + "\nspoiled = 1"
    sources = [cell.source for cell in rebuilt(as_bytes(handed_in), release).notebook.cells]
    assert "def helper(x):\n    return x" in sources
    assert not any("spoiled" in source for source in sources)


def test_a_function_in_a_test_cell_does_not_undo_the_answer(
    handed_in: Notebook, release: Any
) -> None:
    test = cell_of(handed_in, TEST)
    test["source"] = "def identity_block(*rest):\n    return None\n" + test["source"]
    sources = [cell.source for cell in rebuilt(as_bytes(handed_in), release).notebook.cells]
    assert not any("*rest" in source for source in sources)


def test_what_python_can_read_stays_as_it_is() -> None:
    text = 'print("\u201cquoted\u201d \u00a0")\n>>> 1'
    assert readable(text.split("\n")[0]) == (text.split("\n")[0], ())
    assert readable("def broken(:\n```") == ("def broken(:\n```", ())


def test_an_emptied_answer_is_not_attempted_and_a_too_long_one_is_not_lost(
    handed_in: Notebook, release: Any
) -> None:
    cell = cell_of(handed_in, ANSWER)
    answer, cell["source"] = cell["source"], " \n"
    made = rebuilt(as_bytes(handed_in), release)
    assert made.repairs == ("the cell identity_block was empty; it counts as not attempted",)
    cell["source"] = answer + "\n# x" * 100_000
    with pytest.raises(BeyondRepair, match="the answer would be lost"):
        rebuilt(as_bytes(handed_in), release)


HOPELESS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "NUL bytes alone": (bytes(5000), "is empty"),
    "noise": (bytes(range(256)) * 20, "cannot be read as a notebook"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "cannot be read as a notebook"),
    "a web page": (b"<!DOCTYPE html><html></html>", "it is a web page"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "it is a PDF"),
    "a script": (b"# In[1]:\nimport keras\nx = 1\n", "it is Python text"),
    "Markdown": (b"# My work\n\n```python\n1\n```", "it is a text with Markdown"),
    "a word processor's": (b"{\\rtf1\\ansi {}}", "it is a document of a word processor"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "a note of Git LFS"),
    "a list": (b"[]", "holds no cells"),
    "a number of too many digits": (b'{"cells": ' + b"9" * 5000 + b"}", "cannot be read"),
    "cells of another kind": (b'{"cells": {"a": 1}}', "cannot be read"),
    "nested too deep": (b'{"cells": ' + b"[" * 100_000, "nested too deep"),
    "too many cells": (
        b'{"cells": [' + b'{"cell_type": "raw", "source": "1"},' * MAX_CELLS + b'{"source": "1"}]}',
        "2,001 cells, more than 2,000",
    ),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_what_cannot_be_read_has_a_reason(release: Any, name: str) -> None:
    content, reason = HOPELESS[name]
    with pytest.raises(BeyondRepair) as caught:
        rebuilt(content, release)
    assert reason in caught.value.message
    assert NAME in caught.value.message
    assert caught.value.hint


def test_a_file_that_breaks_off_before_the_last_answer_is_not_graded(
    handed_in: Notebook, release: Any
) -> None:
    whole = as_bytes(handed_in)
    cut = whole[: whole.index(b"GRADED FUNCTION: ResNet50") + 200]
    with pytest.raises(BeyondRepair, match="ResNet50 would be lost"):
        rebuilt(cut, release)


def test_each_bound_on_cells_and_letters_holds_to_the_last_one() -> None:
    full = ["1" * MAX_CELL_LETTERS] * (MAX_LETTERS // MAX_CELL_LETTERS)
    for sources, kept, long in (
        (["1"] * MAX_CELLS + [" "], MAX_CELLS, 0),
        (full, len(full), 0),
        ([*full[1:], "1" * (MAX_CELL_LETTERS + 1)], len(full) - 1, 1),
    ):
        read = read_submission(as_bytes({"cells": [code(text) for text in sources]}), NAME)
        assert (len(read.cells), len(read.too_long)) == (kept, long)
    with pytest.raises(BeyondRepair, match="more than 1,000,000 letters"):
        read_submission(as_bytes({"cells": [code(text) for text in (*full, "1")]}), NAME)
