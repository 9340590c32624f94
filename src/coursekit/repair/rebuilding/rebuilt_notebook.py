"""Rebuild a submission from its release: the student's text, everything else as released."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from coursekit.errors import BeyondRepair
from coursekit.repair.finding.files_beside import OwnFiles
from coursekit.repair.reading.submitted_notebook import MAX_CELL_LETTERS, SubmittedNotebook
from coursekit.repair.rebuilding.answer_pictures import AnswerPictures
from coursekit.repair.recognising.hand_graded import find_hand_graded
from coursekit.repair.recognising.own_pictures import own_pictures
from coursekit.repair.recognising.pieces import Piece, in_words
from coursekit.repair.recognising.recognised_cells import recognise
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.notebooks.stamp import KEY, read_stamp

_MISSING = ("was missing; it was restored", "was missing; it counts as not attempted")


@dataclass(frozen=True)
class Rebuilt:
    """A submission as it is graded.

    Attributes:
        notebook: the released notebook's graded cells with the student's
            answers, and the student's own cells between them.
        repairs: what was repaired, in words.
        python: the version of Python that the student's notebook names; "" if it names none.
        own_files: the small files that were handed in with it.

    """

    notebook: NotebookNode
    repairs: tuple[str, ...]
    python: str = ""
    own_files: OwnFiles = field(default_factory=OwnFiles)


def rebuild(read: SubmittedNotebook, released: ReleasedNotebook) -> Rebuilt:
    """Return the notebook that is graded.

    Cells stay in the student's order. A locked cell that the answers need
    stands above them, a test cell below the answers that it asks about.

    Args:
        read: the submitted notebook.
        released: the released notebook of the version that it was made from.

    Raises:
        BeyondRepair: if the file breaks off before the last answer, holds two
            notebooks with different ones, or an answer is too long.

    """
    repairs: list[str] = []
    for cell in read.too_long:
        name = released.recognise(cell)
        if name in released.answers:
            raise BeyondRepair(
                f"the cell {name} holds {len(cell.source):,} letters, "
                f"more than {MAX_CELL_LETTERS:,}; the answer would be lost",
                "ask the student to hand it in again with the answer alone in that cell",
            )
    if read.of_two:
        _refuse_two_answers(read, released)
    pieces = recognise(read.cells, released, repairs)
    answered = {piece.name for piece in pieces} | {
        released.functions[function] for piece in pieces for function in piece.defines
    }
    if read.damage:
        lost = [name for name in released.answers if name not in answered]
        if lost:
            raise BeyondRepair(
                f"the notebook cannot be read as a notebook to its end: {read.damage}; "
                f"{', '.join(lost)} would be lost"
            )
        repairs.append(f"{read.damage}; the {len(read.cells)} cells before that place were read")
    _place_locked_cells(pieces, released, repairs)
    find_hand_graded(pieces, released, read.cells, read.too_long, repairs)
    answered |= {piece.name for piece in pieces}
    tests = _without_tests(pieces, released, repairs)
    _fill_empty_answers(pieces, released, repairs)
    _place_missing_answers(pieces, released, repairs, answered)
    _place_tests(pieces, released, repairs, tests)
    if not any(name in answered for name in released.answers):
        # One sentence instead of one for each cell.
        repairs = [repair for repair in repairs if not repair.endswith(_MISSING)]
        repairs.append("it holds no cell for an answer; all of them count as not attempted")
    notebook = copy.deepcopy(released.notebook)
    notebook.cells = _cells(pieces, released, repairs)
    notebook.metadata.pop(KEY, None)
    notebook.metadata.update(stamp_of(read.metadata))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return Rebuilt(notebook, (*read.notes, *repairs), read.python)


def _refuse_two_answers(read: SubmittedNotebook, released: ReleasedNotebook) -> None:
    for name in released.answers:
        written = {
            cell.source.strip()
            for cell in read.cells
            if released.recognise(cell) == name and not released.is_as_released(cell, name)
        }
        if len(written) > 1:
            raise BeyondRepair(
                f"the file holds two notebooks with different answers to {name} "
                f"({'; '.join(read.notes)})",
                "ask the student which of them counts",
            )


def stamp_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the version stamp in a submission's metadata, as metadata; {} if it has none."""
    stamp = read_stamp(metadata)
    return {KEY: NotebookNode(stamp.as_metadata())} if stamp else {}


def _place_locked_cells(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> None:
    """Put the locked cells that are not tests above the answers that need them."""
    kept_apart = set(released.answers) | set(released.tests)
    locked = [name for name in released.graded if name not in kept_apart]
    for name in reversed(locked):
        piece = next((piece for piece in pieces if piece.name == name), None)
        first_use = min(
            (at for at, other in enumerate(pieces) if other.name in kept_apart or other.defines),
            default=len(pieces),
        )
        if piece is None:
            repairs.append(f"the {in_words(name, released)} {_MISSING[0]}")
            pieces.insert(0, Piece(_blank(released, name), name))
        elif pieces.index(piece) > first_use and _stands_first(released, name):
            repairs.append(
                f"the {in_words(name, released)} stood below an answer; it was moved above it"
            )
            pieces.remove(piece)
            pieces.insert(0, piece)
        if piece is not None and not released.is_as_released(piece.cell, name):
            # It may hold imports that the answers need, or an answer that somebody reads.
            does = "runs" if piece.cell.kind == "code" else "stands"
            repairs.append(
                f"the {in_words(name, released)} had been changed; it was restored, and the "
                f"changed text {does} below it"
            )
            pieces.insert(pieces.index(piece) + 1, Piece(piece.cell))


def _stands_first(released: ReleasedNotebook, name: str) -> bool:
    names = list(released.graded)
    return all(names.index(name) < names.index(answer) for answer in released.answers)


def _without_tests(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> dict[str, Piece | None]:
    """Take the test cells out; return each of them with the cell above it.

    The judge runs the gradebook's copies, so what students changed in them is only named.
    """
    for name in released.tests:
        piece = next((piece for piece in pieces if piece.name == name), None)
        if piece is None:
            repairs.append(f"the {in_words(name, released)} {_MISSING[0]}")
        elif piece.cell.kind != released.graded[name].cell_type:
            repairs.append(
                f"the {in_words(name, released)} had been turned into {piece.cell.kind}; "
                "it was restored"
            )
        elif not released.is_as_released(piece.cell, name):
            repairs.append(f"the {in_words(name, released)} had been changed; it was restored")
    above: dict[str, Piece | None] = {}
    rest: list[Piece] = []
    for piece in pieces:
        if piece.name in released.tests:
            above[piece.name] = rest[-1] if rest else None
        else:
            rest.append(piece)
    pieces[:] = rest
    return above


def _fill_empty_answers(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> None:
    """Restore the released text of cells for answers that the student emptied.

    An empty cell would be judged as if the function's name were misspelt.
    """
    for function, name in released.functions.items():
        own = (piece for piece in pieces if _is_students_own(piece, released))
        if any(piece.cell.kind == "code" and function in piece.cell.source for piece in own):
            continue
        for piece in pieces:
            if piece.name == name and not piece.cell.source.strip():
                piece.cell.source = released.graded[name].source
                repairs.append(f"the cell {name} was empty; it counts as not attempted")


def _place_missing_answers(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str], answered: set[str]
) -> None:
    """Restore the cells for answers that the student deleted, blank."""
    names = list(released.graded)
    for name in released.answers:
        if any(piece.name == name for piece in pieces):
            continue
        before = set(names[: names.index(name)])
        at = max((at + 1 for at, piece in enumerate(pieces) if piece.name in before), default=0)
        cell = _blank(released, name)
        if name in answered:
            cell.source = f"# {name} is defined in another cell of this notebook."
        else:
            repairs.append(f"the cell {name} {_MISSING[1]}")
        pieces.insert(at, Piece(cell, name))


def _place_tests(
    pieces: list[Piece],
    released: ReleasedNotebook,
    repairs: list[str],
    above: Mapping[str, Piece | None],
) -> None:
    """Put the test cells where they stood, or below all answers that they ask about."""
    for name in (*above, *(name for name in released.tests if name not in above)):
        needed = released.answers_before(name)
        last = max(
            (
                at
                for at, piece in enumerate(pieces)
                if piece.name in needed
                or any(released.functions[function] in needed for function in piece.defines)
            ),
            default=-1,
        )
        beneath = above.get(name)
        at = pieces.index(beneath) if beneath is not None else -1
        if name not in above or at < last:
            if name in above:
                repairs.append(
                    f"the {in_words(name, released)} stood above an answer; it was judged below it"
                )
            at = last
            # Helpers that the answer calls may be defined right below it.
            while at + 1 < len(pieces) and _is_students_own(pieces[at + 1], released):
                at += 1
        while at + 1 < len(pieces) and pieces[at + 1].name in released.tests:
            at += 1
        pieces.insert(at + 1, Piece(_blank(released, name), name))


def _is_students_own(piece: Piece, released: ReleasedNotebook) -> bool:
    return not piece.name and not released.is_ungraded(piece.cell)


def _blank(released: ReleasedNotebook, name: str) -> Cell:
    cell = released.graded[name]
    return Cell(cell.cell_type, cell.source)


def _cells(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[NotebookNode]:
    """The notebook's cells, with nothing that grading does not need."""
    cells = []
    taken = {cell.id for cell in released.notebook.cells if cell.get("id")}
    pictures = AnswerPictures()
    for number, piece in enumerate(pieces, 1):
        if piece.name:
            cell = copy.deepcopy(released.graded[piece.name])
            if piece.name in released.answers:
                cell.source = piece.cell.source
                pictures.put(piece.cell.attachments, cell)
            else:
                pictures.leave_out(own_pictures(piece.cell, released))
        else:
            cell_id = f"own-{number}"
            while cell_id in taken:
                cell_id += "-1"
            cell = piece.cell.as_node(cell_id)
            pictures.leave_out(piece.cell.attachments)
        cells.append(cell)
    repairs += pictures.in_words()
    return cells
