"""Pictures that a student attached to a cell, told from those of the release.

nbgrader compares texts only, and pages show only those pictures that the text names.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.released import ReleasedNotebook

_MAX_LINES = 12


def own_pictures(cell: Cell, released: ReleasedNotebook) -> dict[str, Any]:
    """Return the pictures attached to a cell that are not the release's."""
    given = [
        _letters(content)
        for one in released.notebook.cells
        for content in one.get("attachments", {}).values()
    ]
    return {
        name: content
        for name, content in cell.attachments.items()
        if _letters(content) not in given
    }


def _letters(content: Any) -> Any:
    """An attachment's content without the ends of lines, which programs set as they like."""
    if isinstance(content, dict):
        return {kind: _letters(data) for kind, data in content.items()}
    return (
        "".join("".join(map(str, content)).split()) if isinstance(content, str | list) else content
    )


def with_pictures(cell: Cell, released: ReleasedNotebook, *, all_of_them: bool = False) -> str:
    """Return a cell's text, with a line for each picture of the student's that it does not show.

    Args:
        cell: the cell.
        released: the released notebook.
        all_of_them: add a line for those that it shows as well. The released text may show a
            picture that the student has exchanged.

    """
    lines = []
    for name in own_pictures(cell, released):
        if all_of_them or not any(
            f"attachment:{one}" in cell.source for one in (name, quote(name, errors="replace"))
        ):
            words = " ".join("".join(" " if one in "[]`\\" else one for one in name).split())
            line = f"![{words}](attachment:{quote(name, safe='', errors='replace')})"
            lines.append(f"# {line}" if cell.kind == "code" else line)
    return "\n\n".join([cell.source, *lines[:_MAX_LINES]]) if lines else cell.source
