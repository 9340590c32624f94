"""A notebook as untrusted plain data: its cells and its metadata, without outputs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode


@dataclass
class Cell:
    r"""One cell.

    Attributes:
        kind: "code", "markdown" or "raw".
        source: its text, with "\n" at the ends of lines.
        metadata: its metadata; {} where it cannot be read.
        attachments: pictures within the cell, by name.
        cell_id: its id; "" in formats without ids.

    """

    kind: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, Any] = field(default_factory=dict)
    cell_id: str = ""

    @property
    def nbgrader(self) -> dict[str, Any]:
        """Nbgrader's metadata of the cell; {} if it has none."""
        found = self.metadata.get("nbgrader")
        return found if isinstance(found, dict) else {}

    @property
    def grade_id(self) -> str:
        """Nbgrader's name of the cell; "" if it has none."""
        grade_id = self.nbgrader.get("grade_id")
        return grade_id if isinstance(grade_id, str) else ""

    @property
    def is_solution(self) -> bool:
        """Whether nbgrader takes the cell for an answer."""
        return bool(self.grade_id and self.nbgrader.get("solution"))

    @property
    def is_unchanged(self) -> bool:
        """Whether the text is the one that nbgrader's checksum in the metadata was made from."""
        try:
            made = checksum(self.kind, self.source, self.nbgrader)
        except (TypeError, ValueError):
            return False
        return self.nbgrader.get("checksum") == made

    def as_node(self, cell_id: str, **changes: Any) -> NotebookNode:
        """Return the cell for a new notebook: with a new id, no outputs and no metadata.

        Args:
            cell_id: the new id.
            changes: values of other keys, such as metadata.

        """
        made: dict[str, Any] = {"cell_type": self.kind, "id": cell_id, "metadata": {}}
        made |= {"source": self.source, **changes}
        if made["cell_type"] == "code":
            made |= {"execution_count": None, "outputs": []}
        node: NotebookNode = nbformat.from_dict(made)
        return node


@dataclass(frozen=True)
class PlainNotebook:
    """A notebook.

    Attributes:
        cells: its cells.
        metadata: its metadata.
        notes: what was repaired while it was read, in words.

    """

    cells: list[Cell]
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def checksum(kind: str, source: str, nbgrader: dict[str, Any]) -> str:
    """Return what nbgrader's ``compute_checksum`` gives for a cell."""
    grade = bool(nbgrader.get("grade"))
    solution = bool(nbgrader.get("solution"))
    locked = not solution and (grade or bool(nbgrader.get("locked")))
    parts = [source, kind, str(grade), str(solution), str(locked), str(nbgrader.get("grade_id"))]
    if grade:
        parts.append(str(float(nbgrader.get("points") or 0)))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def cells_in_words(count: int) -> str:
    """Return a number of cells in words: "one cell" or "2 cells"."""
    return "one cell" if count == 1 else f"{count} cells"
