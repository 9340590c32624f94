"""The scores of a class as they count: one line for each student and check.

They come from the gradebook, and the checks from the verdicts. What a human gave by hand, extra
credit and penalties for handing in late have lines of their own, so that a student's lines add
up to the score. Who has no score has None, and never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from coursekit.course.assignment import cells_by_grade_id, read_notebook
from coursekit.course.student_names import why_no_student
from coursekit.errors import CourseKitError
from coursekit.gradebook.student_grades import (
    CellGrade,
    SubmissionGrades,
    grades_of,
)
from coursekit.gradebook.students import Student, students_in
from coursekit.judge.verdict import MAX_ROUNDING, NotebookVerdict
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.course_folder import matching
from coursekit.nbgrader_seam.submitted_folder import digest_now
from resnets_utils.checks.check_result import Outcome

GRADED = "graded"
BY_HAND = "needs manual grading"
NOT_GRADED = "not graded"
AGAIN = "handed in again, not graded yet"
NOTHING = "not handed in"
# Handed in, but without a score.
WAITING = (BY_HAND, NOT_GRADED, AGAIN)

# What is handed in and cannot be opened is not what was graded: no verdict has this digest.
_UNOPENED = "cannot be opened"

# The kinds of lines.
CHECK = "check"
CELL = "test cell"
HAND_GRADED = "graded by hand"
CHANGED = "changed by hand"
EXTRA = "extra credit"
LATE = "late penalty"


@dataclass(frozen=True)
class Line:
    """One of the lines that a score is the sum of.

    Attributes:
        notebook: the notebook's name; "" for what concerns the whole submission.
        cell: the cell's name; "" likewise.
        name: the check's name, or the line's kind.
        kind: one of the kinds above.
        points: what it is worth.
        earned: what it adds to the score; None if nobody has given a score yet.
        outcome: how the check ended; None for what the judge did not see.
        reason: why the check was not passed, in words.
        hidden: whether the check belongs to the hidden tests.
        function: the function that the check is about; "" if it calls no function.
        number: counts the checks of one name in one cell, from 0.

    """

    notebook: str
    cell: str
    name: str
    kind: str
    points: float
    earned: float | None
    outcome: Outcome | None = None
    reason: str = ""
    hidden: bool = False
    function: str = ""
    number: int = 0

    @property
    def title(self) -> str:
        """What it is called where a class has one column or test for it."""
        repeated = f" ({self.number + 1})" if self.number else ""
        return ": ".join(filter(None, [self.function or self.cell, self.name])) + repeated


@dataclass(frozen=True)
class StudentScore:
    """What became of one student's submission.

    Attributes:
        student: who.
        status: one of the words above.
        lines: what is known of the score, line by line; () if there is nothing.
        timestamp: when it was handed in; None if unknown.
        raw_score: the sum without the penalty; None unless the status is "graded".
        penalty: what is taken away for handing in late; None likewise.
        score: what counts; None likewise.
        remarks: what happened to the notebook as a whole.
        verdicts: those that its lines are from.

    """

    student: Student
    status: str
    lines: tuple[Line, ...] = ()
    timestamp: Any = None
    raw_score: float | None = None
    penalty: float | None = None
    score: float | None = None
    remarks: tuple[str, ...] = ()
    verdicts: tuple[NotebookVerdict, ...] = ()


@dataclass(frozen=True)
class ClassScores:
    """The scores of one assignment.

    Attributes:
        assignment: its name.
        max_score: what it is worth.
        duedate: when it was due; None if that is not known.
        students: everybody in the gradebook, and everybody else who handed in.

    """

    assignment: str
    max_score: float
    duedate: Any
    students: tuple[StudentScore, ...]


def class_scores(
    gradebook: Gradebook, coursedir: Any, assignment: str, students: tuple[str, ...] = ()
) -> ClassScores:
    """Return the scores of an assignment.

    Args:
        gradebook: the open gradebook.
        coursedir: nbgrader's course folder.
        assignment: the assignment's name.
        students: whose scores; () for everybody's.

    Raises:
        CourseKitError: if the gradebook does not know the assignment or a student.

    """
    try:
        found = gradebook.find_assignment(assignment)
    except MissingEntry:
        raise unknown([assignment]) from None
    places, order = _handed_in(coursedir, assignment), _order(coursedir, assignment)
    people = {one.id: one for one in students_in(gradebook)}
    people |= {who: Student(who) for who in sorted(set(places) - set(people))}
    if missing := [who for who in students if who not in people]:
        raise unknown(missing)
    return ClassScores(
        assignment,
        float(found.max_score),
        found.duedate,
        tuple(
            _of_student(gradebook, coursedir, assignment, people[who], places.get(who), order)
            for who in students or people
        ),
    )


def unknown(names: list[str]) -> CourseKitError:
    """Return the error about names that the gradebook does not know."""
    return CourseKitError(
        f"the gradebook does not know {', '.join(names)}",
        "list what it knows, with: nbgrader db assignment list; nbgrader db student list",
    )


def _handed_in(coursedir: Any, assignment: str) -> dict[str, Path]:
    """The submitted folders of an assignment, by student."""
    pattern = coursedir.format_path(coursedir.submitted_directory, "*", "*")
    parts = coursedir.format_path(
        coursedir.submitted_directory, "(?P<who>.*)", "(?P<name>.*)", escape=True
    )
    found = ((re.fullmatch(parts, path, re.DOTALL), Path(path)) for path in matching(pattern))
    return {
        at["who"]: path for at, path in found if at and at["name"] == assignment and path.is_dir()
    }


def _order(coursedir: Any, assignment: str) -> dict[tuple[str, str], int]:
    """The places of the cells in the released notebooks, by notebook and cell; {} without them."""
    folder = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
    names = [
        (path.stem, name)
        for path in sorted(folder.glob("*.ipynb"))
        for name in cells_by_grade_id(read_notebook(path))
    ]
    return {name: place for place, name in enumerate(names)}


def _of_student(
    gradebook: Gradebook,
    coursedir: Any,
    assignment: str,
    student: Student,
    place: Path | None,
    order: dict[tuple[str, str], int],
) -> StudentScore:
    # The gradebook cannot be asked for every name; such a one was never graded.
    grades = None if why_no_student(student.id) else grades_of(gradebook, assignment, student.id)
    if grades is None:
        return StudentScore(student, NOT_GRADED if place else NOTHING)
    verdicts = {
        name: verdict
        for name in grades.notebooks
        if (verdict := find_verdict(Path(coursedir.root), student.id, assignment, name))
    }
    digest = (digest_now(coursedir, str(place)) or _UNOPENED) if place and verdicts else ""
    status = _status(grades, verdicts, digest)
    if status in (NOT_GRADED, AGAIN):
        return StudentScore(student, status, timestamp=grades.timestamp)
    cells = sorted(grades.cells, key=lambda cell: order.get((cell.notebook, cell.cell), len(order)))
    lines = [line for cell in cells for line in _lines(cell, verdicts.get(cell.notebook))]
    remarks = tuple(remark for verdict in verdicts.values() for remark in verdict.remarks)
    own = tuple(verdicts.values())
    if status == BY_HAND:
        at = grades.timestamp
        return StudentScore(student, status, tuple(lines), at, remarks=remarks, verdicts=own)
    raw = sum(line.earned or 0.0 for line in lines)
    score = max(0.0, raw - grades.penalty)
    if grades.penalty:
        lines.append(Line("", "", LATE, LATE, 0.0, score - raw))
    return StudentScore(
        student, status, tuple(lines), grades.timestamp, raw, grades.penalty, score, remarks, own
    )


def _status(grades: SubmissionGrades, verdicts: dict[str, NotebookVerdict], digest: str) -> str:
    """What became of a submission.

    Args:
        grades: what the gradebook has of it.
        verdicts: its verdicts, by notebook.
        digest: that of what is handed in now; "" if there is nothing, or nothing to compare.

    """
    if any(cell.judged and cell.score is None for cell in grades.cells):
        return NOT_GRADED
    if digest and any(verdict.digest != digest for verdict in verdicts.values()):
        return AGAIN
    ungiven = any(cell.score is None for cell in grades.cells)
    return BY_HAND if grades.needs_manual_grade or ungiven else GRADED


def _lines(grade: CellGrade, verdict: NotebookVerdict | None) -> Iterator[Line]:
    """The lines of one cell; they add up to its score."""
    at = (grade.notebook, grade.cell)
    checks = list(_checks(grade, verdict)) if grade.judged else []
    if checks:
        yield from checks
        if grade.by_hand is not None:
            by_judge = sum(line.earned or 0.0 for line in checks)
            yield Line(*at, CHANGED, CHANGED, 0.0, grade.by_hand - by_judge)
    else:
        kind = CELL if grade.judged and grade.by_hand is None else HAND_GRADED
        yield Line(*at, kind, kind, grade.max_score, grade.score)
    if grade.extra_credit and grade.score is not None:
        yield Line(*at, EXTRA, EXTRA, 0.0, grade.extra_credit)


def _checks(grade: CellGrade, verdict: NotebookVerdict | None) -> Iterator[Line]:
    """The checks of a test cell, if the verdict is that of the gradebook's score."""
    for cell in verdict.cells if verdict else ():
        if cell.grade_id != grade.cell:
            continue
        if grade.automatic is None or abs(cell.score - grade.automatic) > MAX_ROUNDING:
            return
        seen: list[str] = []
        for check in cell.checks:
            yield Line(
                grade.notebook,
                grade.cell,
                check.name,
                CHECK,
                check.points,
                check.earned,
                check.outcome,
                check.reason,
                check.hidden,
                cell.function,
                seen.count(check.name),
            )
            seen.append(check.name)
