"""Take tags off a submission's cells."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor


class ClearCellTags(NbGraderPreprocessor):  # type: ignore[misc]
    """Drops cell tags, which tell nbclient to skip a cell or to forgive its errors."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Drop one cell's tags."""
        cell.metadata.pop("tags", None)
        return cell, resources
