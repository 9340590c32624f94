"""Answers that somebody grades by hand: wherever they may stand, they reach a human.

nbgrader gives 0 to a cell whose text is the released one, and asks nobody. So whatever could
be the answer to such a cell goes into it. What surely is the answer takes its place. What only
may be is copied into it below the released text, and stays where it stands as well. Only where
a student wrote nothing that could be an answer does the cell stay blank. A picture is an answer
too, and nbgrader does not look at pictures: a line that shows it says that it is there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from nbformat import NotebookNode

from coursekit.repair.reading.submitted_notebook import MAX_CELL_LETTERS
from coursekit.repair.recognising.merged_answers import added_to_neighbours
from coursekit.repair.recognising.own_pictures import own_pictures, with_pictures
from coursekit.repair.recognising.pieces import Piece
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.notebooks.released import ReleasedNotebook

NOTE = "For whoever grades this: the answer may be in another cell. These were found:"
TOO_LONG = "A cell was too long to be shown here: look at the notebook in submitted/."
# Of each cell that may hold an answer: the whole cell is on the page as well.
MAX_SHOWN = 4_000
MAX_COPIED = 12
# A prompt that is shorter also stands in other texts.
_MIN_PROMPT = 12


def hand_graded(released: ReleasedNotebook) -> list[str]:
    """Return the grade ids of the cells that are graded by hand and that students fill in."""
    return [name for name, cell in released.graded.items() if _is_read_by_somebody(cell)]


def join_copies(copies: list[Piece], released: ReleasedNotebook) -> Piece:
    """Make one cell of the copies of a cell that somebody reads; return the one that is kept."""
    written = [copy for copy in copies if not released.is_as_released(copy.cell, copy.name)]
    kept = (written or copies)[0]
    texts = dict.fromkeys(copy.cell.source.strip("\n") for copy in written)
    if texts:
        kept.cell.source = "\n\n".join(texts)
    for copy in copies:
        kept.cell.attachments = {**copy.cell.attachments, **kept.cell.attachments}
    return kept


def find_hand_graded(
    pieces: list[Piece],
    released: ReleasedNotebook,
    submitted: Sequence[Cell],
    too_long: Sequence[Cell],
    repairs: list[str],
) -> None:
    """Fill every blank or missing cell that is graded by hand with what may be its answer.

    Args:
        pieces: the submission's cells, which are changed.
        released: the released notebook.
        submitted: the student's cells as they were read.
        too_long: the student's cells that are not among the pieces.
        repairs: takes down what was found, in words.

    """
    names = hand_graded(released)
    wanted = [
        name
        for name in names
        if not any(piece.name == name and _is_filled(piece, released) for piece in pieces)
        and not any(released.functions[one] == name for piece in pieces for one in piece.defines)
    ]
    if wanted:
        _find(wanted, pieces, released, submitted, too_long, repairs)
    for piece in pieces:
        if piece.name in names:
            blank = released.is_as_released(piece.cell, piece.name)
            piece.cell.source = with_pictures(piece.cell, released, all_of_them=blank)


def _find(
    wanted: list[str],
    pieces: list[Piece],
    released: ReleasedNotebook,
    submitted: Sequence[Cell],
    too_long: Sequence[Cell],
    repairs: list[str],
) -> None:
    _take_by_prompt(wanted, pieces, released, repairs)
    guessed = _take_by_place(wanted, pieces, released, repairs)
    for piece in guessed:
        # What stands there may be a note, and the answer in another cell.
        merged = added_to_neighbours(piece.name, [piece.cell], submitted, released)
        if merged:
            _show(piece.name, merged, [], pieces, released, lost=False)
    lost = [cell for cell in too_long if not released.recognise(cell)]
    for name in wanted:
        found = _near(name, pieces, released)
        kind = released.graded[name].cell_type
        if not any(_suits(piece.cell, kind) for piece in found):
            # What was taken for the answer to another question may as well be this one's.
            found = [
                piece
                for piece in pieces
                if piece in found
                or piece in guessed
                or (
                    _may_be_an_answer(piece, released)
                    and _is_possible(piece.cell, name, pieces, released)
                )
            ]
        cells = [piece.cell for piece in found]
        merged = added_to_neighbours(name, cells, submitted, released)
        if merged or cells or lost:
            _show(name, merged, cells, pieces, released, lost=bool(lost))
            repairs.append(
                f"the cell {name} holds no answer of its own; what may be the answer was copied "
                "into it, and it waits to be graded by hand"
            )


def _is_read_by_somebody(cell: NotebookNode) -> bool:
    nbgrader = cell.metadata["nbgrader"]
    return bool(nbgrader.get("grade") and nbgrader.get("solution"))


def _is_filled(piece: Piece, released: ReleasedNotebook) -> bool:
    if own_pictures(piece.cell, released):
        return True
    # Who emptied the cell may have moved the answer.
    return bool(piece.cell.source.strip()) and not released.is_as_released(piece.cell, piece.name)


def _may_be_an_answer(piece: Piece, released: ReleasedNotebook) -> bool:
    """Whether a cell is the student's own, or a text of the release's that they wrote into."""
    text = piece.cell.source.strip()
    if piece.name or piece.defines:
        return False
    if own_pictures(piece.cell, released):
        return True
    return bool(text) and text not in {cell.source.strip() for cell in released.notebook.cells}


def _is_prose(cell: Cell) -> bool:
    """Whether a cell holds words and no program: students leave new cells at the kind "code"."""
    if cell.kind != "code":
        return True
    tree = PythonText(cell.source).tree
    return tree is None or all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body
    )


def _is_possible(cell: Cell, name: str, pieces: list[Piece], released: ReleasedNotebook) -> bool:
    """Whether a cell anywhere in the notebook may answer another; code only a missing one."""
    asks_for_code = released.graded[name].cell_type == "code"
    return _is_prose(cell) or (asks_for_code and _is_missing(name, pieces))


def _is_missing(name: str, pieces: list[Piece]) -> bool:
    return not any(piece.name == name for piece in pieces)


def _take(piece: Piece, name: str, released: ReleasedNotebook) -> None:
    piece.name = name
    piece.cell.kind = released.graded[name].cell_type


def _take_by_prompt(
    wanted: list[str], pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> None:
    """Find missing cells whose released text was kept above or within the answer."""
    prompts = {name: released.graded[name].source.strip() for name in wanted}
    for name in [*wanted]:
        prompt = prompts[name]
        alone = list(prompts.values()).count(prompt) == 1 and len(prompt) >= _MIN_PROMPT
        if not (alone and _is_missing(name, pieces)):
            continue
        found = [
            piece
            for piece in pieces
            if _may_be_an_answer(piece, released) and prompt in piece.cell.source
        ]
        if len(found) == 1:
            _take(found[0], name, released)
            wanted.remove(name)
            repairs.append(f"the answer {name} was found by the text of its cell")


def _take_by_place(
    wanted: list[str], pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[Piece]:
    """Find missing cells that stand where they should, as many as are missing there."""
    taken: list[Piece] = []
    missing = [name for name in wanted if _is_missing(name, pieces)]
    places: dict[tuple[int, ...], list[str]] = {}
    for name in missing:
        kind = released.graded[name].cell_type
        near = [piece for piece in _near(name, pieces, released) if _suits(piece.cell, kind)]
        places.setdefault(tuple(map(id, near)), []).append(name)
    for place, names in places.items():
        near = [piece for piece in pieces if id(piece) in place and not piece.name]
        if len(near) == len(names):
            for name, piece in zip(names, near, strict=True):
                _take(piece, name, released)
                taken.append(piece)
                wanted.remove(name)
                repairs.append(f"the answer {name} was found by its place")
        elif len(names) == 1 and near and all(piece.cell.kind != "code" for piece in near):
            for piece in near:
                piece.name = names[0]
            kept = join_copies(near, released)
            pieces[:] = [piece for piece in pieces if piece is kept or piece not in near]
            _take(kept, names[0], released)
            taken.append(kept)
            wanted.remove(names[0])
            repairs.append(
                f"the answer {names[0]} was found by its place, in {len(near)} cells; "
                "they were joined"
            )
    return taken


def _suits(cell: Cell, kind: str) -> bool:
    return cell.kind == kind or (kind != "code" and _is_prose(cell))


def _near(name: str, pieces: list[Piece], released: ReleasedNotebook) -> list[Piece]:
    """The student's own cells where a cell stands, or where it would if it were there."""
    standing = next((piece for piece in pieces if piece.name == name), None)
    cells = released.notebook.cells
    own = next(at for at, cell in enumerate(cells) if _grade_id(cell) == name)
    above = standing or next(filter(None, (_found(one, pieces) for one in cells[:own][::-1])), None)
    below = standing or next(filter(None, (_found(one, pieces) for one in cells[own + 1 :])), None)
    first = pieces.index(above) if above else -1
    last = pieces.index(below) if below else len(pieces)
    found = [
        *_beside(pieces[last - 1 :: -1] if last else [], released),
        *_beside(pieces[first + 1 :], released),
    ]
    return sorted(set(found), key=pieces.index)


def _beside(pieces: list[Piece], released: ReleasedNotebook) -> Iterator[Piece]:
    """The first cells that may hold an answer, up to the first of the release's."""
    for piece in pieces:
        if _may_be_an_answer(piece, released):
            yield piece
        if _is_known(piece, released):
            return


def _is_known(piece: Piece, released: ReleasedNotebook) -> bool:
    """Whether a cell is one of the release's, graded or not, or answers one."""
    text = piece.cell.source.strip()
    return bool(piece.name or piece.defines) or (bool(text) and released.is_ungraded(piece.cell))


def _found(cell: NotebookNode, pieces: list[Piece]) -> Piece | None:
    """The submitted cell that a released one has become."""
    name, text = _grade_id(cell), cell.source.strip()
    for piece in pieces:
        if piece.name == name if name else not piece.name and _same(piece.cell, cell, text):
            return piece
    return None


def _same(cell: Cell, released: NotebookNode, text: str) -> bool:
    return cell.source.strip() == text or (
        bool(cell.cell_id) and cell.cell_id == released.get("id")
    )


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _show(
    name: str,
    merged: list[Cell],
    cells: list[Cell],
    pieces: list[Piece],
    released: ReleasedNotebook,
    *,
    lost: bool,
) -> None:
    """Copy what may be an answer into its cell, below its text or the released one."""
    found = [*merged, *cells]
    texts = [NOTE] if found else []
    standing = next((piece for piece in pieces if piece.name == name), None)
    pictures: dict[str, Any] = {**standing.cell.attachments} if standing else {}
    for number, shown in enumerate(found[:MAX_COPIED], 1):
        text = with_pictures(shown, released).strip()
        if shown.kind == "code" and not _is_prose(shown):
            text = f"```\n{text}\n```"
        for picture, content in shown.attachments.items():
            own = picture if picture not in pictures else f"{number}-{picture}"
            for old in {picture, quote(picture, safe="", errors="replace")}:
                text = text.replace(
                    f"(attachment:{old})", f"(attachment:{quote(own, safe='', errors='replace')})"
                )
            pictures[own] = content
        # What was merged into a test cell stands nowhere else.
        whole = number <= len(merged) or len(text) <= MAX_SHOWN
        texts.append(text if whole else f"{text[:MAX_SHOWN]}…")
    if len(found) > MAX_COPIED:
        texts.append(f"and {len(found) - MAX_COPIED} more cells")
    texts += [TOO_LONG] if lost else []
    cell = released.graded[name]
    together = "\n\n".join(texts)
    if cell.cell_type == "code":
        together = "\n".join(f"# {line}" for line in together.split("\n"))
    above = standing.cell.source.strip() if standing else ""
    source = f"{above or cell.source}\n\n{together}"[:MAX_CELL_LETTERS]
    if standing is None:
        at = next((at for at, one in enumerate(pieces) if one.cell in found), len(pieces))
        pieces.insert(at, Piece(Cell(cell.cell_type, source, attachments=pictures), name))
    else:
        standing.cell = replace(standing.cell, source=source, attachments=pictures, metadata={})
