"""Submissions' grades as plain data, from a gradebook that is open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

import coursekit.gradebook.database  # noqa: F401  (its engine takes any path)
from coursekit.gradebook.asked_cells import judged_cells


@dataclass(frozen=True)
class CellGrade:
    """The grade of one cell; None is a score that nobody gave.

    Attributes:
        notebook: the notebook's name.
        cell: the cell's name.
        judged: whether a machine grades it, and not a human.
        max_score: what it is worth.
        automatic: the machine's score.
        by_hand: a human's, which counts instead.
        extra_credit: what a human gave besides.
        waits: whether a human has to look at it.

    """

    notebook: str
    cell: str
    judged: bool
    max_score: float
    automatic: float | None
    by_hand: float | None = None
    extra_credit: float = 0.0
    waits: bool = False

    @property
    def score(self) -> float | None:
        """What counts, without extra credit."""
        return self.automatic if self.by_hand is None else self.by_hand


@dataclass(frozen=True)
class SubmissionGrades:
    """The grades of one submission.

    Attributes:
        timestamp: when it was handed in; None if unknown.
        penalty: what is taken away for handing in late.
        needs_manual_grade: whether a human is to look at it.
        notebooks: the names of its notebooks.
        cells: the grade of each cell that gives points.

    """

    timestamp: Any
    penalty: float
    needs_manual_grade: bool
    notebooks: tuple[str, ...]
    cells: tuple[CellGrade, ...]


@contextlib.contextmanager
def open_gradebook(url: str) -> Iterator[Gradebook]:
    """Open a gradebook to read from it."""
    with Gradebook(url) as gradebook:
        yield gradebook


def grades_of(gradebook: Gradebook, assignment: str, student: str) -> SubmissionGrades | None:
    """Return the grades of a student's submission; None if the gradebook has none."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None
    notebooks = sorted(submission.notebooks, key=lambda one: str(one.name))
    return SubmissionGrades(
        submission.timestamp,
        float(submission.late_submission_penalty or 0),
        bool(submission.needs_manual_grade),
        tuple(str(notebook.name) for notebook in notebooks),
        tuple(grade for notebook in notebooks for grade in cell_grades(notebook)),
    )


def cell_grades(submitted: Any) -> list[CellGrade]:
    """Return the grades of one submitted notebook, in the order that the gradebook has its cells.

    With PostgreSQL this is any order: only the release knows that of the notebook.
    """
    judged = {cell.name for cell in judged_cells(submitted.notebook)}
    order = [cell.name for cell in submitted.notebook.source_cells]
    grades = [
        CellGrade(
            str(submitted.name),
            grade.name,
            grade.name in judged,
            float(grade.max_score),
            grade.auto_score,
            grade.manual_score,
            float(grade.extra_credit or 0),
            bool(grade.needs_manual_grade),
        )
        for grade in submitted.grades
    ]
    return sorted(grades, key=lambda one: order.index(one.cell) if one.cell in order else -1)
