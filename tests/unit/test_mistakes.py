"""Each mistake that an author can make is told with the place where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from coursekit.course.assignment import Assignment
from coursekit.course.normal_form import notebook_text
from coursekit.errors import AuthoringError
from coursekit.release.mistakes import find_mistakes, refuse_mistakes

NAME = "sums-v1"
TOML = 'version = "v1"\nprevious = ""\nupdates = []\n'
SOLUTION = "def total(x):\n    ### BEGIN SOLUTION\n    return sum(x)\n    ### END SOLUTION"
TEST = """from resnets_utils import Checks
checks = Checks("total")
with checks("a list", points=2):
    checks.call(x=[1, 2]).equals()
### HIDDEN TESTS
checks.report()"""
HIDDEN = 'with checks("nothing", points=1):\n    checks.call(x=[]).equals()\n'
WRONG = """[[answer]]
name = "one too many"
function = "total"
change = [["sum(x)", "sum(x) + 1"]]
fails = ["a list"]
"""


def graded(cell: Any, grade_id: str, **settings: Any) -> Any:
    given = {"grade": False, "solution": False, "locked": False, "task": False}
    cell.metadata["nbgrader"] = {"grade_id": grade_id, "schema_version": 3, **given, **settings}
    return cell


def test_cell(text: str, grade_id: str, points: float) -> Any:
    return graded(new_code_cell(text), grade_id, grade=True, locked=True, points=points)


test_cell.__test__ = False  # type: ignore[attr-defined]


@dataclass
class Course:
    """A course with one assignment, in memory until it is written."""

    folder: Path
    notebook: NotebookNode
    files: dict[str, str]

    def cell(self, grade_id: str) -> Any:
        return next(
            cell
            for cell in self.notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
        )

    def add(self, *cells: NotebookNode) -> None:
        self.notebook.cells += cells

    def change(self, grade_id: str, old: str, new: str) -> None:
        cell = self.cell(grade_id)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    def told(self) -> list[str]:
        for name, text in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # A text may hold what is no UTF-8.
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
        source = self.folder / "source" / NAME / "Sums.ipynb"
        source.parent.mkdir(parents=True, exist_ok=True)
        if not source.exists():
            source.write_text(notebook_text(self.notebook), encoding="utf-8")
        return [str(mistake) for mistake in find_mistakes(Assignment(self.folder, NAME))]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("# Sums"),
        graded(new_code_cell("import math"), "imports", locked=True),
        graded(new_code_cell(SOLUTION), "total", solution=True),
        test_cell(TEST, "test_total", 3),
    ]
    files = {
        f"source/{NAME}/assignment.toml": TOML,
        f"grader_tests/{NAME}/total.py": HIDDEN,
        f"grader_tests/{NAME}/wrong_answers.toml": WRONG,
    }
    return Course(tmp_path / "build" / "course", notebook, files)


def file(name: str, text: str | None) -> Callable[[Course], None]:
    def spoil(course: Course) -> None:
        if text is None:
            del course.files[name.format(NAME)]
        else:
            course.files[name.format(NAME)] = text

    return spoil


def cell(grade_id: str, old: str, new: str) -> Callable[[Course], None]:
    return lambda course: course.change(grade_id, old, new)


def setting(cell_id: str, /, **settings: Any) -> Callable[[Course], None]:
    def spoil(course: Course) -> None:
        given = course.cell(cell_id).metadata.nbgrader
        for key, value in settings.items():
            if value is None:
                del given[key]
            else:
                given[key] = value

    return spoil


def empty(course: Course) -> None:
    course.change("total", "return sum(x)", "pass  # TODO")
    del course.files[WRONG_FILE.format(NAME)]


def untested(course: Course) -> None:
    course.add(graded(new_code_cell(SOLUTION.replace("total", "mean")), "mean", solution=True))


def unchecked(course: Course) -> None:
    course.cell("test_total").source = "pass"
    file(HIDDEN_FILE, None)(course)


def text(
    kind: Callable[[str], Any] = new_markdown_cell, **settings: Any
) -> Callable[[Course], None]:
    return lambda course: course.add(graded(kind("Explain."), "why", **settings))


def without_its_file(course: Course) -> None:
    file(HIDDEN_FILE, None)(course)
    setting("test_total", points=2)(course)


SOURCE = "source/{}/assignment.toml"
HIDDEN_FILE = "grader_tests/{}/total.py"
WRONG_FILE = "grader_tests/{}/wrong_answers.toml"
NOTEBOOK = f"source/{NAME}/Sums.ipynb"
Spoil = Callable[[Course], None]
MISTAKES: dict[str, tuple[Spoil, str, str]] = {
    "no settings": (file(SOURCE, None), SOURCE, "is missing"),
    "an unknown key": (file(SOURCE, TOML + "title = 1\n"), SOURCE, "has unknown keys: title"),
    "an unknown room": (
        file(SOURCE, TOML + 'library = ["attic"]\n'),
        SOURCE,
        "library names 'attic'",
    ),
    "settings that are no TOML": (file(SOURCE, "version ="), SOURCE, "cannot be read"),
    "two notebooks": (
        file("source/{}/Two.ipynb", "{}"),
        "source/{}",
        "holds 2 notebooks, not one",
    ),
    "an unreadable notebook": (
        file(f"source/{NAME}/Sums.ipynb", "{"),
        NOTEBOOK,
        "cannot be read as a notebook",
    ),
    "a notebook of a later format": (
        file(f"source/{NAME}/Sums.ipynb", '{"nbformat": 9, "nbformat_minor": 0, "cells": []}'),
        NOTEBOOK,
        "cannot be read as a notebook: Unsupported nbformat version 9",
    ),
    "a cell without text": (
        lambda course: course.notebook.cells[0].pop("source"),
        NOTEBOOK,
        "cell 1 has no text",
    ),
    "an unknown type of cell": (
        lambda course: course.notebook.cells[0].update(cell_type="essay"),
        NOTEBOOK,
        "cell 1 is of the unknown type 'essay'",
    ),
    "metadata that are no table": (
        lambda course: course.notebook.cells[0].metadata.update(nbgrader="graded"),
        NOTEBOOK,
        "cell 1 has metadata of nbgrader's that are no table",
    ),
    "an id that is no text": (
        setting("imports", grade_id=[1]),
        NOTEBOOK,
        "cell 2 has an id that is no text: [1]",
    ),
    "an id with a space": (
        setting("imports", grade_id="my imports"),
        f"{NOTEBOOK}, cell my imports",
        "nbgrader refuses its metadata: 'my imports' does not match",
    ),
    "metadata of an earlier nbgrader": (
        setting("imports", schema_version=1),
        f"{NOTEBOOK}, cell imports",
        "Outdated schema version",
    ),
    "metadata of a later nbgrader": (
        setting("imports", schema_version=9),
        f"{NOTEBOOK}, cell imports",
        "Schema version is too new",
    ),
    "no id": (setting("imports", grade_id=None), f"{NOTEBOOK}, cell 2", "it has no id"),
    "an id twice": (
        lambda course: course.add(graded(new_code_cell("a = 1"), "imports", locked=True)),
        f"{NOTEBOOK}, cell imports",
        "2 cells have this id",
    ),
    "no points": (
        setting("test_total", points=0),
        f"{NOTEBOOK}, cell test_total",
        "it is worth no points (0)",
    ),
    "points that are no number": (
        setting("test_total", points="ten"),
        f"{NOTEBOOK}, cell test_total",
        "it is worth no points ('ten')",
    ),
    "points without end": (
        setting("test_total", points=float("inf")),
        f"{NOTEBOOK}, cell test_total",
        "it is worth no points (inf)",
    ),
    "points that do not add up": (
        setting("test_total", points=4),
        f"{NOTEBOOK}, cell test_total",
        "its checks are worth 3 points, hidden ones included, the cell 4",
    ),
    "a text that nobody grades": (
        text(grade=True, locked=True, points=2),
        f"{NOTEBOOK}, cell why",
        "it is a text that is graded by no human",
    ),
    "a raw text that nobody grades": (
        text(new_raw_cell, grade=True, points=2),
        f"{NOTEBOOK}, cell why",
        "students' words in it are lost",
    ),
    "an answer in words without a grade": (
        text(solution=True),
        f"{NOTEBOOK}, cell why",
        "students' words in it are lost",
    ),
    "a task that is not locked": (
        text(task=True, points=2),
        f"{NOTEBOOK}, cell why",
        "it is a task, and not one that nbgrader can grade",
    ),
    "a task that is a test": (
        text(task=True, locked=True, grade=True, points=2),
        f"{NOTEBOOK}, cell why",
        "it is a task, and not one that nbgrader can grade",
    ),
    "a task that is an answer": (
        text(task=True, locked=True, grade=True, solution=True, points=2),
        f"{NOTEBOOK}, cell why",
        "it is a task, and not one that nbgrader can grade",
    ),
    "a task in code": (
        text(lambda _: new_code_cell("1"), task=True, locked=True, points=2),
        f"{NOTEBOOK}, cell why",
        "it is a task, and not one that nbgrader can grade",
    ),
    "a task without points": (
        text(task=True, locked=True),
        f"{NOTEBOOK}, cell why",
        "it is worth no points (None)",
    ),
    "no check": (
        unchecked,
        f"{NOTEBOOK}, cell test_total",
        "it holds no check",
    ),
    "a name twice": (
        file(HIDDEN_FILE, HIDDEN.replace("nothing", "a list")),
        f"{NOTEBOOK}, cell test_total",
        "2 checks are named 'a list'",
    ),
    "an unknown function": (
        cell("test_total", '"total"', '"totals"'),
        f"{NOTEBOOK}, cell test_total",
        "it checks totals, which no cell of the notebook defines",
    ),
    "no report": (
        cell("test_total", "checks.report()", "pass"),
        f"{NOTEBOOK}, cell test_total",
        "students would see no result",
    ),
    "a placeholder without a file": (
        without_its_file,
        f"{NOTEBOOK}, cell test_total",
        "it holds the line '### HIDDEN TESTS', and there is no hidden test",
    ),
    "a file without a placeholder": (
        cell("test_total", "### HIDDEN TESTS\n", ""),
        f"{NOTEBOOK}, cell test_total",
        "it must hold the line '### HIDDEN TESTS' once",
    ),
    "a placeholder twice": (
        cell("test_total", "### HIDDEN TESTS", "### HIDDEN TESTS\n### HIDDEN TESTS"),
        f"{NOTEBOOK}, cell test_total",
        "it must hold the line '### HIDDEN TESTS' once",
    ),
    "a marker in a hidden test": (
        file(HIDDEN_FILE, HIDDEN + "    ### END HIDDEN TESTS\na = 1\n"),
        HIDDEN_FILE,
        "it holds the line ### END HIDDEN TESTS",
    ),
    "a marker in a test cell": (
        cell("test_total", "checks.report()", "### BEGIN HIDDEN TESTS\nchecks.report()"),
        f"{NOTEBOOK}, cell test_total",
        "it holds the line ### BEGIN HIDDEN TESTS",
    ),
    "a file without a cell": (
        file("grader_tests/{}/mean.py", HIDDEN),
        "grader_tests/{}/mean.py",
        "there is no cell test_mean",
    ),
    "a syntax error that students see": (
        cell("test_total", "checks.report()", "checks.report("),
        f"{NOTEBOOK}, cell test_total",
        "SyntaxError: '(' was never closed, line 6",
    ),
    "a syntax error in a hidden test": (
        file(HIDDEN_FILE, "a = 1\nb = = 2\n"),
        HIDDEN_FILE,
        "SyntaxError: invalid syntax, line 2",
    ),
    "a syntax error in the solution": (
        cell("total", "return sum(x)", "return = sum(x)"),
        f"{NOTEBOOK}, cell total",
        "SyntaxError: invalid syntax, line 3",
    ),
    "a syntax error in a cell that nbgrader does not know": (
        lambda course: course.add(new_code_cell("a = = 1")),
        f"{NOTEBOOK}, cell 5",
        "SyntaxError: invalid syntax, line 1",
    ),
    "no end of the solution": (
        cell("total", "\n    ### END SOLUTION", ""),
        f"{NOTEBOOK}, cell total",
        "1 times '### BEGIN SOLUTION' and 0 times '### END SOLUTION'",
    ),
    "a solution that is nobody's to fill in": (
        cell("imports", "import math", "### BEGIN SOLUTION\nimport math\n### END SOLUTION"),
        f"{NOTEBOOK}, cell imports",
        "students do not fill it in",
    ),
    "blocks of an unknown function": (
        file("source/{}/blocks.py", "\ndef totals(X):\n    return X\n"),
        "source/{}/blocks.py, line 2",
        "the notebook defines no totals",
    ),
    "a syntax error in the blocks": (
        file("source/{}/blocks.py", "def total(X)\n    return X\n"),
        "source/{}/blocks.py",
        "SyntaxError: expected ':', line 1",
    ),
    "a hidden test in other letters": (
        file(HIDDEN_FILE, HIDDEN + "# \udce9\n"),
        HIDDEN_FILE,
        "cannot be read: its byte 68 is no UTF-8",
    ),
    "blocks in other letters": (
        file("source/{}/blocks.py", "# \udce9\n"),
        "source/{}/blocks.py",
        "cannot be read: its byte 3 is no UTF-8",
    ),
    "a folder of a hidden test's name": (
        file("grader_tests/{}/mean.py/notes.txt", ""),
        "grader_tests/{}/mean.py",
        "cannot be read: it is a folder",
    ),
    "a solution without a line of code": (
        empty,
        f"{NOTEBOOK}, cell total",
        "its solution is empty",
    ),
    "a test cell of another name": (
        lambda course: course.add(
            test_cell(TEST.replace("### HIDDEN TESTS\n", ""), "another_total", 2)
        ),
        f"{NOTEBOOK}, cell another_total",
        "its id does not begin with test_",
    ),
    "a check that a wrong answer fails and nobody makes": (
        file(WRONG_FILE, WRONG.replace('fails = ["a list"]', 'fails = ["a list", "a tuple"]')),
        f"{WRONG_FILE}, total: one too many",
        "there is no check 'a tuple'",
    ),
    "a solution that nothing tests": (
        untested,
        f"{NOTEBOOK}, cell mean",
        "nothing tests this solution",
    ),
    "wrong answers that are no TOML": (file(WRONG_FILE, "[["), WRONG_FILE, "cannot be read"),
    "wrong answers without a list": (file(WRONG_FILE, ""), WRONG_FILE, "holds no answers"),
    "a list that is no list": (file(WRONG_FILE, "answer = 3"), WRONG_FILE, "holds no answers"),
    "a list of numbers": (file(WRONG_FILE, "answer = [3]"), WRONG_FILE, "holds no answers"),
    "a change that is not a pair": (
        file(WRONG_FILE, WRONG.replace('[["sum(x)", "sum(x) + 1"]]', '["sum(x)"]')),
        WRONG_FILE,
        "'one too many' holds something other than text",
    ),
    "a change of three": (
        file(WRONG_FILE, WRONG.replace('"sum(x) + 1"', '"sum(x) + 1", "3"')),
        WRONG_FILE,
        "has a change that is not a pair",
    ),
    "an answer named by a list": (
        file(WRONG_FILE, WRONG.replace('"one too many"', '["one"]')),
        WRONG_FILE,
        "answer ['one'] holds something other than text",
    ),
    "an answer of two functions": (
        file(WRONG_FILE, WRONG.replace('"total"', '["total"]')),
        WRONG_FILE,
        "needs a function of the assignment",
    ),
    "a right answer that is no Python": (
        file(
            "grader_tests/{}/right_answers.toml",
            '[[answer]]\nname = "x"\nfunction = "total"\ncode = "def total(x:"\n',
        ),
        "grader_tests/{}/right_answers.toml, total: x",
        "SyntaxError: '(' was never closed, line 1",
    ),
    "an answer that fails a number": (
        file(WRONG_FILE, WRONG.replace('["a list"]', "[3]")),
        WRONG_FILE,
        "holds something other than text",
    ),
    "a change that does not fit": (
        file(WRONG_FILE, WRONG.replace('"sum(x)", ', '"max(x)", ')),
        WRONG_FILE,
        "which the solution holds 0 times",
    ),
    "an answer of an unknown function": (
        file(WRONG_FILE, WRONG.replace('"total"', '"mean"')),
        WRONG_FILE,
        "needs a function of the assignment",
    ),
    "an answer with an unknown key": (
        file(WRONG_FILE, WRONG + "more = 1\n"),
        WRONG_FILE,
        "known keys only",
    ),
    "two answers of the same name": (
        file(WRONG_FILE, WRONG + WRONG),
        WRONG_FILE,
        "two answers have the same name",
    ),
    "no place for the updates": (
        file(SOURCE, 'version = "v1"\nprevious = "v0"\nupdates = ["New."]\n'),
        f"{NOTEBOOK}, cell updates",
        "the list of updates has no place",
    ),
}


def test_a_right_assignment_has_no_mistake(course: Course) -> None:
    assert course.told() == []
    refuse_mistakes(Assignment(course.folder, NAME))


@pytest.mark.parametrize(("spoil", "where", "what"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place(
    course: Course, spoil: Spoil, where: str, what: str
) -> None:
    spoil(course)
    told = course.told()
    assert len(told) == 1, told
    [mistake] = told
    assert mistake.startswith(f"{where.format(NAME)}: "), mistake
    assert what in mistake and "; " in mistake.partition(what)[2]
    assert "build/" not in mistake and str(course.folder) not in mistake


def test_several_mistakes_are_told_at_once(course: Course) -> None:
    course.change("test_total", '"total"', '"totals"')
    course.change("total", "\n    ### END SOLUTION", "")
    course.files[f"grader_tests/{NAME}/mean.py"] = HIDDEN
    course.files[f"source/{NAME}/assignment.toml"] = "version ="
    assert len(course.told()) == 4
    with pytest.raises(AuthoringError) as caught:
        refuse_mistakes(Assignment(course.folder, NAME))
    lines = caught.value.message.split("\n")
    assert lines[0] == "sums-v1 has 4 mistakes:" and len(lines) == 5
    assert "docs/authoring.md" in caught.value.hint


def test_answers_graded_by_hand_and_tests_without_hidden_ones_are_no_mistakes(
    course: Course,
) -> None:
    by_hand: dict[str, Any] = {"grade": True, "solution": True, "points": 2}
    course.add(
        graded(new_code_cell("### BEGIN SOLUTION\n1 + 1\n### END SOLUTION"), "essay", **by_hand),
        graded(new_markdown_cell("Explain."), "words", **by_hand | {"points": 0}),
        graded(new_markdown_cell("A task."), "task", task=True, locked=True, points=1),
        graded(new_code_cell(SOLUTION.replace("total", "mean")), "mean", solution=True),
        test_cell(TEST.replace("total", "mean").replace("### HIDDEN TESTS\n", ""), "test_mean", 2),
        graded(new_code_cell("%matplotlib inline\n!ls"), "magic", locked=True),
    )
    assert course.told() == []
