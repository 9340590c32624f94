"""Undo what copying does to code: fences, prompts, typographic quotes, odd spaces, tabs.

Students paste from chats, web pages, consoles and word processors. Only a text that
Python cannot read is changed, and only if Python can read the result. So code that
runs never changes its meaning.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from resnets_utils.notebooks.python_text import PythonText

_FENCE = re.compile(r"\s*(?:```|~~~)[\w.+-]*\s*")
_PROMPT = re.compile(r"(?:>>>|\.\.\.|\s*In ?\[[\d ]*\]:|\s+\.\.\.:)(?: |$)")
_OUTPUT = re.compile(r"\s*Out ?\[[\d ]*\]:")
_DOUBLE, _SINGLE = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", "\u2018\u2019\u201a\u201b\u2032"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
_LINE_ENDS = "\x85\u2028\u2029"
_LINE_END = re.compile(f"[{_LINE_ENDS}]")
_DASHES = "\u2010\u2011\u2012\u2013\u2212"
# Zero-width letters, and marks that change the direction of writing.
_UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" + "".join(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
_LETTERS = {
    **dict.fromkeys(map(ord, _DOUBLE), '"'),
    **dict.fromkeys(map(ord, _SINGLE), "'"),
    **dict.fromkeys(map(ord, _SPACES + "\u3000"), " "),
    **dict.fromkeys(map(ord, _LINE_ENDS), "\n"),
    **dict.fromkeys(map(ord, _DASHES), "-"),
    **dict.fromkeys(map(ord, _UNSEEN), ""),
    # The wide letters of Chinese and Japanese keyboards.
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}


def readable(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a code cell's text so that Python can read it, and what was undone, in words.

    A text that Python can read already, or still cannot read, is returned unchanged.
    """
    if "\n" not in text and text != (lines := _LINE_END.sub("\n", text)):
        return lines, ("letters that only look like line ends",)
    if not text.strip() or PythonText(text).tree is not None:
        return text, ()
    undone: list[str] = []
    changed = text
    for undo, what in _STEPS:
        before, changed = changed, undo(changed)
        if changed == before:
            continue
        undone.append(what)
        if changed.strip() and PythonText(changed).tree is not None:
            return changed, tuple(undone)
    return text, ()


def fenced(text: str) -> str:
    """Return what stands between the fences of a text; without a pair, the text without fences."""
    lines = text.split("\n")
    fences = [at for at, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if len(fences) == 1:
        return "\n".join(line for at, line in enumerate(lines) if at not in fences)
    kept = [lines[first + 1 : last] for first, last in zip(fences[::2], fences[1::2], strict=False)]
    return "\n\n".join("\n".join(part) for part in kept) if kept else text


def _without_prompts(text: str) -> str:
    lines = (line for line in text.split("\n") if not _OUTPUT.match(line))
    return "\n".join(
        _PROMPT.sub("", line, count=1) if _PROMPT.match(line) else line for line in lines
    )


def _with_plain_letters(text: str) -> str:
    return text.translate(_LETTERS)


def _with_spaces(text: str) -> str:
    # Notebook editors show a tab as four spaces.
    return text.expandtabs(4)


_STEPS: tuple[tuple[Callable[[str], str], str], ...] = (
    (fenced, "the marks ``` around code"),
    (_without_prompts, "prompts"),
    (_with_plain_letters, "letters that only look like Python's"),
    (html.unescape, "HTML's codes for letters"),
    (_with_spaces, "tabs mixed with spaces"),
)
