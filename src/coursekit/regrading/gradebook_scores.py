"""Read an assignment's scores from a gradebook, and write one submission's."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook

from coursekit.gradebook import database_url

# Everything that grading, by machine or by hand, writes down.
_TABLES = ("grade", "comment", "submitted_notebook", "submitted_assignment")

Rows = dict[tuple[str, str], tuple[object, ...]]


@dataclass(frozen=True)
class Scores:
    """The scores of one submitted notebook, by test cell.

    Attributes:
        automatic: what the judge gave; None where nothing stands yet.
        by_hand: what somebody gave by hand, which counts in its place.

    """

    automatic: dict[str, float | None]
    by_hand: dict[str, float]


def read_scores(database: Path, assignment: str, notebook: str) -> dict[str, Scores]:
    """Return the scores of each student who handed the notebook in.

    Cells that are graded by hand alone are left out.
    """
    found = {}
    with Gradebook(database_url(database)) as gradebook:
        written = {
            cell.name for cell in gradebook.find_notebook(notebook, assignment).solution_cells
        }
        for submission in gradebook.notebook_submissions(notebook, assignment):
            grades = [grade for grade in submission.grades if grade.name not in written]
            found[str(submission.student.id)] = Scores(
                {grade.name: grade.auto_score for grade in grades},
                {g.name: g.manual_score for g in grades if g.manual_score is not None},
            )
    return found


def read_rows(database: Path) -> Rows:
    """Return every row that grading wrote, by table and id: to see afterwards that it stands."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {
            (table, row[0]): row
            for table in _TABLES
            for row in connection.execute(f"SELECT * FROM {table}")
        }


def copy_gradebook(database: Path, target: Path) -> None:
    """Copy a gradebook as it stands at one moment, even while somebody writes into it."""
    with (
        contextlib.closing(sqlite3.connect(database)) as origin,
        contextlib.closing(sqlite3.connect(target)) as copied,
    ):
        origin.backup(copied)


def take_scores(
    database: Path,
    origin: Path,
    place: tuple[str, str, str],
    before_commit: Callable[[], None],
) -> set[tuple[str, str]]:
    """Take one submission's automatic scores over from another gradebook, in one transaction.

    Args:
        database: the gradebook that is written.
        origin: the gradebook that is read.
        place: notebook, assignment and student.
        before_commit: what must have happened before the new scores count; if
            it raises, none does.

    Returns:
        The table and id of each row that was written. Scores by hand, extra
        credit and comments are not touched.

    """
    with Gradebook(database_url(origin)) as gradebook:
        new = gradebook.find_submission_notebook(*place)
        penalty = new.late_submission_penalty
        grades = {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in new.grades}
    written = set()
    with Gradebook(database_url(database)) as gradebook:
        submission = gradebook.find_submission_notebook(*place)
        for grade in submission.grades:
            # Only what the judge scored anew: cells graded by hand keep their state.
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
