"""Tell what each cell of a submission is: an answer, a locked cell, or the student's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from coursekit.repair.recognising.hand_graded import join_copies
from coursekit.repair.recognising.misplaced_code import (
    answers_in_text,
    take_code_out_of_locked_cells,
)
from coursekit.repair.recognising.pasted_code import readable
from coursekit.repair.recognising.pieces import Piece, is_written, pieces_of
from resnets_utils.notebooks.definitions import (
    MAX_PARTS,
    Definition,
    defined_in,
    find_definitions,
    parts_below,
)
from resnets_utils.notebooks.plain_notebook import Cell, cells_in_words
from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.notebooks.released import ReleasedNotebook


def recognise(cells: list[Cell], released: ReleasedNotebook, repairs: list[str]) -> list[Piece]:
    """Return a submission's cells, each answer and each locked cell once at most.

    What is repaired is added to ``repairs``, in words.
    """
    pieces = pieces_of(cells, released)
    _say_metadata(pieces, released, repairs)
    _take_names_of_texts_off_functions(pieces, released)
    _turn_answers_back_into_code(pieces, released, repairs)
    _make_readable(pieces, released, repairs)
    pieces = _without_second_copies(pieces, released, repairs)
    pieces = take_code_out_of_locked_cells(pieces, released, repairs)
    pieces = _join_cut_functions(pieces, released, repairs)
    return _find_lost_answers(pieces, released, repairs)


def _make_readable(pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]) -> None:
    undone: Counter[str] = Counter()
    for piece in pieces:
        if piece.cell.kind != "code":
            continue
        piece.cell.source, found = readable(piece.cell.source)
        undone.update(found)
        if piece.name in released.answers and PythonText(piece.cell.source).tree is None:
            # JupyterLab merges cells of any kind.
            plain = released.without_its_text(piece.cell.source)
            if plain != piece.cell.source and PythonText(plain).tree is not None:
                piece.cell.source = plain
                undone["the text cells merged into it"] += 1
    for what, count in undone.items():
        were = "was" if count == 1 else "were"
        repairs.append(
            f"{cells_in_words(count)} {were} read without {what}, which Python cannot read"
        )


def _say_metadata(pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]) -> None:
    """Name what is wrong with the cells' metadata; the rebuilt cells have the release's."""
    known = [piece for piece in pieces if piece.name]
    bare = [piece for piece in known if not piece.cell.grade_id]
    wrong = [
        piece
        for piece in known
        if piece.cell.grade_id and not released.has_its_metadata(piece.cell, piece.name)
    ]
    foreign = [piece for piece in pieces if not piece.name and "nbgrader" in piece.cell.metadata]
    tagged = [piece for piece in pieces if piece.cell.metadata.get("tags")]
    ids = [piece.cell.cell_id for piece in pieces if piece.cell.cell_id]
    for found, what in (
        (len(bare), "had lost nbgrader's metadata, which was restored"),
        (len(wrong), "had nbgrader's metadata changed, which was restored"),
        (len(foreign), "had nbgrader's metadata of another assignment, which was left out"),
        (len(tagged), "had tags, which were left out"),
        (len(ids) - len(set(ids)), "had the id of another, and got a new one"),
    ):
        if found:
            repairs.append(f"{cells_in_words(found)} {what}")


def _take_names_of_texts_off_functions(pieces: list[Piece], released: ReleasedNotebook) -> None:
    """Leave a graded function to be found by itself if its cell has the name of a text's."""
    for piece in pieces:
        named = released.graded.get(piece.name)
        if (
            piece.cell.kind == "code"
            and named is not None
            and named.cell_type != "code"
            and find_definitions([piece.cell], released.functions)
        ):
            piece.name = ""


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
        if name in released.answers and name not in released.functions.values():
            kept = join_copies(copies, released)
            dropped |= {copy for copy in copies if copy is not kept}
            repairs.append(f"the cell {name} was there {len(copies)} times; they were joined")
            continue
        if name not in released.answers:
            # An answer that was given the name of another cell is not a copy of that cell.
            functions = released.functions
            answers = [
                copy
                for copy in copies[1:]
                if find_definitions([copy.cell], functions)
                or (copy.cell.kind != "code" and not released.is_as_released(copy.cell, name))
            ]
            for copy in answers:
                copy.name = ""
            dropped |= {copy for copy in copies[1:] if copy not in answers}
            repairs.append(f"the cell {name} was there {len(copies)} times; the first was kept")
            continue
        written = [copy for copy in copies if not released.is_as_released(copy.cell, name)]
        blank = [copy for copy in copies if copy not in written]
        answers = [copy for copy in written if released.binds(copy.cell.source, name)]
        # The last answer is the one that counts after all cells have run in order.
        kept = (answers or blank or written)[-1]
        dropped |= {copy for copy in blank if copy is not kept}
        for copy in written:
            if copy is not kept:
                copy.name = ""
        repairs.append(f"the cell {name} was there {len(copies)} times; the last answer was judged")
    return [piece for piece in pieces if piece not in dropped]


def _join_cut_functions(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[Piece]:
    """Join functions that were cut into several cells."""
    looked_at = _answers_and_own_code(pieces, released)
    gone: set[Piece] = set()
    for number, piece in enumerate(looked_at, 1):
        function = defined_in(piece.cell.source, released.functions)
        if piece in gone or not function:
            continue
        below: list[Piece] = []
        for other in looked_at[number : number + MAX_PARTS]:
            if len({one.name for one in (piece, *below, other)} - {""}) > 1:
                break
            below.append(other)
        texts = [other.cell.source for other in below]
        parts = below[: parts_below(piece.cell.source, texts, released.functions)]
        if parts:
            repairs.append(f"{function} had been cut into {len(parts) + 1} cells; they were joined")
            piece.cell.source = "\n".join(one.cell.source for one in (piece, *parts))
            piece.name = max(one.name for one in (piece, *parts))
            gone |= set(parts)
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
        if any(
            is_written(piece, released) and released.binds(piece.cell.source, name)
            for piece in holders
        ) and not _is_completed_below(function, holders, elsewhere.get(function, []), pieces):
            continue
        found: list[tuple[Definition | None, Piece]] = [*elsewhere.get(function, [])]
        found = found or _by_heading(pieces, function)
        if not any(entry[0] and entry[0].is_complete for entry in found):
            in_text = answers_in_text(pieces, released, function)
            found += in_text
            if in_text:
                repairs.append(f"{function} stood in a cell for text; it was read as code")
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
        gone |= {piece for piece in holders if released.is_as_released(piece.cell, name)}
        for piece in set(holders) - gone:
            piece.name = ""
    return [piece for piece in pieces if piece not in gone]


def _is_completed_below(
    function: str,
    holders: list[Piece],
    elsewhere: list[tuple[Definition, Piece]],
    pieces: list[Piece],
) -> bool:
    """Whether its own cell leaves a function unfinished, and a cell below defines it whole."""
    own = find_definitions([piece.cell for piece in holders], {function})
    if not own or own[-1].is_complete:
        return False
    last = max(map(pieces.index, holders))
    return any(one.is_complete and pieces.index(piece) > last for one, piece in elsewhere)


def _definitions(
    pieces: list[Piece], released: ReleasedNotebook
) -> Iterator[tuple[Definition, list[Piece]]]:
    """Each graded function's definitions, with the cells that they stand in."""
    looked_at = _answers_and_own_code(pieces, released)
    for definition in find_definitions([piece.cell for piece in looked_at], released.functions):
        yield definition, [looked_at[place] for place in definition.cells]


def _answers_and_own_code(pieces: list[Piece], released: ReleasedNotebook) -> list[Piece]:
    return [
        piece
        for piece in pieces
        if piece.cell.kind == "code" and (not piece.name or piece.name in released.answers)
    ]


def _by_heading(pieces: list[Piece], function: str) -> list[tuple[Definition | None, Piece]]:
    """The student's own cells that the exercise's comment stands in, without the function."""
    heading = re.compile(rf"^\s*#\s*GRADED FUNCTION:\s*{function}\b", re.MULTILINE)
    return [
        (None, piece) for piece in pieces if not piece.name and heading.search(piece.cell.source)
    ]
