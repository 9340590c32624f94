"""Answers that stand within other cells of the release: merged, or written into the wrong one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from coursekit.repair.recognising.own_pictures import own_pictures
from coursekit.repair.recognising.pieces import Piece, pieces_of
from resnets_utils.notebooks.definitions import defined_in
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.notebooks.released import ReleasedNotebook


def added_to_neighbours(
    name: str, shown: list[Cell], submitted: Sequence[Cell], released: ReleasedNotebook
) -> list[Cell]:
    """Return what was written into test cells, locked cells and the next answer on each side.

    Jupyter merges cells, and students write where the cursor stands. Test cells and locked
    cells are restored, so such an answer would be nowhere.

    Args:
        name: the answer's grade id.
        shown: the cells that are copied for it already.
        submitted: the student's cells as they were read.
        released: the released notebook.

    """
    words = released.graded[name].cell_type != "code"
    names = list(released.graded)
    own = names.index(name)
    near = {one for one in names if one not in released.answers}
    for way in (names[:own][::-1], names[own + 1 :]):
        near |= {*[one for one in way if one in released.answers][:1]}
    seen = {line.strip() for cell in shown for line in cell.source.split("\n")}
    added = []
    for piece in pieces_of([*submitted], released):
        if not piece.name and piece.cell.kind == "code":
            function = defined_in(piece.cell.source, released.functions)
            piece.name = released.functions.get(function, "")
        if piece.name not in near:
            continue
        added_lines = _added_lines(piece, released, words=words)
        lines = [line for line in added_lines if line.strip() not in seen]
        # Pictures in another answer are on the page there.
        pictures = {} if piece.name in released.answers else own_pictures(piece.cell, released)
        if any(map(str.strip, lines)) or pictures:
            text = "\n".join(lines).strip("\n")
            kind = piece.cell.kind if text else "markdown"
            added.append(Cell(kind, text, attachments=pictures))
    return added


def _added_lines(piece: Piece, released: ReleasedNotebook, *, words: bool) -> list[str]:
    """The lines of a cell that the release's does not have.

    Args:
        piece: the cell.
        released: the released notebook.
        words: of code take only comments and strings.

    """
    if released.is_as_released(piece.cell, piece.name):
        return []
    given = {line.strip() for line in released.graded[piece.name].source.split("\n")}
    python = PythonText(piece.cell.source)
    added = [
        (number, line) for number, line in enumerate(python.lines, 1) if line.strip() not in given
    ]
    if words and piece.cell.kind == "code" and python.tree:
        strings = _lines_of_strings(python.tree)
        added = [(number, line) for number, line in added if "#" in line or number in strings]
    return [line for _, line in added]


def _lines_of_strings(tree: ast.Module) -> set[int]:
    """The lines that hold strings of several words."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and len(str(node.value).split()) > 1
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
