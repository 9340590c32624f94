"""A submitted cell, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from resnets_utils.notebooks.plain_notebook import Cell


@dataclass(eq=False)
class Piece:
    """A submitted cell, and what it is.

    Attributes:
        cell: the cell.
        name: the grade id of the released cell that it stands for; "" if it is the student's own.
        defines: graded functions that a cell of the student's own defines for good.

    """

    cell: Cell
    name: str = ""
    defines: tuple[str, ...] = ()
