"""Put back the cells that a submission may not change: those of its own version."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import ClearHiddenTests, OverwriteCells

from coursekit.gradebook.asked_cells import AskedCell, NotebookCells, SourceCell


class OverwriteByVersion(OverwriteCells):  # type: ignore[misc]
    """nbgrader's OverwriteCells, with the cells of the version that a submission was made from."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Overwrite the notebook's locked cells."""
        submission = resources["nbgrader"]["submission"]
        self.notebook_id = submission.graded_by.notebook
        self.assignment_id = submission.graded_by.assignment
        self.gradebook = _Cells(submission.cells)
        for index, cell in enumerate(nb.cells):
            nb.cells[index], resources = self.preprocess_cell(cell, resources, index)
        if self.add_missing_cells:
            nb, resources = self.add_missing_grade_cells(nb, resources)
            nb, resources = self.add_missing_task_cells(nb, resources)
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Overwrite a cell, and warn only if it is not the released one.

        The gradebook's copy of a test cell holds the hidden tests as well. To nbgrader every
        released test cell looks changed, and the warnings would hide those that mean something.
        """
        kept = self._kept(cell)
        if kept is not None and kept.locked and cell.source == _as_released(kept.source):
            cell.source = kept.source
        done: tuple[NotebookNode, dict[str, Any]]
        done = super().preprocess_cell(cell, resources, cell_index)
        return done

    def _kept(self, cell: NotebookNode) -> SourceCell | None:
        """The gradebook's copy of a cell; None if it has none."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        try:
            kept: SourceCell = self.gradebook.find_source_cell(name)
            return kept
        except MissingEntry:
            return None


class _Cells:
    """One notebook's cells, as nbgrader's step asks a gradebook for them."""

    def __init__(self, cells: NotebookCells) -> None:
        self._cells = cells

    def find_notebook(self, *place: str) -> NotebookCells:
        return self._cells

    def find_source_cell(self, name: str, *place: str) -> SourceCell:
        for cell in self._cells.source_cells:
            if cell.name == name:
                return cell
        raise MissingEntry(f"there is no source cell {name}")

    def find_graded_cell(self, name: str, *place: str) -> AskedCell:
        for cell in (*self._cells.grade_cells, *self._cells.task_cells):
            if cell.name == name:
                return cell
        raise MissingEntry(f"there is no graded cell {name}")


def _as_released(source: str) -> str:
    """A cell's text without its hidden tests, as nbgrader takes them out for the release."""
    shown = NotebookNode(source=source)
    ClearHiddenTests()._remove_hidden_test_region(shown)
    return str(shown.source)
