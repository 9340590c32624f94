"""Find a notebook in a text that is not JSON as a whole: cut off, edited, merged, or two in one."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any, NamedTuple

from resnets_utils.notebooks.notebook_reader import notebook_in, read_json
from resnets_utils.notebooks.plain_notebook import PlainNotebook

# A notebook may begin at this many places of a text that begins with something else.
_MAX_BEGINNINGS = 5
# Longer texts are not searched for what a person, or git, put into them.
_MAX_EDITED = 20 * 10**6
_MAX_PYTHON = 2 * 10**6
_STRING_OR_DECORATION = re.compile(
    r'"(?:[^"\\]|\\.)*+"|//[^\n]*|/\*.*?\*/|,(?=\s*[\]}])', re.DOTALL
)
_CONFLICT = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?: .*)?$")
_CELLS = re.compile(r'"cells"\s*:\s*\[')


class Found(NamedTuple):
    """A notebook found in a damaged text.

    Attributes:
        notebook: the notebook.
        note: what was repaired in the text, in words.
        of_two: whether its cells are those of two different notebooks.

    """

    notebook: PlainNotebook
    note: str
    of_two: bool = False


def find_notebook(text: str) -> Found | None:
    """Return the notebook in a text that is not JSON as a whole; None if there is no notebook."""
    if len(text) > _MAX_EDITED:
        return _among_other_text(text)
    return (
        _of_two_sides(text)
        or _among_other_text(text)
        or _without_comments_and_commas(text)
        or _written_as_python(text)
    )


def find_whole_cells(text: str, most: int) -> PlainNotebook | None:
    """Return the cells before the place at which a notebook breaks off; None if there is no cell.

    It stops after more cells than ``most``.
    """
    start = _CELLS.search(text)
    cells: list[Any] = []
    at = start.end() if start else len(text)
    while at < len(text) and len(cells) <= most:
        at += len(text[at : at + 10_000]) - len(text[at : at + 10_000].lstrip(" \t\r\n,"))
        value, end = _value(text, at)
        if not isinstance(value, dict):
            break
        cells.append(value)
        at = end
    return notebook_in({"cells": cells}) if cells else None


def _value(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at a place, and where it ends; None and 0 if there is no value."""
    try:
        return read_json(text, at)
    except (ValueError, RecursionError):
        return None, 0


def _among_other_text(text: str) -> Found | None:
    """The notebooks in a text that holds more than one value, merged into one."""
    at = begins = 0
    found: list[PlainNotebook] = []
    for _ in range(_MAX_BEGINNINGS):
        at = text.find("{", at)
        if at < 0:
            break
        value, end = _value(text, at)
        notebook = notebook_in(value)
        if notebook:
            begins = begins if found else at
            found.append(notebook)
        at = end or at + 1
    if not found:
        return None
    whole, of_two = _merged(*found)
    place = "around the notebook" if begins else "after the notebook's end"
    note = f"what stood {place} was left out"
    if of_two:
        note = "the file holds more than one notebook; they were read as one"
    return Found(whole, note, of_two)


def _of_two_sides(text: str) -> Found | None:
    """The notebook between whose two versions git could not choose."""
    sides = _sides(text)
    if sides is None:
        return None
    read = [found.notebook for side in sides if (found := _among_other_text(side))] or [
        found.notebook for side in sides if (found := _without_comments_and_commas(side))
    ]
    if not read:
        return None
    whole, of_two = _merged(*read)
    note = "git's conflict markers were removed"
    if len(read) == 1:
        note += "; only one side could be read"
    elif of_two:
        note += "; both sides were read"
    return Found(whole, note, of_two)


def _sides(text: str) -> tuple[str, str] | None:
    """Their text and ours around git's conflict markers; None if there is no marker."""
    ours: list[str] = []
    theirs: list[str] = []
    into: tuple[list[str], ...] = (ours, theirs)
    places = 0
    for line in text.split("\n"):
        mark = _CONFLICT.match(line.rstrip("\r"))
        if not mark:
            for side in into:
                side.append(line)
            continue
        kind = mark[1][0]
        places += kind == "<"
        into = {"<": (ours,), "|": (), "=": (theirs,), ">": (ours, theirs)}[kind]
    return ("\n".join(theirs), "\n".join(ours)) if places else None


def _without_comments_and_commas(text: str) -> Found | None:
    def keep(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else ""

    plain = _STRING_OR_DECORATION.sub(keep, text)
    found = _among_other_text(plain) if plain != text else None
    note = "comments or commas that JSON does not allow were left out"
    return found and found._replace(note=note)


def _written_as_python(text: str) -> Found | None:
    if not text.startswith(("{'", "{ '", "{\n")) or len(text) >= _MAX_PYTHON:
        return None
    try:
        notebook = notebook_in(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return Found(notebook, "it was written as Python, not as JSON") if notebook else None


def _merged(*notebooks: PlainNotebook) -> tuple[PlainNotebook, bool]:
    """One notebook with the cells of all, and whether a later one has cells of its own."""
    first, *others = notebooks
    cells = [*first.cells]
    keys = [(cell.kind, cell.source) for cell in cells]
    more = False
    for other in others:
        at = 0
        for cell in other.cells:
            key = cell.kind, cell.source
            if key in keys:
                at = keys.index(key) + 1
            else:
                cells.insert(at, cell)
                keys.insert(at, key)
                at, more = at + 1, True
    metadata = next((one.metadata for one in notebooks if one.metadata), {})
    return replace(first, cells=cells, metadata=metadata), more
