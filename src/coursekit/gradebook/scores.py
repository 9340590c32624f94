"""What students handed in, and its scores."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nbgrader.api import (
    Base,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import and_, func, select

from coursekit.gradebook.asked_cells import judged_cells
from coursekit.gradebook.database import one_moment

# Everything that grading, automatic or by hand, writes.
_TABLES = ("grade", "comment", "submitted_notebook", "submitted_assignment")

Rows = dict[tuple[str, str], tuple[object, ...]]


@dataclass(frozen=True)
class Scores:
    """The scores of one submitted notebook, by test cell.

    Attributes:
        automatic: what the judge gave; None before the first grading.
        by_hand: what an instructor gave by hand, which counts instead.

    """

    automatic: dict[str, float | None]
    by_hand: dict[str, float]


def students_of(url: str, assignment: str) -> set[str]:
    """Return the ids of the students whose submission of an assignment is in the gradebook."""
    with Gradebook(url) as gradebook:
        try:
            submissions = gradebook.find_assignment(assignment).submissions
        except MissingEntry:
            return set()
        return {str(submission.student.id) for submission in submissions}


def read_scores(url: str, assignment: str, notebook: str) -> dict[str, Scores]:
    """Return the scores of each student who submitted the notebook.

    Cells that are graded only by hand are left out.
    """
    found = {}
    with Gradebook(url) as gradebook:
        judged = {cell.name for cell in judged_cells(gradebook.find_notebook(notebook, assignment))}
        for submission in gradebook.notebook_submissions(notebook, assignment):
            grades = [grade for grade in submission.grades if grade.name in judged]
            found[str(submission.student.id)] = Scores(
                {grade.name: grade.auto_score for grade in grades},
                {g.name: g.manual_score for g in grades if g.manual_score is not None},
            )
    return found


def graded_notebooks(
    url: str, assignment: str, student: str | None = None
) -> frozenset[tuple[str, str]]:
    """Return the submitted notebooks in which each cell that a machine grades has its score.

    Args:
        url: the gradebook's address.
        assignment: the assignment's name.
        student: the only student who matters; None for the whole class.

    Returns:
        Students' ids and notebooks' names.

    """
    with Gradebook(url) as gradebook:
        try:
            found = gradebook.find_assignment(assignment)
        except MissingEntry:
            return frozenset()
        judged = {notebook.id: judged_cells(notebook) for notebook in found.notebooks}
        names = {notebook.id: str(notebook.name) for notebook in found.notebooks}
        cells = [cell.id for each in judged.values() for cell in each]
        asked = (
            select(
                SubmittedAssignment.student_id,
                SubmittedNotebook.notebook_id,
                func.count(Grade.auto_score),
            )
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .outerjoin(
                Grade, and_(Grade.notebook_id == SubmittedNotebook.id, Grade.cell_id.in_(cells))
            )
            .where(SubmittedAssignment.assignment_id == found.id)
            .where(SubmittedNotebook.notebook_id.in_(list(names)))
            .group_by(SubmittedAssignment.student_id, SubmittedNotebook.notebook_id)
        )
        if student is not None:
            asked = asked.where(SubmittedAssignment.student_id == student)
        return frozenset(
            (str(who), names[notebook])
            for who, notebook, scores in gradebook.db.execute(asked)
            if scores == len(judged[notebook])
        )


def forget_timestamp(url: str, assignment: str, student: str) -> None:
    """Take from a submission the time of an earlier one: when this one came is not known."""
    with Gradebook(url) as gradebook, contextlib.suppress(MissingEntry):
        gradebook.find_submission(assignment, student).timestamp = None
        gradebook.db.commit()


def take_back_scores(url: str, assignment: str, student: str, notebook: str = "") -> None:
    """Reset a submission's automatic scores to "not graded".

    Args:
        url: the gradebook's address.
        assignment: the assignment's name.
        student: the student's id; if they handed nothing in, nothing happens.
        notebook: one of its notebooks; "" for all.

    """
    with Gradebook(url) as gradebook:
        hold_submission(gradebook, assignment, student)
        try:
            submission = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return
        for handed_in in submission.notebooks:
            for grade in handed_in.grades if notebook in ("", handed_in.name) else ():
                grade.auto_score = None
                grade.needs_manual_grade = True
        gradebook.db.commit()


def read_rows(url: str) -> Rows:
    """Return every row that grading wrote, by table and id, to find later changes."""
    with one_moment(url) as connection:
        return {
            (name, row.id): tuple(row)
            for name in _TABLES
            for row in connection.execute(select(Base.metadata.tables[name]))
        }


def hold_submission(gradebook: Gradebook, assignment: str, student: str) -> None:
    """Let nobody else change a submission's grades and comments until the transaction ends.

    What another program writes to them is then all before the transaction, or all after it. With
    SQLite this is so in any case: there, whoever writes holds the whole gradebook.
    """
    if gradebook.engine.dialect.name == "sqlite":
        return
    for rows in (Grade, Comment):
        found = (
            gradebook.db.query(rows)
            .join(SubmittedNotebook, rows.notebook_id == SubmittedNotebook.id)
            .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .filter(SubmittedAssignment.student_id == student)
            .filter(SubmittedAssignment.assignment.has(name=assignment))
        )
        # In one order, so that no two wait for each other. What was read before the others had
        # ended is read again.
        found.order_by(rows.id).populate_existing().with_for_update(of=rows).all()


def take_scores(
    url: str,
    origin: str,
    place: tuple[str, str, str],
    before_commit: Callable[[], None],
) -> set[tuple[str, str]]:
    """Copy one submission's automatic scores from another gradebook, in one transaction.

    Args:
        url: the address of the gradebook that is written.
        origin: that of the gradebook that is read.
        place: notebook, assignment and student.
        before_commit: what must have happened before the new scores count; if
            it raises, no score changes.

    Returns:
        The table and id of each row that was written. Scores by hand, extra
        credit and comments are not touched.

    """
    with _submission(origin, place) as (_, new):
        penalty = new.late_submission_penalty
        grades = {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in new.grades}
    written = set()
    with _submission(url, place) as (gradebook, submission):
        for grade in submission.grades:
            # Only the judge's new scores: cells that are graded by hand keep their state.
            if grade.name in grades and grade.auto_score != grades[grade.name][0]:
                grade.auto_score, grade.needs_manual_grade = grades[grade.name]
                written.add(("grade", str(grade.id)))
        if submission.late_submission_penalty != penalty:
            submission.late_submission_penalty = penalty
            written.add(("submitted_notebook", str(submission.id)))
        gradebook.db.flush()
        before_commit()
        gradebook.db.commit()
    return written


@contextlib.contextmanager
def _submission(url: str, place: tuple[str, str, str]) -> Iterator[tuple[Any, Any]]:
    with Gradebook(url) as gradebook:
        hold_submission(gradebook, *place[1:])
        yield gradebook, gradebook.find_submission_notebook(*place)
