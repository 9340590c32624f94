"""What a student got for a notebook: by the judge, by hand, and in words."""

from __future__ import annotations

from dataclasses import dataclass

from nbgrader.api import Gradebook

import coursekit.gradebook.database  # noqa: F401  (its engine takes any path)
from coursekit.gradebook.student_grades import CellGrade, cell_grades


@dataclass(frozen=True)
class GivenScores:
    """What one submitted notebook got.

    Attributes:
        cells: the cells that give points.
        comments: what people wrote about a cell, by its name.
        late_penalty: the points that are taken off for a late submission.

    """

    cells: tuple[CellGrade, ...]
    comments: dict[str, str]
    late_penalty: float = 0


def given_scores(url: str, assignment: str, student: str, notebook: str) -> GivenScores:
    """Return what the gradebook holds of a submitted notebook.

    Raises:
        MissingEntry: if the gradebook has no such submission.

    """
    with Gradebook(url) as gradebook:
        found = gradebook.find_submission_notebook(notebook, assignment, student)
        comments = {str(each.name): each.comment.strip() for each in found.comments if each.comment}
        return GivenScores(
            tuple(cell_grades(found)), comments, float(found.late_submission_penalty or 0)
        )
