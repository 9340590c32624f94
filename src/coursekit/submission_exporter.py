"""How nbgrader reads a submission: first of all, what an earlier grading said is taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook

from coursekit.errors import InfrastructureError
from coursekit.handed_in import notebook_handed_in


class SubmissionExporter(NotebookExporter):
    """nbconvert's notebook exporter, for Autograde.

    Whatever fails from here on, in whichever preprocessor, no score of an
    earlier grading is left standing as today's.
    """

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read and convert a submitted notebook.

        Raises:
            InfrastructureError: if the file cannot be read as a notebook.

        """
        assert resources is not None
        take_back_scores(resources["nbgrader"])
        path = Path(filename)
        filename = os.fspath(notebook_handed_in(path.parent, path.name) or path)
        try:
            nbformat.read(filename, as_version=4)
        except Exception as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise InfrastructureError(
                f"{filename} cannot be read as a notebook: {said[:200]}",
                "ask the student to save it in Jupyter and hand it in again",
            ) from None
        converted: tuple[Any, dict[str, Any]] = super().from_filename(
            filename, resources=resources, **options
        )
        return converted


def take_back_scores(info: dict[str, Any]) -> None:
    """Set a submitted notebook's automatic scores to "not graded".

    Args:
        info: nbgrader's resources: db_url, notebook, assignment and student.

    """
    with Gradebook(info["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(
            info["notebook"], info["assignment"], info["student"]
        )
        for grade in notebook.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        gradebook.db.commit()
