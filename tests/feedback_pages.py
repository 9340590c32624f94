"""Feedback pages of stored verdicts, without a grading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from coursekit.gradebook.given_scores import GivenScores
from coursekit.gradebook.student_grades import CellGrade
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.pages.feedback_page import feedback_page
from coursekit.pages.result import Result, result_of
from resnets_utils.checks.check_result import CheckResult, Outcome

BLOCK = """def block(X, f):
    shortcut = X
    X = Conv2D(4, (1, 1),
               strides=(2, 2))(X)
    X = BatchNormalization(name="bn" + "2a")(X)
    X = Activation("relu")(X)
    X = Conv2D(4, (f, f), name="res" + "2b")(X)
    shortcut = Conv2D(4, (1, 1), name="res" + "1")(shortcut)
    X = Add()([X, shortcut])
    X = Activation("relu")(X)
    return X"""
CALL = "block(X, f=2) with X of shape (batch, 4, 4, 6)"
STRIDE = "the first convolution has stride (2, 2); the exercise asks for (1, 1)"
RAISED = f"{CALL}: ValueError: Inputs of (2, 2)\n    line 9: X = Add()([X, shortcut])"


def check(name: str, outcome: Outcome, reason: str = "", **more: Any) -> CheckResult:
    return CheckResult(name, 2, outcome, reason, **more)


def judged(*checks: CheckResult, function: str = "block") -> CellVerdict:
    return CellVerdict(f"test_{function}", function, checks)


def given(automatic: float | None, name: str = "test_block", **more: Any) -> CellGrade:
    return CellGrade("A_v1", name, more.pop("judged", True), 6, automatic, **more)


def notebook(*more: NotebookNode, answer: str = BLOCK) -> NotebookNode:
    cells = [
        new_markdown_cell("# The title\n\n### Skips a level\n\n$x < y$"),
        new_code_cell(answer, metadata={"nbgrader": {"grade_id": "block", "solution": True}}),
        new_code_cell(
            "",
            metadata={"nbgrader": {"grade_id": "test_block", "grade": True}},
            outputs=[new_output("execute_result", data={"text/plain": "2", "text/html": "<p>"})],
        ),
    ]
    made: NotebookNode = new_notebook(cells=[*cells, *more])
    return made


def result(
    scores: Sequence[CellGrade],
    cells: Sequence[CellVerdict] | None,
    remarks: tuple[str, ...] = (),
    comments: dict[str, str] | None = None,
    late: float = 0,
    changed: bool = False,
) -> Result:
    verdict = None
    if cells is not None:
        verdict = NotebookVerdict("a-v1", "A_v1", "ada", tuple(cells), 1, "zygote", remarks)
    return result_of(
        ("a-v1", "A_v1", "ada"),
        GivenScores(tuple(scores), comments or {}, late),
        verdict,
        ["", "block", "test_block"],
        changed=changed,
    )


def page(found: Result, shown: NotebookNode | None = None) -> Any:
    return BeautifulSoup(feedback_page(shown or notebook(), found), "html.parser")


def words(found: Result, shown: NotebookNode | None = None) -> str:
    """What the first screen says."""
    soup = page(found, shown)
    for tag in soup.find_all(["p", "div", "li"]):
        tag.insert_before(" ")
    return " ".join((soup.header.get_text() + soup.select(".result")[0].get_text()).split())


OUTCOMES = judged(
    check("one", Outcome.PASSED, remarks=("a note",)),
    check("two", Outcome.FAILED, f"{CALL}: {STRIDE}", hidden=True),
    check("three", Outcome.ERROR, RAISED),
    check("four", Outcome.NOT_ATTEMPTED, "the placeholder is still in block"),
)
