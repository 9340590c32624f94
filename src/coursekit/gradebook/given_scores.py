"""What a student got for a notebook: by the judge, by hand, and in words."""

from __future__ import annotations

from dataclasses import dataclass

from nbgrader.api import Gradebook

import coursekit.gradebook.database  # noqa: F401  (its engine takes any path)
from coursekit.gradebook.asked_cells import judged_cells


@dataclass(frozen=True)
class GivenScore:
    """What one cell got.

    Attributes:
        grade_id: the cell's name.
        points: what it is worth.
        judged: whether a machine grades it.
        automatic: what the machine gave; None if it gave nothing yet.
        by_hand: what a person gave, which counts instead; None if nobody did.
        extra_credit: what a person gave in addition.
        waits: whether a person has to look at it.

    """

    grade_id: str
    points: float
    judged: bool
    automatic: float | None
    by_hand: float | None = None
    extra_credit: float = 0
    waits: bool = False

    @property
    def score(self) -> float | None:
        """What counts, without extra credit; None if there is no score."""
        if self.by_hand is not None:
            return self.by_hand
        return None if self.waits and not self.judged else self.automatic


@dataclass(frozen=True)
class GivenScores:
    """What one submitted notebook got.

    Attributes:
        cells: the cells that give points.
        comments: what people wrote about a cell, by its name.
        late_penalty: the points that are taken off for a late submission.

    """

    cells: tuple[GivenScore, ...]
    comments: dict[str, str]
    late_penalty: float = 0


def given_scores(url: str, assignment: str, student: str, notebook: str) -> GivenScores:
    """Return what the gradebook holds of a submitted notebook.

    Raises:
        MissingEntry: if the gradebook has no such submission.

    """
    with Gradebook(url) as gradebook:
        found = gradebook.find_submission_notebook(notebook, assignment, student)
        judged = {cell.name for cell in judged_cells(found.notebook)}
        cells = tuple(
            GivenScore(
                str(grade.name),
                float(grade.max_score),
                grade.name in judged,
                grade.auto_score,
                grade.manual_score,
                float(grade.extra_credit or 0),
                bool(grade.needs_manual_grade),
            )
            for grade in found.grades
        )
        comments = {str(each.name): each.comment.strip() for each in found.comments if each.comment}
        return GivenScores(cells, comments, float(found.late_submission_penalty or 0))
