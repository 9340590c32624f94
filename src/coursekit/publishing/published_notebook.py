"""A released notebook as it is published: with a badge, and the cell that fetches its files."""

from __future__ import annotations

import copy
import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from resnets_utils.notebooks.published_cells import BADGE_TEXT
from resnets_utils.notebooks.python_text import PythonText

COLAB_BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
_BADGE_ID, _FETCHING_ID = "open-in-colab", "fetch-files"
_HEADING = re.compile(r"^# +(.+?) *#*$", re.MULTILINE)


def published_notebook(released: NotebookNode, colab: str, fetching: str) -> NotebookNode:
    """Return a released notebook with two more cells; all others, and its stamp, stay.

    Args:
        released: the released notebook.
        colab: the link that opens it in Colab; "" if none does.
        fetching: the text of the cell that fetches its files. It stands above the first cell
            that runs something.

    """
    notebook = copy.deepcopy(released)
    first = next((at for at, cell in enumerate(notebook.cells) if _runs(cell)), 0)
    notebook.cells.insert(first, new_code_cell(fetching, id=_FETCHING_ID))
    if colab:
        badge = new_markdown_cell(f"[![{BADGE_TEXT}]({COLAB_BADGE})]({colab})", id=_BADGE_ID)
        notebook.cells.insert(0, badge)
    return notebook


def title_of(notebook: NotebookNode) -> str:
    """Return a notebook's first heading; "" if it has none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := _HEADING.search(cell.source)):
            return str(found[1])
    return ""


def _runs(cell: NotebookNode) -> bool:
    tree = PythonText(cell.source).tree if cell.cell_type == "code" else None
    return tree is not None and bool(tree.body)
