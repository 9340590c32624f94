"""The two examples of docs/authoring.md, copied as the page tells: nothing in them is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judging_in_process import answer_cells, full_test_cells, judge_in_process
from markdown_it import MarkdownIt
from nbformat.v4 import new_markdown_cell

from coursekit.cli import main
from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.known_answers import KNOWN_ANSWERS, known_answers
from coursekit.course.normal_form import notebook_text
from coursekit.release.mistakes import find_mistakes
from resnets_utils.checks.check_result import Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authoring.md"
QUESTION = {
    "grade_id": "why_shorter",
    "points": 2,
    "grade": True,
    "solution": True,
    "locked": False,
    "task": False,
    "schema_version": 3,
}
SALT = 2026
# By what a paragraph says of the block below it.
FILE = re.compile(r"`((?:source|grader_tests)/[\w/.-]+)`")
CELL = re.compile(r"cell,? `(\w+)`")
POINTS = re.compile(r"(\d+) points")


def examples(name: str) -> list[tuple[str, str]]:
    """Each block of the page that belongs to an assignment, after what is said of it."""
    before, functions, found = "", "", []
    for token in MarkdownIt("commonmark").enable("table").parse(PAGE.read_text(encoding="utf-8")):
        if token.type == "inline":
            before = token.content
        elif token.type == "fence" and token.content.startswith("coursekit new-assignment "):
            functions = token.content
        elif token.type == "fence":
            file = FILE.search(before)
            if name in (file[1] if file else functions):
                found.append((before, token.content))
    return found


def copied(name: str, course: Path) -> Assignment:
    """An assignment, begun by the page's command and written by copying the page's blocks."""
    assignment = Assignment(course, name)
    notebook = read_notebook(assignment.source)
    cells = cells_by_grade_id(notebook)
    count = 0
    for said, block in examples(name):
        if file := FILE.search(said):
            (course / file[1]).write_text(block, encoding="utf-8")
        elif cell := CELL.search(said):
            cells[cell[1]].source = block.rstrip("\n")
            if points := POINTS.search(said):
                cells[cell[1]].metadata.nbgrader.points = int(points[1])
        elif "`why_shorter`" in said:
            notebook.cells.append(new_markdown_cell(block, metadata={"nbgrader": QUESTION}))
        else:
            continue
        count += 1
    assert count > 4
    assignment.source.write_text(notebook_text(notebook), encoding="utf-8")
    return assignment


@pytest.mark.parametrize(
    ("name", "functions"),
    [("averages-v1", ["running_mean"]), ("small-network-v1", ["shrink", "small_network"])],
)
def test_an_example_of_the_page_has_no_mistake_and_judges_as_it_says(
    tmp_path: Path, name: str, functions: list[str]
) -> None:
    line = f"coursekit new-assignment {name} {' '.join(functions)}"
    assert f"\n{line}\n" in PAGE.read_text(encoding="utf-8")
    assert main(["init", str(tmp_path / "c"), "--empty"]) == 0
    assert main(["--course", str(tmp_path / "c"), *line.split()[1:]]) == 0
    assignment = copied(name, tmp_path / "c")
    assert [str(mistake) for mistake in find_mistakes(assignment)] == []
    tests = full_test_cells(assignment)
    files = [file for file in KNOWN_ANSWERS if (assignment.tests / file).exists()]
    answers = [answer for file in files for answer in known_answers(assignment, file)]
    assert {answer.function for answer in answers} == set(functions)
    for answer in answers:
        cells = answer_cells(assignment, {answer.function: answer.code})
        checks = judge_in_process(tests[answer.function], cells, SALT).checks
        missed = {check.name for check in checks if check.outcome is not Outcome.PASSED}
        assert missed == answer.fails, answer.name
    for function in functions:
        checks = judge_in_process(tests[function], answer_cells(assignment, {}), SALT).checks
        assert {check.outcome for check in checks} == {Outcome.PASSED}
