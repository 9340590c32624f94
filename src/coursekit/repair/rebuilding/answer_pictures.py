"""The pictures in answers that somebody reads: photos of paper, drawings, screenshots."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode

from resnets_utils.notebooks.plain_notebook import cells_in_words

# What the process that reads submissions can send at once, with room for the texts.
MAX_LETTERS = 8 * 10**6
_KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+", re.ASCII)


class AnswerPictures:
    """The pictures of one notebook, of a bounded size together."""

    def __init__(self) -> None:
        self._letters = 0
        self._left_out = 0

    def put(self, attachments: dict[str, Any], cell: NotebookNode) -> None:
        """Attach what are pictures to a rebuilt cell for text."""
        found = {}
        for name, kinds in attachments.items():
            picture = _picture(kinds) if cell.cell_type == "markdown" else {}
            letters = sum(map(len, picture.values()))
            if letters and self._letters + letters <= MAX_LETTERS:
                found[str(name)] = picture
                self._letters += letters
        if found:
            cell.attachments = NotebookNode(found)
        self._left_out += len(found) < len(attachments)

    def leave_out(self, attachments: dict[str, Any]) -> None:
        """Count a cell whose pictures nobody grades."""
        self._left_out += bool(attachments)

    def in_words(self) -> list[str]:
        """Return what was left out, if anything was."""
        if not self._left_out:
            return []
        return [f"{cells_in_words(self._left_out)} had pictures attached, which were left out"]


def _picture(kinds: Any) -> dict[str, str]:
    """The plain picture in an attachment, by its kind; {} if it holds none."""
    for kind in _KINDS if isinstance(kinds, dict) else ():
        data = kinds.get(kind)
        data = "".join(map(str, data)) if isinstance(data, list) else data
        if isinstance(data, str) and len(data) <= MAX_LETTERS and _BASE64.fullmatch(data):
            return {kind: "".join(data.split())}
    return {}
