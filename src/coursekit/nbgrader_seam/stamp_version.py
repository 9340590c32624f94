"""Show a released notebook's list of updates, and stamp it with its version."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from coursekit.course.assignment import Assignment
from coursekit.course.assignment_file import (
    FILE,
    PLACEHOLDER,
    read_assignment_file,
    updates_cell,
)
from coursekit.course.hidden_tests import BLOCKS
from resnets_utils.notebooks.stamp import KEY, Stamp, digest_cells, digest_of_text, digest_texts


class StampVersion(NbGraderPreprocessor):  # type: ignore[misc]
    """Stamps the notebook as it is released.

    It must stand last: the stamp's digest is of the cells as students get them,
    and normalising takes the notebook's metadata away.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Fill the cell of updates in, then write the stamp.

        Raises:
            AuthoringError: if ``assignment.toml`` or the cell is missing or malformed.

        """
        info = resources["nbgrader"]
        # nbgrader generates in the course folder.
        assignment = Assignment(Path(os.getcwd()), info["assignment"])
        stamp(nb, assignment)
        return nb, resources


def stamp(nb: NotebookNode, assignment: Assignment) -> None:
    """Fill a generated notebook's list of updates in and stamp it, in place.

    Raises:
        AuthoringError: if ``assignment.toml`` or the cell is missing or malformed.

    """
    source = assignment.source
    version = read_assignment_file(source.parent)
    cell = updates_cell(nb, version)
    if cell is not None:
        cell.source = cell.source.replace(PLACEHOLDER, version.as_markdown())
    origin = [
        path.read_text(encoding="utf-8")
        for path in (source, source.parent / FILE, source.parent / BLOCKS)
        if path.is_file()
    ]
    nb.metadata[KEY] = NotebookNode(
        Stamp(
            assignment=assignment.name,
            version=version.version,
            previous=version.previous,
            release=digest_cells(nb.cells),
            source=digest_texts(origin),
            hidden_tests=hidden_tests_digest(assignment),
            coursekit=importlib.metadata.version("residual-networks-course-kit"),
            cells={cell.id: digest_of_text(cell.source) for cell in nb.cells},
        ).as_metadata()
    )


def hidden_tests_digest(assignment: Assignment) -> str:
    """Return the digest of an assignment's hidden tests, their names included."""
    return digest_texts(
        [
            text
            for path in sorted(assignment.tests.glob("*.py"))
            for text in (path.name, path.read_text(encoding="utf-8"))
        ]
    )
