"""Say what a file is that is no notebook, so that the student can be asked for the right one."""

from __future__ import annotations

import ast
import re

_STARTS = (
    ("%pdf", "a PDF"),
    ("{\\rtf", "a document of a word processor (RTF)"),
    ("<!doctype html", "a web page"),
    ("<html", "a web page"),
    ("\ufffdpng", "a picture"),
    ("rar!", "a RAR archive"),
    ("7z\ufffd\ufffd", "a 7z archive"),
    ("version https://git-lfs", "a note of Git LFS about a file, not the file"),
    ("[internetshortcut]", "a link to a web page"),
)
_MARKDOWN = re.compile(r"^(?:```|#{1,6} )", re.MULTILINE)
_LONGEST = 10**6


def kind_of(text: str) -> str:
    """Return what a text is that holds no notebook, in words; "" if there is no telling."""
    start = text[:200].lstrip().lower()
    for sign, kind in _STARTS:
        if start.startswith(sign):
            return kind
    if len(text) > _LONGEST or start.startswith(("{", "[")):
        return ""
    if re.search(r"^(?:def|import|from) ", text, re.MULTILINE) and _is_python(text):
        return "Python text"
    return "a text with Markdown" if _MARKDOWN.search(text) else ""


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
