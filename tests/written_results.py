"""All that grading has written of a class: the gradebook's rows, and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook


def rows(course: Path, assignment: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """What the gradebook holds of the class, without the keys that nbgrader draws."""
    found: dict[tuple[str, ...], tuple[Any, ...]] = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            who = submission.student.id
            found[who,] = (submission.timestamp, submission.score, submission.total_seconds_late)
            for notebook in submission.notebooks:
                found[who, notebook.name] = (notebook.late_submission_penalty, notebook.score)
                for grade in notebook.grades:
                    found[who, notebook.name, "grade", grade.name] = (
                        grade.auto_score,
                        grade.manual_score,
                        grade.extra_credit,
                        grade.needs_manual_grade,
                    )
                for comment in notebook.comments:
                    found[who, notebook.name, "comment", comment.name] = (
                        comment.auto_comment,
                        comment.manual_comment,
                    )
    return found


def files(course: Path) -> dict[str, bytes]:
    """The bytes of everything that was graded and handed back."""
    return {
        str(path.relative_to(course)): path.read_bytes()
        for folder in ("autograded", "feedback")
        for path in sorted((course / folder).rglob("*"))
        if path.is_file()
    }


def written(course: Path, assignment: str) -> tuple[Any, Any]:
    """All that grading has written."""
    return rows(course, assignment), files(course)
