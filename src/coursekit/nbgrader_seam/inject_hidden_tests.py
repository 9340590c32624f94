"""Put hidden tests and the solution into each test cell while an assignment is generated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from coursekit.course.assignment import Assignment
from coursekit.course.hidden_tests import is_test, whole_test_cells
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
        # nbgrader generates in the course folder.
        assignment = Assignment(Path.cwd(), resources["nbgrader"]["assignment"])
        refuse_mistakes(assignment)
        recorded(assignment)
        whole = whole_test_cells(nb, assignment)
        for cell in filter(is_test, nb.cells):
            cell.source = whole[cell.metadata.nbgrader["grade_id"]]
        return nb, resources
