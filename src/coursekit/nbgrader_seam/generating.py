"""What the kit adds while nbgrader generates an assignment: its first and its last preprocessor."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from coursekit.course.assignment import Assignment
from coursekit.course.assignment_file import PLACEHOLDER, read_assignment_file, updates_cell
from coursekit.course.hidden_tests import is_test, whole_test_cells
from coursekit.course.normal_form import normalise
from coursekit.course.origin_digests import hidden_tests_digest, source_digest
from coursekit.nbgrader_seam import replaced_steps
from coursekit.release.mistakes import refuse_mistakes
from coursekit.release.recording import recorded
from resnets_utils.notebooks.stamp import KEY, Stamp, digest_cells, digest_of_text

# nbgrader imports this module before it generates an assignment.
replaced_steps.install()


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


class StampVersion(NbGraderPreprocessor):  # type: ignore[misc]
    """Normalises the notebook, fills its list of updates in, and stamps it with its version.

    It must stand last: the stamp's digest is of the cells as students get them.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Bring the notebook to the form in which it is released.

        Raises:
            AuthoringError: if ``assignment.toml`` or the cell of updates is missing or malformed.

        """
        normalise(nb)
        assignment = Assignment(Path.cwd(), resources["nbgrader"]["assignment"])
        version = read_assignment_file(assignment.source.parent)
        cell = updates_cell(nb, version)
        if cell is not None:
            cell.source = cell.source.replace(PLACEHOLDER, version.as_markdown())
        nb.metadata[KEY] = NotebookNode(
            Stamp(
                assignment=assignment.name,
                version=version.version,
                previous=version.previous,
                release=digest_cells(nb.cells),
                source=source_digest(assignment),
                hidden_tests=hidden_tests_digest(assignment),
                coursekit=importlib.metadata.version("residual-networks-course-kit"),
                cells={cell.id: digest_of_text(cell.source) for cell in nb.cells},
            ).as_metadata()
        )
        return nb, resources
