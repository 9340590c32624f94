"""Text from a student's process, made fit to be shown: plain, and short."""

from __future__ import annotations

import re
import unicodedata

_TERMINAL_CODES = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
# More of them on one letter reach into the lines above and below.
_MOST_MARKS = 2
_LAYOUT = "\n\t"
_CONTROL = (*range(32), 127)


def plain_text(text: str, letters: int, *, keep: str = "") -> str:
    """Return a text without what no reader sees, cut to a length.

    Left out are terminal codes, control characters, halves of letters, and the
    marks that turn the direction of reading or pile up on one letter: with
    them, a text can look like another.

    Args:
        text: the text.
        letters: how many to keep.
        keep: control characters to keep besides line ends and tabs.

    """
    if not keep:
        text = _TERMINAL_CODES.sub("", text[: 4 * letters])
    layout = _LAYOUT + keep
    kept = (_ascii if text.isascii() else _any)(text[: 2 * letters], layout)
    return kept if len(kept) <= letters else f"{kept[:letters]} …"


def _ascii(text: str, layout: str) -> str:
    """The same for the usual kind of text, which may be long."""
    return text.translate({code: None for code in _CONTROL if chr(code) not in layout})


def _any(text: str, layout: str) -> str:
    kept: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category.startswith("M") else 0
        if letter.isprintable() or letter in layout:
            if marks <= _MOST_MARKS:
                kept.append(letter)
        elif category == "Zs":
            kept.append(" ")
    return "".join(kept)
