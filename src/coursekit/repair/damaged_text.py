"""Find notebooks in a text that is JSON, nearly JSON, or JSON among other things."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

# Where a notebook may begin in a text that begins with something else.
_MOST_TRIES = 5
# Longer texts are not searched for what somebody's hand, or git, put into them.
_LONGEST_EDITED = 20 * 10**6
_LONGEST_PYTHON = 2 * 10**6
_STRING_OR_DECORATION = re.compile(
    r'"(?:[^"\\]|\\.)*+"|//[^\n]*|/\*.*?\*/|,(?=\s*[\]}])', re.DOTALL
)
_CONFLICT = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?: .*)?$")

# Entries as JSON gives them: dictionaries, unless somebody broke the notebook.
Cells = list[Any]
Notebook = dict[str, Any]


def notebooks_in(text: str) -> Iterator[tuple[Notebook, str, bool]]:
    """Yield what a text may be read as, the most exact reading first.

    Yields:
        The notebook, its cells under "cells" and free of outputs; what had to be
        forgiven, in words; and whether it was put together from two.

    """
    data, end = decode(text, 0) or (None, 0)
    rest = text[end:].strip()
    if data is not None and not rest:
        notebook = _notebook(data)
        if notebook:
            yield notebook, "", False
        return
    is_long = len(text) > _LONGEST_EDITED
    sides = None if is_long else _sides(text)
    if sides:
        yield from _of_two_sides(*sides)
    yield from _among_other_text(text)
    if is_long:
        return
    plain = _without_decoration(text)
    if plain != text:
        for notebook, _, several in _among_other_text(plain):
            yield notebook, "comments or commas that JSON does not know were left out", several
    if text.startswith(("{'", "{ '", "{\n")) and len(text) < _LONGEST_PYTHON:
        notebook = _notebook(_python_value(text))
        if notebook:
            yield notebook, "it was written as Python, not as JSON; it was read as such", False


def decode(text: str, at: int) -> tuple[Any, int] | None:
    """Return the JSON value that begins at a place, and where it ends; None if none does."""
    decoder = json.JSONDecoder(
        strict=False, parse_constant=lambda name: None, object_pairs_hook=_without_lost_doubles
    )
    try:
        return decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _without_lost_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; of a key that is there twice, an empty value does not undo a full one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if not found[key] and value:
                found[key] = value
    return found


def _among_other_text(text: str) -> Iterator[tuple[Notebook, str, bool]]:
    """The notebooks in a text that holds more than one value, put together."""
    at = begins = 0
    found: list[Notebook] = []
    for _ in range(_MOST_TRIES):
        at = text.find("{", at)
        if at < 0:
            break
        decoded = decode(text, at)
        notebook = _notebook(decoded[0]) if decoded else None
        if notebook:
            begins = begins if found else at
            found.append(notebook)
        at = decoded[1] if decoded else at + 1
    if not found:
        return
    place = "around the notebook" if begins else "after the notebook's end"
    said = f"what stood {place} was left out"
    whole, differs = found[0], False
    for other in found[1:]:
        whole, more = _together(whole, other)
        differs = differs or more
    if differs:
        said = "the file holds more than one notebook; they were read as one"
    yield whole, said, differs


def _of_two_sides(ours: str, theirs: str) -> Iterator[tuple[Notebook, str, bool]]:
    said = "git's marks of a conflict were taken out"
    read = [one for side in (theirs, ours) for one, _, _ in _first(_among_other_text(side))]
    read = read or [
        one
        for side in (theirs, ours)
        for one, _, _ in _first(_among_other_text(_without_decoration(side)))
    ]
    if len(read) == 2:
        whole, differs = _together(*read)
        yield whole, f"{said}; both sides were read" if differs else said, differs
    elif read:
        yield read[0], f"{said}; only one side could be read", False


def _first(found: Iterator[Any]) -> list[Any]:
    return [one for one, _ in zip(found, range(1), strict=False)]


def _together(first: Notebook, second: Notebook) -> tuple[Notebook, bool]:
    """One notebook with the cells of both, and whether the second has any of its own."""
    cells = [*first["cells"]]
    keys = [_key(cell) for cell in cells]
    at, more = 0, False
    for cell in second["cells"]:
        key = _key(cell)
        if key in keys:
            at = keys.index(key) + 1
        else:
            cells.insert(at, cell)
            keys.insert(at, key)
            at, more = at + 1, True
    return {**second, **first, "cells": cells}, more


def _key(cell: dict[str, Any]) -> str:
    return json.dumps([cell.get(key) for key in ("cell_type", "source", "input")])


def _notebook(data: Any, depth: int = 0) -> Notebook | None:
    """The notebook in a value: itself, in a list, or as Jupyter's server wraps it; or None."""
    if isinstance(data, str) and depth == 0:
        # Some programs wrap a notebook as a text in JSON.
        decoded = decode(data, 0)
        return _notebook(decoded[0], 1) if decoded else None
    if isinstance(data, list) and data and depth == 0:
        if all(isinstance(entry, dict) and "cell_type" in entry for entry in data):
            return _notebook({"cells": data}, 1)
        found = [one for entry in data[:2] if (one := _notebook(entry, 1))]
        return found[0] if len(found) == 1 else None
    if not isinstance(data, dict):
        return None
    if "cells" not in data and "content" in data:
        return _notebook(data["content"], 1 if isinstance(data["content"], dict) else depth)
    cells = _entries(data.get("cells"))
    sheets = data.get("worksheets")
    if not cells and isinstance(sheets, list):
        inside = [_entries(sheet.get("cells")) for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for sheet in inside for cell in sheet or []]
    if cells is None:
        return None
    rest = {key: value for key, value in data.items() if key not in ("cells", "worksheets")}
    return {**rest, "cells": [_cell(cell) for cell in cells]}


def _entries(cells: Any) -> Cells | None:
    """The cells in a value that should be their list; None if it holds none."""
    if isinstance(cells, dict) and cells:
        cells = [*cells.values()]
        return cells if all(isinstance(cell, dict) for cell in cells) else None
    if not isinstance(cells, list):
        return None
    flat = [one for cell in cells for one in (cell if isinstance(cell, list) else [cell])]
    found = [cell for cell in flat if isinstance(cell, dict)]
    return found if found or not flat else None


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell without outputs, its kind a word and its text a text."""
    found = {key: value for key, value in cell.items() if key != "outputs"}
    if not isinstance(found.get("cell_type"), str):
        found["cell_type"] = "raw"
    for key in ("source", "input"):
        if isinstance(found.get(key), list | dict):
            found[key] = _text(found[key])
    if not found.get("source"):
        # Format 3 calls it "input"; some programs leave both.
        found["source"] = found.get("input")
    if found["cell_type"] == "heading" and "\n" in str(found["source"]).strip():
        # A heading is one line: its lines would be joined.
        found["cell_type"] = "markdown"
    return found


def _text(parts: list[Any] | dict[str, Any]) -> str:
    """The text of a list of lines, however deep; lines that have lost their ends get them back."""
    lines: list[str] = []
    for part in parts.values() if isinstance(parts, dict) else parts:
        if isinstance(part, str):
            lines.append(part)
        elif isinstance(part, list | dict):
            lines.append(_text(part))
    ends = any("\n" in line for line in lines)
    return ("" if ends else "\n").join(lines)


def _without_decoration(text: str) -> str:
    def keep(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else ""

    return _STRING_OR_DECORATION.sub(keep, text)


def _sides(text: str) -> tuple[str, str] | None:
    """The two texts between which git could not choose; None if there is no such place."""
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
    return ("\n".join(ours), "\n".join(theirs)) if places else None


def _python_value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
