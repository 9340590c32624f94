"""Put back the cells that a submission may not change: those of its own version."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import OverwriteCells


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
