"""Bring a notebook to its one normal form: what git stores and what students get."""

from __future__ import annotations

import json
import re
from typing import Any

from nbformat import NotebookNode

NBGRADER_KEYS = (
    "cell_type",
    "checksum",
    "grade",
    "grade_id",
    "locked",
    "points",
    "schema_version",
    "solution",
    "task",
)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def normalise(nb: NotebookNode) -> None:
    """Drop outputs, counts and foreign metadata; make every cell's id stable and unique.

    A cell of nbgrader's is called by its grade id, another keeps a readable id
    that it has, or is called by its place.
    """
    nb.metadata = NotebookNode(
        {
            "kernelspec": NotebookNode(KERNEL),
            "language_info": NotebookNode({"name": "python"}),
        }
    )
    nb.nbformat, nb.nbformat_minor = 4, 5
    taken: set[str] = set()
    for number, cell in enumerate(nb.cells, 1):
        nbgrader = cell.metadata.get("nbgrader", {})
        metadata: dict[str, Any] = {
            key: cell.metadata[key] for key in ("deletable", "editable") if key in cell.metadata
        }
        if nbgrader:
            metadata["nbgrader"] = {key: nbgrader[key] for key in NBGRADER_KEYS if key in nbgrader}
        cell.metadata = NotebookNode(metadata)
        cell.id = _cell_id(str(nbgrader.get("grade_id") or cell.get("id") or ""), number, taken)
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n"))
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _cell_id(wanted: str, number: int, taken: set[str]) -> str:
    readable = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{1,63}", wanted)
    name = wanted if readable and wanted not in taken else f"cell-{number}"
    taken.add(name)
    return name


def notebook_text(nb: NotebookNode) -> str:
    """Return the notebook as the JSON that git stores."""
    return json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
