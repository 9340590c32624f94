"""Feedback pages of our own: `nbgrader generate_feedback` and formgrader's button make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import Exporter
from nbformat import NotebookNode
from traitlets import Unicode, default

from coursekit.gradebook.given_scores import given_scores
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.submitted_folder import digest_now
from coursekit.pages.feedback_page import feedback_page
from coursekit.pages.result import result_of


class FeedbackExporter(Exporter):
    """Makes a student's page from the graded notebook, its verdict and the gradebook.

    `nbgrader_config.py` names it. nbgrader's own settings of HTML pages do not apply to it.
    """

    output_mimetype = "text/html"

    language = Unicode("en", help="The language of the notebooks, such as de.").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page of a graded notebook."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        converter: Any = self.parent
        coursedir, info = converter.coursedir, resources["nbgrader"]
        assignment, student, notebook = info["assignment"], info["student"], info["notebook"]
        given = given_scores(info["db_url"], assignment, student, notebook)
        verdict = find_verdict(Path(coursedir.root), student, assignment, notebook)
        now = digest_now(
            coursedir, coursedir.format_path(coursedir.submitted_directory, student, assignment)
        )
        names = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in nb.cells]
        result = result_of(
            (assignment, notebook, student),
            given,
            verdict,
            names,
            changed=bool(verdict and now and verdict.digest != now),
        )
        return feedback_page(nb, result, self.language), resources
