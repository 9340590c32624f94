"""A submitted cell and the released cell that it stands for, by its metadata, id or text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from resnets_utils.notebooks.definitions import find_definitions
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.released import ReleasedNotebook


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


def pieces_of(cells: list[Cell], released: ReleasedNotebook) -> list[Piece]:
    """Return submitted cells, each with the name that it claims; copies of the cells themselves."""
    ids = Counter(cell.cell_id for cell in cells)
    by_metadata = {cell.grade_id for cell in cells if cell.grade_id}
    pieces = []
    for cell in cells:
        # An id that several cells have says nothing about any of them.
        told = cell if ids[cell.cell_id] == 1 else replace(cell, cell_id="")
        name = released.recognise(told)
        if not cell.grade_id and name in by_metadata:
            # Nor does an id that another cell's metadata contradicts.
            name = released.recognise(replace(cell, cell_id=""))
        pieces.append(Piece(replace(cell), name))
    return pieces


def is_answered(cells: list[Cell], released: ReleasedNotebook) -> bool:
    """Return whether a student wrote anything into a notebook that could be an answer."""
    pieces = pieces_of(cells, released)
    if any(piece.name in released.answers and is_written(piece, released) for piece in pieces):
        return True
    own = [
        replace(piece.cell, kind="code") for piece in pieces if piece.name not in released.answers
    ]
    found = find_definitions(own, released.functions)
    return any(not released.gave(one.function, one.text) for one in found)


def is_written(piece: Piece, released: ReleasedNotebook) -> bool:
    """Return whether a cell for an answer holds more than the release's text and comments."""
    lines = (line.strip() for line in piece.cell.source.split("\n"))
    return any(line and line[0] != "#" for line in lines) and not released.is_as_released(
        piece.cell, piece.name
    )
