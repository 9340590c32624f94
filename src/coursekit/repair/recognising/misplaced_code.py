"""Code that stands where no answer belongs: in test cells, locked cells and text cells."""

from __future__ import annotations

import ast
from dataclasses import replace

from coursekit.repair.recognising.pasted_code import fenced, readable
from coursekit.repair.recognising.pieces import Piece, in_words
from resnets_utils.notebooks.definitions import Definition, find_definitions
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText, own_lines
from resnets_utils.notebooks.released import ReleasedNotebook

_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def take_code_out_of_locked_cells(
    pieces: list[Piece], released: ReleasedNotebook, repairs: list[str]
) -> list[Piece]:
    """Move what students defined in test cells, and answers in locked cells, to new cells.

    The test cell or locked cell itself becomes the release's again. If an answer's
    own cell holds the function as well, that one counts.
    """
    answered = {
        definition.function
        for definition in find_definitions(
            [piece.cell for piece in pieces if piece.name in released.answers], released.functions
        )
        if definition.is_complete
    }
    found: list[Piece] = []
    for piece in pieces:
        if not _is_changed(piece, released):
            found.append(piece)
            continue
        is_test = piece.name in released.tests
        text = piece.cell.source
        functions = {one.function for one in find_definitions([piece.cell], released.functions)}
        if is_test:
            text = _defined_in(piece, released, answered)
        elif not functions - answered:
            text = ""
        if not text:
            found.append(piece)
            continue
        own = Piece(Cell("code", text))
        back = replace(piece.cell, source=released.graded[piece.name].source)
        there = Piece(back, piece.name)
        found += [own, there] if is_test else [there, own]
        repairs.append(
            f"the {in_words(piece.name, released)} had been changed; it was restored, and what the "
            f"student wrote into it runs {'above' if is_test else 'below'} it"
        )
    return found


def _is_changed(piece: Piece, released: ReleasedNotebook) -> bool:
    return (
        piece.name in released.graded
        and piece.name not in released.answers
        and piece.cell.kind == "code"
        and not released.is_as_released(piece.cell, piece.name)
    )


def _defined_in(piece: Piece, released: ReleasedNotebook, answered: set[str]) -> str:
    """What a changed test cell defines that the released one does not, without its checks."""
    ours = PythonText(released.graded[piece.name].source).tree
    known = {ast.dump(node) for node in ours.body} if ours else set()
    python = PythonText(piece.cell.source)
    if python.tree is None:
        definitions = find_definitions([piece.cell], released.functions)
        return "\n\n".join(one.text for one in definitions if one.function not in answered)
    texts = []
    for node in python.tree.body:
        if not isinstance(node, _DEFINING) or ast.dump(node) in known:
            continue
        if getattr(node, "name", "") not in answered:
            first, last = own_lines(python, node)
            texts.append("\n".join(python.lines[first - 1 : last]))
    return "\n\n".join(texts)


def answers_in_text(
    pieces: list[Piece], released: ReleasedNotebook, function: str
) -> list[tuple[Definition, Piece]]:
    """Return a function's complete copies in the student's own text cells, each as code.

    Each new piece is inserted into ``pieces``, below its text.
    """
    found = []
    for piece in [*pieces]:
        text = piece.cell.source
        if piece.name or piece.cell.kind == "code" or function not in text:
            continue
        if released.is_ungraded(piece.cell):
            continue
        code = Cell("code", readable(fenced(text))[0])
        complete = [one for one in find_definitions([code], {function}) if one.is_complete]
        if complete:
            own = Piece(replace(code, source=complete[-1].text))
            pieces.insert(pieces.index(piece) + 1, own)
            found.append((replace(complete[-1], whole_cell=True), own))
    return found
