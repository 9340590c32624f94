"""The demo takes its functions from each assignment, and its tables as well."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from small_course import small_course

from coursekit.course.assignment import SETTINGS, Assignment, cells_by_grade_id
from coursekit.demo import SUBMISSIONS, bundled, demo, scores
from coursekit.errors import AuthoringError
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.release.pipeline import told_of_the_course
from resnets_utils.checks.check_result import CheckResult, Outcome

ANSWER = '[[answer]]\nname = "{name}"\nfunction = "identity_block"\ncode = "{code}"\n'


@pytest.fixture
def small(assignment: Assignment, tmp_path: Path) -> Assignment:
    """An assignment of one function, with a right and a wrong answer, as if it were released."""
    made = small_course(tmp_path, assignment)
    for file, name in (("right_answers.toml", "right"), ("wrong_answers.toml", "wrong")):
        (made.tests / file).write_text(ANSWER.format(name=name, code=f"{name} = 1"))
    made.release.parent.mkdir(parents=True)
    made.release.write_bytes(made.source.read_bytes())
    return made


def test_an_assignment_s_own_functions_are_answered(small: Assignment) -> None:
    entry: dict[str, Any] = {"student": "ada", "assignment": small.name, "otherwise": "right"}
    cells = cells_by_grade_id(bundled(small, entry))
    assert cells["identity_block"].source == "right = 1"
    entry["answers"] = {"identity_block": "wrong"}
    assert cells_by_grade_id(bundled(small, entry))["identity_block"].source == "wrong = 1"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"another": "right"}, "ada answers another, for which small-block-v1 has no cell"),
        ({"identity_block": "best"}, "ada gives 'best' for identity_block"),
    ],
)
def test_what_an_assignment_does_not_have_is_told(
    answers: dict[str, str], words: str, small: Assignment
) -> None:
    with pytest.raises(AuthoringError, match=words):
        bundled(small, {"student": "ada", "assignment": small.name, "answers": answers})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[submission]", "TOMLDecodeError"),
        ("", "KeyError: 'submission'"),
        ('[[submission]]\nstudent = "ada"\n', "assignment, about"),
    ],
)
def test_a_list_of_submissions_that_cannot_be_used_is_told(
    text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / SUBMISSIONS).write_text(text)
    for name in SETTINGS:
        (tmp_path / name).write_text("{}")
    with pytest.raises(AuthoringError, match=f"{SUBMISSIONS} cannot be used: {words}"):
        demo(tmp_path, Console())


def test_a_mistake_in_the_demo_s_copy_is_told_of_the_course(small: Assignment) -> None:
    shutil.copytree(small.course, copied := small.course / "build" / "demo")
    (copied / "grader_tests" / small.name / "right_answers.toml").write_text("[[")
    entry = {"student": "ada", "assignment": small.name, "otherwise": "right"}
    with (
        pytest.raises(AuthoringError, match=rf"^grader_tests/{small.name}/right_answers\.toml "),
        told_of_the_course(small.course, copied),
    ):
        bundled(Assignment(copied, small.name), entry)


def verdict(assignment: str, outcomes: dict[str, Outcome]) -> NotebookVerdict:
    cells = tuple(
        CellVerdict(f"test_{name}", name, (CheckResult("a check", 5, outcome),))
        for name, outcome in outcomes.items()
    )
    return NotebookVerdict(assignment, "Notebook", "somebody", cells, 1, "none")


def test_each_assignment_has_a_table_of_its_own_functions() -> None:
    handed_in: list[tuple[str, str, dict[str, Outcome]]] = [
        ("ada", "blocks-v1", {"one": Outcome.PASSED, "two": Outcome.FAILED}),
        ("bob", "loops-v1", {"three": Outcome.FAILED}),
        ("cy", "blocks-v1", {"two": Outcome.PASSED, "one": Outcome.FAILED, "more": Outcome.PASSED}),
    ]
    entries: list[dict[str, Any]] = [
        {"student": student, "assignment": name, "about": "so"} for student, name, _ in handed_in
    ]
    tables = scores(entries, [verdict(name, outcomes) for _, name, outcomes in handed_in])
    assert [table.title for table in tables] == ["Scores, blocks-v1", "Scores, loops-v1"]
    columns = [
        {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}
        for table in tables
    ]
    assert [list(of_one) for of_one in columns] == [
        ["student", "one", "two", "more", "total"],
        ["student", "three", "total"],
    ]
    assert columns[0]["student"] == ["ada: so", "cy: so"]
    assert [text[2:] for text in columns[0]["one"]] == ["passed 5/5", "failed 0/5"]
    assert [text[2:] for text in columns[0]["two"]] == ["failed 0/5", "passed 5/5"]
    assert [text[2:] for text in columns[0]["more"]] == ["", "passed 5/5"]
    assert columns[0]["total"] == ["5/10", "10/15"]
    assert columns[1]["total"] == ["0/5"]
