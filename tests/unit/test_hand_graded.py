"""Answers that somebody grades by hand reach a human, whatever became of their cells."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from broken_notebooks import Notebook, as_bytes, cell_of, code, name_of
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import compute_checksum, determine_grade

from coursekit.pages.markdown import markdown_html
from coursekit.repair.reading.submitted_notebook import read_submission
from coursekit.repair.rebuilding.answer_pictures import MAX_LETTERS
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt, rebuild
from coursekit.repair.recognising.hand_graded import MAX_COPIED, MAX_SHOWN, NOTE, TOO_LONG
from resnets_utils.notebooks.released import ReleasedNotebook

PROMPT = "YOUR ANSWER HERE"
WHY, SKETCH, TASK, LOCKED = "why", "sketch", "task", "question"
WORDS = "Because gradients reach the first layers."
PROGRAM = "print('a sketch of mine')"
TASK_TEXT = "Draw a network and describe it."


def graded(cell: Any, name: str, **kind: bool) -> Any:
    cell.id = name
    cell.metadata["nbgrader"] = {
        **{"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3},
        **kind,
        "grade_id": name,
    }
    if kind.get("grade") or kind.get("task"):
        cell.metadata["nbgrader"]["points"] = 5
    cell.metadata["nbgrader"]["checksum"] = compute_checksum(cell)
    return cell


@pytest.fixture(scope="module")
def release() -> Any:
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("# A title", id="title"),
        graded(new_markdown_cell("Question 1"), LOCKED, locked=True),
        graded(new_markdown_cell(PROMPT), WHY, grade=True, solution=True),
        new_markdown_cell("## Question 2", id="second"),
        graded(new_code_cell("# your sketch"), SKETCH, grade=True, solution=True),
        new_markdown_cell("## Question 3", id="third"),
        graded(new_markdown_cell(TASK_TEXT), TASK, task=True, locked=True),
        new_markdown_cell("# The end", id="end"),
    ]
    nbformat.validate(notebook)
    return notebook


@pytest.fixture
def handed_in(release: Any) -> Notebook:
    """Both answers given, as Python data."""
    notebook = dict(json.loads(json.dumps(release)))
    cell_of(notebook, WHY)["source"] = WORDS
    cell_of(notebook, SKETCH)["source"] = PROGRAM
    return notebook


def rebuilt(notebook: Notebook, release: Any) -> Rebuilt:
    made = rebuild(
        read_submission(as_bytes(notebook), "a.ipynb"), ReleasedNotebook(release, Path("a.ipynb"))
    )
    nbformat.validate(made.notebook)
    return made


def text(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def waits(made: Rebuilt, name: str) -> str:
    """The text of an answer that nbgrader leaves to a human."""
    cell = next(cell for cell in made.notebook.cells if name_of(cell) == name)
    assert determine_grade(cell)[0] is None
    return str(cell.source)


def strip(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def move_to_the_end(notebook: Notebook) -> None:
    cell = cell_of(notebook, WHY)
    notebook["cells"].remove(cell)
    notebook["cells"].append(cell)


def moved_and_stripped(notebook: Notebook) -> None:
    move_to_the_end(notebook)
    strip(notebook)


def cut_in_two(notebook: Notebook) -> None:
    """As JupyterLab cuts: both halves keep the metadata."""
    cell = cell_of(notebook, WHY)
    half = copy.deepcopy(cell)
    cell["source"], half["source"] = WORDS[:20], WORDS[20:]
    half.pop("id")
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, half)


def cut_and_stripped(notebook: Notebook) -> None:
    cut_in_two(notebook)
    strip(notebook)


def turned_into(kind: str) -> Callable[[Notebook], None]:
    def turn(notebook: Notebook) -> None:
        cell = cell_of(notebook, WHY)
        cell["cell_type"] = kind
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
        strip(notebook)

    turn.__name__ = f"turned_into_{kind}_and_stripped"
    return turn


def prompt_kept_above(notebook: Notebook) -> None:
    cell_of(notebook, WHY)["source"] = f"{PROMPT}\n\n{WORDS}"
    moved_and_stripped(notebook)


def in_the_next_cell(notebook: Notebook) -> None:
    cell = cell_of(notebook, WHY)
    cell["source"] = PROMPT
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, text(WORDS))


def in_a_next_cell_for_code(notebook: Notebook) -> None:
    cell = cell_of(notebook, WHY)
    cell["source"] = PROMPT
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, code(WORDS))


def far_below_a_blank_cell(notebook: Notebook) -> None:
    cell_of(notebook, WHY)["source"] = PROMPT
    notebook["cells"].append(text(WORDS))


def in_the_locked_question(notebook: Notebook) -> None:
    cell_of(notebook, LOCKED)["source"] += f"\n{WORDS}"
    cell_of(notebook, WHY)["source"] = PROMPT


def in_an_ungraded_text(notebook: Notebook) -> None:
    cell_of(notebook, WHY)["source"] = PROMPT
    next(one for one in notebook["cells"] if one.get("id") == "second")["source"] += f"\n{WORDS}"


def copied_twice(notebook: Notebook) -> None:
    cell = cell_of(notebook, WHY)
    notebook["cells"].insert(0, copy.deepcopy(cell) | {"source": "A first try.", "id": "first"})


def named_as_the_question(notebook: Notebook) -> None:
    cell = cell_of(notebook, WHY)
    cell["metadata"]["nbgrader"]["grade_id"] = LOCKED


def among_notes_without_metadata(notebook: Notebook) -> None:
    cell = cell_of(notebook, WHY)
    at = notebook["cells"].index(cell)
    notebook["cells"][at:at] = [text("A note."), code("x = 1")]
    strip(notebook)


def released_texts_deleted(notebook: Notebook) -> None:
    strip(notebook)
    notebook["cells"] = [text(WORDS), code(PROGRAM)]


WAYS = [
    strip,
    move_to_the_end,
    moved_and_stripped,
    cut_in_two,
    cut_and_stripped,
    turned_into("code"),
    turned_into("raw"),
    prompt_kept_above,
    in_the_next_cell,
    in_a_next_cell_for_code,
    far_below_a_blank_cell,
    in_the_locked_question,
    in_an_ungraded_text,
    copied_twice,
    named_as_the_question,
    among_notes_without_metadata,
    released_texts_deleted,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_answer_in_words_waits_for_a_human(
    handed_in: Notebook, release: Any, way: Callable[[Notebook], None]
) -> None:
    way(handed_in)
    made = rebuilt(handed_in, release)
    shown = waits(made, WHY).replace("\n", "").replace("  ", " ")
    assert WORDS.replace(" ", "") in shown.replace(" ", "")
    assert PROGRAM in waits(made, SKETCH)
    assert made.repairs or way is move_to_the_end


def change_at_random(notebook: Notebook, chance: random.Random) -> None:
    """One of the things that people and programs do to a notebook."""
    cells = notebook["cells"]
    cell = chance.choice(cells)
    place = chance.randint(0, len(cells) - 1)
    what = chance.choice(("bare", "strip", "delete", "note", "code", "move", "retype", "copy"))
    if what == "bare":
        cell["metadata"] = {}
        cell.pop("id", None)
    elif what == "strip":
        strip(notebook)
    elif what == "delete" and WORDS not in cell["source"] and PROGRAM not in cell["source"]:
        cells.remove(cell)
    elif what in {"note", "code"}:
        cells.insert(place, text("A note of mine.") if what == "note" else code("y = 2"))
    elif what == "move":
        cells.remove(cell)
        cells.insert(place, cell)
    elif what == "retype":
        for one in cells:
            if one["source"] == WORDS:
                one["cell_type"] = chance.choice(["raw", "code", "markdown"])
    elif what == "copy":
        cells.insert(place, copy.deepcopy(cell))


def test_whatever_becomes_of_the_cells_a_human_sees_the_answers(
    handed_in: Notebook, release: Any
) -> None:
    for seed in range(300):
        notebook, chance = copy.deepcopy(handed_in), random.Random(seed)
        for _ in range(chance.randint(1, 5)):
            change_at_random(notebook, chance)
        made = rebuilt(notebook, release)
        assert waits(made, WHY), seed
        assert waits(made, SKETCH), seed
        page = "\n".join(cell.source for cell in made.notebook.cells)
        assert WORDS in page, seed
        assert PROGRAM in page, seed


def test_an_answer_in_code_is_found_too_and_runs_once(handed_in: Notebook, release: Any) -> None:
    strip(handed_in)
    made = rebuilt(handed_in, release)
    assert [cell.source for cell in made.notebook.cells].count(PROGRAM) == 1
    cell = next(one for one in handed_in["cells"] if one["source"] == PROGRAM)
    at = handed_in["cells"].index(cell)
    handed_in["cells"].insert(at, code("import math"))
    made = rebuilt(handed_in, release)
    assert [cell.source for cell in made.notebook.cells].count(PROGRAM) == 1
    assert f"# {NOTE}" in waits(made, SKETCH)
    assert f"# {PROGRAM}" in waits(made, SKETCH)
    compile(waits(made, SKETCH), "<cell>", "exec")


def test_only_what_is_blank_gets_zero_without_a_human(release: Any) -> None:
    blank = dict(json.loads(json.dumps(release)))
    with_code = copy.deepcopy(blank)
    with_code["cells"].append(code("x = 1"))
    empty: Notebook = {"cells": []}
    for notebook in (blank, with_code, empty):
        made = rebuilt(notebook, release)
        for name in (WHY, SKETCH):
            cell = next(cell for cell in made.notebook.cells if name_of(cell) == name)
            assert determine_grade(cell)[0] == 0
    assert rebuilt(blank, release).repairs == ()


@pytest.mark.parametrize("name", [LOCKED, TASK])
def test_what_is_written_into_a_locked_text_stays_below_it(
    handed_in: Notebook, release: Any, name: str
) -> None:
    """A task is locked: nbgrader always leaves it to a human, and its answer stands below it."""
    cell = cell_of(handed_in, name)
    question = cell["source"]
    cell["source"] += " (mine)"
    made = rebuilt(handed_in, release)
    sources = [one.source for one in made.notebook.cells]
    assert sources[sources.index(question) + 1] == f"{question} (mine)"
    assert made.repairs == (
        f"the {'task' if name == TASK else 'locked cell'} {name} had been changed; it was "
        "restored, and the changed text stands below it",
    )
    strip(handed_in)
    sources = [one.source for one in rebuilt(handed_in, release).notebook.cells]
    assert question in sources
    assert any(source.startswith(f"{question} (mine)") for source in sources)


def test_a_cell_that_is_too_long_is_pointed_at(handed_in: Notebook, release: Any) -> None:
    cell_of(handed_in, WHY)["source"] = "x" * 200_001
    strip(handed_in)
    assert TOO_LONG in waits(rebuilt(handed_in, release), WHY)


@pytest.fixture
def two_texts(release: Any) -> Any:
    """A release that asks for a text twice, by the same words."""
    notebook = copy.deepcopy(release)
    at = next(at for at, cell in enumerate(notebook.cells) if name_of(cell) == SKETCH)
    notebook.cells[at] = graded(new_markdown_cell(PROMPT), SKETCH, grade=True, solution=True)
    return notebook


def without_answers(release: Any) -> Notebook:
    notebook = dict(json.loads(json.dumps(release)))
    notebook["cells"] = [cell for cell in notebook["cells"] if name_of(cell) not in (WHY, SKETCH)]
    return notebook


def test_a_prompt_that_two_questions_have_tells_nothing_of_either(two_texts: Any) -> None:
    notebook = without_answers(two_texts)
    notebook["cells"].append(text(f"{PROMPT}\n\n{WORDS}"))
    made = rebuilt(notebook, two_texts)
    assert WORDS in waits(made, WHY) and WORDS in waits(made, SKETCH)


def test_what_was_taken_for_one_answer_may_be_the_other(two_texts: Any) -> None:
    notebook = without_answers(two_texts)
    notebook["cells"].insert(2, text(WORDS))
    made = rebuilt(notebook, two_texts)
    assert waits(made, WHY) == WORDS
    assert WORDS in waits(made, SKETCH)


def test_a_prompt_of_a_word_is_not_looked_for(release: Any) -> None:
    short = copy.deepcopy(release)
    next(cell for cell in short.cells if name_of(cell) == WHY).source = "Why?"
    notebook = without_answers(short)
    notebook["cells"].append(text("Why? Ask me."))
    assert NOTE in waits(rebuilt(notebook, short), WHY)


PIXEL = {"image/png": "iVBORw0KGgo="}


def test_what_is_copied_for_a_human_is_bounded_and_whole_on_the_page(release: Any) -> None:
    handed_in = dict(json.loads(json.dumps(release)))
    other = {"image/png": "iVBORw0KGgoA"}
    for at in range(MAX_COPIED + 2):
        picture = {"a.png": other if at else PIXEL}
        words = f"{at} ![mine](attachment:a.png) {'x' * MAX_SHOWN}"
        handed_in["cells"].append(text(words, attachments=picture))
    made = rebuilt(handed_in, release)
    shown = waits(made, WHY)
    assert shown.endswith("…\n\nand 2 more cells")
    assert shown.count("…") == shown.count("![mine]") == MAX_COPIED
    assert "1 ![mine](attachment:2-a.png)" in shown
    answer = next(one for one in made.notebook.cells if name_of(one) == WHY)
    assert (answer.attachments["a.png"], answer.attachments["2-a.png"]) == (PIXEL, other)
    assert "x" * MAX_SHOWN in made.notebook.cells[-1].source


@pytest.mark.parametrize("way", [lambda it: None, strip, in_the_next_cell])
def test_pictures_belong_to_the_answer(
    handed_in: Notebook, release: Any, way: Callable[[Notebook], None]
) -> None:
    cell = cell_of(handed_in, WHY)
    way(handed_in)
    holder = next((one for one in handed_in["cells"] if one["source"] == WORDS), cell)
    holder["source"] = WORDS + " ![my paper](attachment:my%20paper.png)"
    holder["attachments"] = {
        "my paper.png": PIXEL,
        "script": {"text/html": "<script>"},
        "huge.png": {"image/png": "A" * (MAX_LETTERS + 1)},
        "odd.png": {"image/png": '"><script>'},
        "none": 7,
    }
    made = rebuilt(handed_in, release)
    assert WORDS in waits(made, WHY)
    answer = next(one for one in made.notebook.cells if name_of(one) == WHY)
    assert answer.attachments == {"my paper.png": PIXEL}
    assert "had pictures attached, which were left out" in made.repairs[-1]
    page = markdown_html(answer.source, {"my paper.png": "data:image/png;base64,iVBORw0KGgo="})
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in page


@pytest.fixture(scope="module")
def mixed() -> Any:
    """A release in which an answer in words stands among tests and functions."""
    notebook = new_notebook()
    notebook.cells = [
        graded(new_code_cell("import math"), "imports", locked=True),
        graded(new_code_cell("def f():\n    # your code\n    pass"), "f", solution=True),
        graded(new_code_cell("assert f()"), "test_f", grade=True, locked=True),
        graded(new_markdown_cell(PROMPT), WHY, grade=True, solution=True),
        new_markdown_cell("Only a heading.", id="heading"),
        graded(new_markdown_cell("Next question"), LOCKED, locked=True),
        graded(new_markdown_cell("And how?"), "how", grade=True, solution=True),
        graded(new_code_cell("def g():\n    pass"), "g", solution=True),
        graded(new_code_cell("assert g()"), "test_g", grade=True, locked=True),
    ]
    return notebook


def nobody_is_asked(made: Rebuilt, name: str) -> bool:
    cell = next(cell for cell in made.notebook.cells if name_of(cell) == name)
    return bool(determine_grade(cell)[0] == 0)


INTO = {
    "the end of the test": ("test_f", "{0}\n# {1}"),
    "the test, as it is": ("test_f", "{0}\n{1}"),
    "a test far below": ("test_g", "{0}\n# {1}"),
    "the imports": ("imports", "{0}\n# {1}"),
    "a docstring of the test": ("test_f", '"""{1}"""\n{0}'),
    "a function beside the test": ("test_f", "def helper():\n    return 1\n\n# {1}\n{0}"),
    "the function's cell": ("f", "def f():\n    return 1\n\n# {1}"),
    "the function": ("f", "def f():\n    # {1}\n    return 1"),
    "a string in the function": ("f", 'def f():\n    print("{1}")\n    return 1'),
    "its docstring": ("f", 'def f():\n    """{1}"""\n    return 1'),
    "the function's cell, as it is": ("f", "def f():\n    return 1\n\n{1}"),
    "the next question": (LOCKED, "{0}\n\n{1}"),
    "the next answer": ("how", "In this way.\n\n{1}"),
}


@pytest.mark.parametrize("left", ["deleted", "blank", "emptied", "a note"])
@pytest.mark.parametrize(("name", "form"), INTO.values(), ids=INTO)
def test_an_answer_merged_into_another_cell_reaches_a_human(
    mixed: Any, left: str, name: str, form: str
) -> None:
    notebook = dict(json.loads(json.dumps(mixed)))
    essay, other = cell_of(notebook, WHY), cell_of(notebook, name)
    other["source"] = form.format(other["source"], WORDS)
    if left == "deleted":
        notebook["cells"].remove(essay)
    elif left == "emptied":
        essay["source"] = ""
    elif left == "a note":
        notebook["cells"][notebook["cells"].index(essay)] = text("A note of mine.")
    made = rebuilt(notebook, mixed)
    assert WORDS in waits(made, WHY)
    assert any(WHY in one for one in made.repairs)


def test_an_answer_beside_a_function_without_metadata_reaches_a_human(mixed: Any) -> None:
    notebook = dict(json.loads(json.dumps(mixed)))
    cell_of(notebook, "f")["source"] = f"def f():\n    return 1\n\n# {WORDS}"
    notebook["cells"].remove(cell_of(notebook, WHY))
    strip(notebook)
    assert WORDS in waits(rebuilt(notebook, mixed), WHY)


def test_a_long_answer_in_a_test_cell_is_shown_whole(mixed: Any) -> None:
    notebook = dict(json.loads(json.dumps(mixed)))
    cell_of(notebook, "test_f")["source"] += f"\n# {'x' * MAX_SHOWN} {WORDS}"
    notebook["cells"][:0] = [text(f"Note {at}.") for at in range(MAX_COPIED)]
    assert WORDS in waits(rebuilt(notebook, mixed), WHY)


def test_code_of_a_function_is_no_answer_in_words(mixed: Any) -> None:
    notebook = dict(json.loads(json.dumps(mixed)))
    cell_of(notebook, "f")["source"] = "def f():\n    # your code\n    return 1"
    cell_of(notebook, "imports")["source"] += "\nimport sys"
    cell_of(notebook, "g")["source"] += "  # Another answer stands between."
    assert nobody_is_asked(rebuilt(notebook, mixed), WHY)
    notebook["cells"].remove(cell_of(notebook, WHY))
    assert nobody_is_asked(rebuilt(notebook, mixed), WHY)


@pytest.mark.parametrize("place", [WHY, "second", LOCKED])
@pytest.mark.parametrize("name", ["my [paper] é.png", "image.png", "\ud800.png"])
def test_a_picture_alone_is_an_answer(
    handed_in: Notebook, release: Any, place: str, name: str
) -> None:
    cell_of(handed_in, WHY)["source"] = PROMPT
    holder = next(one for one in handed_in["cells"] if one.get("id") == place)
    holder["attachments"] = {name: PIXEL}
    made = rebuilt(handed_in, release)
    answer = next(one for one in made.notebook.cells if name_of(one) == WHY)
    pictures = dict.fromkeys(answer.attachments, "data:image/png;base64,iVBORw0KGgo=")
    assert [*answer.attachments.values()] == [PIXEL]
    assert "<img" in markdown_html(waits(made, WHY), pictures)


def test_a_picture_of_the_release_is_no_answer_and_another_in_its_place_is(release: Any) -> None:
    drawn = copy.deepcopy(release)
    cell = next(one for one in drawn.cells if name_of(one) == WHY)
    cell.source = "Explain: ![it](attachment:a.png)"
    cell.attachments = {"a.png": PIXEL}
    graded(cell, WHY, grade=True, solution=True)
    notebook = dict(json.loads(json.dumps(drawn)))
    assert nobody_is_asked(rebuilt(notebook, drawn), WHY)
    cell_of(notebook, WHY)["attachments"] = {"a.png": {"image/png": "iVBORw0KGgoA"}}
    waits(rebuilt(notebook, drawn), WHY)


def test_a_picture_in_a_task_is_named(handed_in: Notebook, release: Any) -> None:
    cell_of(handed_in, TASK)["attachments"] = {"a.png": PIXEL}
    assert "one cell had pictures attached, which were left out" in (
        rebuilt(handed_in, release).repairs
    )
