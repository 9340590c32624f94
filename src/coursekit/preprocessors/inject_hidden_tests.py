"""Put each hidden test into its test cell while an assignment is generated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from coursekit.errors import AuthoringError
from coursekit.judge.markers import BEGIN_HIDDEN, END_HIDDEN

PLACEHOLDER = "### HIDDEN TESTS"
TEST_CELL_PREFIX = "test_"


class InjectHiddenTests(NbGraderPreprocessor):  # type: ignore[misc]
    """Replaces the placeholder in test cell ``test_NAME`` by the text of ``NAME.py``.

    It must stand before SaveCells, which takes the cells into the gradebook,
    and before ClearHiddenTests, which takes the hidden tests out again: they
    live in the gradebook and in ``grader_tests/``, never in a release.
    """

    tests_directory = Unicode(
        "grader_tests", help="Folder of the hidden tests, within the course folder."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Fill every test cell's placeholder.

        Raises:
            AuthoringError: if a test cell has no hidden test, no placeholder or
                several, or if a hidden test has no test cell.

        """
        notebook = f"{resources['nbgrader']['notebook']}.ipynb"
        folder = Path(os.getcwd()) / self.tests_directory / resources["nbgrader"]["assignment"]
        left = {path.stem: path for path in sorted(folder.glob("*.py"))}
        for cell in nb.cells:
            if not utils.is_grade(cell) or utils.is_solution(cell):
                continue
            grade_id = cell.metadata.nbgrader["grade_id"]
            path = left.pop(grade_id.removeprefix(TEST_CELL_PREFIX), None)
            if path is None:
                raise AuthoringError(
                    f"{notebook}, cell {grade_id}: there is no hidden test for it in {folder}",
                    f"write {folder / grade_id.removeprefix(TEST_CELL_PREFIX)}.py",
                )
            cell.source = inject(cell.source, path.read_text(encoding="utf-8"), grade_id, notebook)
        if left:
            raise AuthoringError(
                f"{notebook} has no test cell for the hidden tests {', '.join(sorted(left))}",
                f"name a test cell {TEST_CELL_PREFIX}{min(left)}, or remove the file",
            )
        return nb, resources


def inject(source: str, hidden: str, grade_id: str, notebook: str) -> str:
    """Return a test cell's text with the hidden test between nbgrader's markers.

    Raises:
        AuthoringError: if the placeholder does not stand in it exactly once.

    """
    lines = source.split("\n")
    if lines.count(PLACEHOLDER) != 1:
        raise AuthoringError(
            f"{notebook}, cell {grade_id}: the line {PLACEHOLDER!r} must stand in it once",
            "put it on a line of its own before checks.report()",
        )
    place = lines.index(PLACEHOLDER)
    lines[place : place + 1] = [BEGIN_HIDDEN, *hidden.rstrip("\n").split("\n"), END_HIDDEN]
    return "\n".join(lines)
