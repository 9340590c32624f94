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


@dataclass(frozen=True)
class Written:
    """Which answers a notebook holds.

    Attributes:
        complete: how many of them are written to their end, as far as their text tells.
        begun: whether anything was written that could be an answer.

    """

    complete: int
    begun: bool

    def __bool__(self) -> bool:
        return self.begun


def written_in(cells: list[Cell], released: ReleasedNotebook) -> Written:
    """Return what a student wrote into a notebook that could be an answer."""
    pieces = pieces_of(cells, released)
    written = [
        piece for piece in pieces if piece.name in released.answers and is_written(piece, released)
    ]
    own = [replace(piece.cell, kind="code") for piece in pieces if piece not in written]
    found = [
        one
        for one in find_definitions(own, released.functions)
        if not released.gave(one.function, one.text)
    ]
    complete = {released.functions[one.function] for one in found if one.is_complete}
    for piece in written:
        inside = find_definitions([replace(piece.cell, kind="code")], released.functions)
        if all(one.is_complete for one in inside) and released.binds(piece.cell.source, piece.name):
            complete.add(piece.name)
    return Written(len(complete), bool(written or found))


def is_written(piece: Piece, released: ReleasedNotebook) -> bool:
    """Return whether a cell for an answer holds more than the release's text.

    Where a function is asked for, comments alone are no answer. For somebody who reads it,
    they are.
    """
    if released.is_as_released(piece.cell, piece.name):
        return False
    if piece.name not in released.functions.values():
        return bool(piece.cell.source.strip() or piece.cell.attachments)
    lines = (line.strip() for line in piece.cell.source.split("\n"))
    return any(line and line[0] != "#" for line in lines)


def in_words(name: str, released: ReleasedNotebook) -> str:
    """Return what a cell of the release that no student fills in is called, with its name."""
    if released.graded[name].metadata.nbgrader.get("task"):
        return f"task {name}"
    return f"{'test' if name in released.tests else 'locked'} cell {name}"
