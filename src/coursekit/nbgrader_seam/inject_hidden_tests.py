"""Put hidden tests and the solution into each test cell while an assignment is generated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from coursekit.course.assignment import Assignment
from coursekit.course.hidden_tests import is_test, whole_test_cells
from coursekit.errors import AuthoringError
from coursekit.nbgrader_seam import autograde_steps
from coursekit.release.mistakes import refuse_mistakes
from coursekit.release.recording import recorded

# nbgrader imports this module before it generates an assignment.
autograde_steps.install()


class InjectHiddenTests(NbGraderPreprocessor):  # type: ignore[misc]
    """Replaces the placeholder in test cell ``test_NAME`` by the text of ``NAME.py``.

    It must stand first: the solution, which ClearSolutions takes away, goes into the
    test cells as well. SaveCells then takes them into the gradebook, and
    ClearHiddenTests takes both out again: they live in the gradebook, in ``source/``
    and ``grader_tests/``, never in a release.
    """

    tests_directory = Unicode(
        "grader_tests", help="Folder of the hidden tests, within the course folder."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Make every test cell whole.

        Whoever generates the assignment, by whichever command, gets no release of one with
        mistakes in it, or whose solution does not pass its own checks.

        Raises:
            AuthoringError: if the assignment has mistakes, or a check or the solution is
                at fault.
            GateError: if the solution does not pass a check.

        """
        info = resources["nbgrader"]
        course = Path(os.getcwd())
        assignment = Assignment(course, info["assignment"])
        refuse_mistakes(assignment)
        recorded(assignment)
        source = course / "source" / info["assignment"]
        try:
            whole = whole_test_cells(nb, course / self.tests_directory / info["assignment"], source)
        except AuthoringError as error:
            raise AuthoringError(
                f"{source / info['notebook']}.ipynb: {error.message}", error.hint
            ) from None
        for cell in nb.cells:
            if is_test(cell):
                cell.source = whole[cell.metadata.nbgrader["grade_id"]]
        return nb, resources
