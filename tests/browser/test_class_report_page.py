"""The class report in a real browser: for everybody, on every screen and on paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from accessibility import DARK, LIGHT, PRINT, outside, refused, unreached, unsigned
from browsing import Visitor
from nbformat.v4 import new_code_cell, new_notebook, writes

from coursekit.class_scores import CHECK, GRADED, NOT_GRADED, ClassScores, Line, StudentScore
from coursekit.course.assignment import Assignment
from coursekit.gradebook.students import Student
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.reporting.class_report import class_report
from coursekit.reporting.report_page import report_page
from resnets_utils.border.difference import Difference
from resnets_utils.checks.check_result import CheckResult, Outcome

pytestmark = pytest.mark.slow

LONG = "x" * 200
RAISED = Difference("raised", f"{LONG} = 1", "NameError", sentence=f"NameError: {LONG}")
CODE = f"def f(X):\n    {LONG} = 1\n    return X"


def class_page(course: Path, *, anonymous: bool) -> str:
    """The page of a class with every outcome, long words and somebody who was not graded."""
    passed = CheckResult("a check", 5, Outcome.PASSED, signature="a")
    ends = [
        (passed, replace(passed, name=LONG[:60], hidden=True)),
        (passed, replace(passed, signature="b")),
        *(
            (passed, replace(passed, outcome=outcome, reason=LONG, difference=RAISED))
            for outcome in (Outcome.ERROR, Outcome.FAILED, Outcome.NOT_ATTEMPTED)
        ),
    ]
    students = []
    for number in range(30):
        who, checks = f"{LONG}{number}", ends[number % len(ends)]
        cell = CellVerdict("test_f", "f", checks)
        verdict = NotebookVerdict("numbers-v1", "Numbers", who, (cell,), 1, "zygote", (LONG,))
        lines = tuple(
            Line("Numbers", "test_f", one.name, CHECK, 5, one.earned, one.outcome) for one in checks
        )
        students.append(
            StudentScore(
                Student(who), GRADED, lines, None, cell.score, 0, cell.score, (LONG,), (verdict,)
            )
        )
        place = course / "autograded" / who / "numbers-v1"
        place.mkdir(parents=True)
        (place / "Numbers.ipynb").write_text(writes(new_notebook(cells=[new_code_cell(CODE)])))
    students.append(StudentScore(Student("last"), NOT_GRADED))
    scores = ClassScores("numbers-v1", 10, None, tuple(students))
    written = datetime(2026, 9, 1)
    report = class_report(
        Assignment(course, "numbers-v1"), scores, written=written, anonymous=anonymous
    )
    return report_page(report)


@pytest.mark.parametrize("anonymous", [False, True])
def test_the_page_is_for_everybody(visitor: Visitor, tmp_path: Path, anonymous: bool) -> None:
    path = tmp_path / "report.html"
    path.write_text(class_page(tmp_path, anonymous=anonymous), encoding="utf-8")
    with visitor.blank() as page:
        page.goto(f"file://{path}")
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert outside(page) == []
        assert unreached(page) == []
        assert unsigned(page) == []
        assert refused(page, LIGHT, DARK, PRINT) == []
