"""Put back the cells that a submission may not change: those of its own version."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import ClearHiddenTests, OverwriteCells


class OverwriteByVersion(OverwriteCells):  # type: ignore[misc]
    """nbgrader's OverwriteCells, with the cells of the version that a submission was made from."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Overwrite the notebook's locked cells."""
        info = resources["nbgrader"]
        chosen = info["submission"].graded_by
        # The submission stays what it is; only its cells come from elsewhere.
        resources["nbgrader"] = {
            **info,
            "assignment": chosen.assignment,
            "notebook": chosen.notebook,
        }
        try:
            nb, resources = super().preprocess(nb, resources)
        finally:
            resources["nbgrader"] = info
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

    def _kept(self, cell: NotebookNode) -> Any:
        """The gradebook's copy of a cell; None if it has none."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        try:
            return self.gradebook.find_source_cell(name, self.notebook_id, self.assignment_id)
        except MissingEntry:
            return None


def _as_released(source: str) -> str:
    """A cell's text without its hidden tests, as nbgrader takes them out for the release."""
    shown = NotebookNode(source=source)
    ClearHiddenTests()._remove_hidden_test_region(shown)
    return str(shown.source)
