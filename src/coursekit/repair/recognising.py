"""Tell what each cell of a submission is: an answer, a locked cell, or the student's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from coursekit.repair.released import ReleasedNotebook
from resnets_utils.upgrade.definitions import Definition, find_definitions
from resnets_utils.upgrade.earlier import Cell


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


def recognise(cells: list[Cell], released: ReleasedNotebook, repairs: list[str]) -> list[Piece]:
    """Return a submission's cells, each answer and each locked cell once at most.

    Args:
        cells: the submitted cells.
        released: the notebook that they go into.
        repairs: takes down what is repaired, in words.

    """
    pieces = [Piece(replace(cell), released.recognise(cell)) for cell in cells]
    _say_metadata(pieces, released, repairs)
    _turn_answers_back_into_code(pieces, released, repairs)
    pieces = _without_second_copies(pieces, released, repairs)
    pieces = _join_what_was_cut(pieces, released, repairs)
    return _find_lost_answers(pieces, released, repairs)


def _say_metadata(pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]) -> None:
    """Say what is odd about the cells' metadata; the rebuilt cells have the release's."""
    known = [piece for piece in pieces if piece.name]
    bare = [piece for piece in known if not piece.cell.grade_id]
    wrong = [
        piece
        for piece in known
        if piece.cell.grade_id and not released.has_its_metadata(piece.cell, piece.name)
    ]
    foreign = [piece for piece in pieces if not piece.name and "nbgrader" in piece.cell.metadata]
    tagged = [piece for piece in pieces if piece.cell.metadata.get("tags")]
    pictures = [piece for piece in pieces if piece.cell.attachments]
    ids = [piece.cell.cell_id for piece in pieces if piece.cell.cell_id]
    for found, what in (
        (len(bare), "had lost nbgrader's metadata, which was put back"),
        (len(wrong), "had nbgrader's metadata changed, which was put back"),
        (len(foreign), "had nbgrader's metadata of no cell of this assignment, which was left out"),
        (len(tagged), "had tags, which were left out"),
        (len(pictures), "had pictures attached, which were left out"),
        (len(ids) - len(set(ids)), "had the id of another, and got a new one"),
    ):
        if found:
            repairs.append(f"{'one cell' if found == 1 else f'{found} cells'} {what}")


def _turn_answers_back_into_code(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> None:
    for piece in pieces:
        if piece.name in released.answers:
            kind = released.graded[piece.name].cell_type
            if piece.cell.kind != kind:
                repairs.append(
                    f"the cell {piece.name} had been turned into {piece.cell.kind}; "
                    f"it was read as {kind}"
                )
                piece.cell.kind = kind


def _without_second_copies(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[Piece]:
    """Leave each name to one cell; other answers run as the student's own cells."""
    dropped: set[Piece] = set()
    for name in released.graded:
        copies = [piece for piece in pieces if piece.name == name]
        if len(copies) < 2:
            continue
        if name not in released.answers:
            dropped |= set(copies[1:])
            repairs.append(f"the cell {name} was there {len(copies)} times; the first was kept")
            continue
        written = [copy for copy in copies if not released.is_as_released(copy.cell, name)]
        # The last one is what a notebook that is run from above ends with.
        kept = (written or copies)[-1]
        dropped |= {copy for copy in copies if copy is not kept and copy not in written}
        for copy in written:
            if copy is not kept:
                copy.name = ""
        repairs.append(f"the cell {name} was there {len(copies)} times; the last answer was judged")
    return [piece for piece in pieces if piece not in dropped]


def _join_what_was_cut(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[Piece]:
    """Put functions together again that were cut into several cells."""
    gone: set[Piece] = set()
    for definition, parts in _definitions(pieces, released):
        named = {part.name for part in parts if part.name}
        if len(parts) < 2 or len(named) > 1 or gone & set(parts):
            continue
        first, *others = parts
        first.cell.source = "\n".join(part.cell.source for part in parts)
        first.name = named.pop() if named else ""
        gone |= set(others)
        repairs.append(
            f"{definition.function} had been cut into {len(parts)} cells; they were joined"
        )
    return [piece for piece in pieces if piece not in gone]


def _find_lost_answers(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[Piece]:
    """Find the functions that stand in no cell for answers, or in another than their own."""
    elsewhere: dict[str, list[tuple[Definition, Piece]]] = {}
    for definition, (piece, *_) in _definitions(pieces, released):
        if piece.name != released.functions[definition.function]:
            elsewhere.setdefault(definition.function, []).append((definition, piece))
    gone: set[Piece] = set()
    for function, name in released.functions.items():
        holders = [piece for piece in pieces if piece.name == name]
        if any(not released.is_as_released(piece.cell, name) for piece in holders):
            continue
        found: list[tuple[Definition | None, Piece]] = [*elsewhere.get(function, [])]
        found = found or _by_heading(pieces, function)
        complete = [entry for entry in found if entry[0] and entry[0].is_complete]
        if not found or (holders and not complete):
            continue
        standing, piece = (complete or found)[-1]
        if not piece.name and (standing is None or standing.whole_cell or standing.error):
            piece.name = name
            repairs.append(f"{function} was found in another cell than its own")
        else:
            piece.defines = (*piece.defines, function)
            repairs.append(f"{function} was found in a cell with other code")
        gone |= set(holders)
    return [piece for piece in pieces if piece not in gone]


def _definitions(
    pieces: list[Piece], released: ReleasedNotebook
) -> Iterator[tuple[Definition, list[Piece]]]:
    """Each graded function's definitions, with the cells that they stand in."""
    looked_at = [
        piece
        for piece in pieces
        if piece.cell.kind == "code" and (not piece.name or piece.name in released.answers)
    ]
    for definition in find_definitions([piece.cell for piece in looked_at], released.functions):
        yield definition, [looked_at[place] for place in definition.cells]


def _by_heading(pieces: list[Piece], function: str) -> list[tuple[Definition | None, Piece]]:
    """The student's own cells that the exercise's comment stands in, without the function."""
    heading = re.compile(rf"^\s*#\s*GRADED FUNCTION:\s*{function}\b", re.MULTILINE)
    return [
        (None, piece) for piece in pieces if not piece.name and heading.search(piece.cell.source)
    ]
