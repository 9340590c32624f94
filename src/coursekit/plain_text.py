"""Text from a student's process, made plain and short enough to be shown."""

from __future__ import annotations

import re
import unicodedata

_TERMINAL_CODES = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
# More accents on one letter reach into the lines above and below.
_MAX_MARKS = 2
_LAYOUT = "\n\t"
_CONTROL = (*range(32), 127)


def plain_text(text: str, length: int, *, keep: str = "") -> str:
    """Return a text without invisible characters, cut to a length.

    Terminal codes, control characters, lone surrogates, marks that change the direction
    of reading and many accents on one letter are removed: with them, one text can
    look like another.

    Args:
        text: the text.
        length: how many characters to keep.
        keep: control characters to keep in addition to line ends and tabs.

    """
    if not keep:
        text = _TERMINAL_CODES.sub("", text[: 4 * length])
    layout = _LAYOUT + keep
    kept = (_ascii if text.isascii() else _any)(text[: 2 * length], layout)
    return kept if len(kept) <= length else f"{kept[:length]} …"


def _ascii(text: str, layout: str) -> str:
    """The same for ASCII, the usual kind of text, which may be long."""
    return text.translate({code: None for code in _CONTROL if chr(code) not in layout})


def _any(text: str, layout: str) -> str:
    kept: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category.startswith("M") else 0
        if letter.isprintable() or letter in layout:
            if marks <= _MAX_MARKS:
                kept.append(letter)
        elif category == "Zs":
            kept.append(" ")
    return "".join(kept)
