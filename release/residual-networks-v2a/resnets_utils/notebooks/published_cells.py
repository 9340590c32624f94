"""The two cells that publishing adds to a notebook: nobody's answer, and no part of the release.

The badge opens the notebook in Colab; the other cell fetches the notebook's files there.
"""

from __future__ import annotations

import ast
import re

from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText

BADGE_TEXT = "Open in Colab"
FETCHING = "fetch_files"
FIRST_LINE = "# For Colab, where only the notebook is: this cell fetches what belongs beside it."
_BADGE = re.compile(rf"\[!\[{BADGE_TEXT}\]\([^()\s]+\)\]\([^()\s]+\)")


def is_published_cell(cell: Cell) -> bool:
    """Return whether a cell is one of the two, and nothing was written into it besides."""
    text = cell.source.strip()
    if cell.kind == "markdown":
        return bool(_BADGE.fullmatch(text))
    if cell.kind != "code" or not text.startswith(FIRST_LINE):
        return False
    tree = PythonText(text).tree
    return tree is not None and all(_fetches(statement) for statement in tree.body)


def _fetches(statement: ast.stmt) -> bool:
    """Whether a statement defines the function that fetches, or calls it."""
    if isinstance(statement, ast.FunctionDef):
        return statement.name == FETCHING
    call = statement.value if isinstance(statement, ast.Expr) else None
    called = call.func if isinstance(call, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == FETCHING
