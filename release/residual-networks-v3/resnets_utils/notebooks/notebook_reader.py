"""Read a notebook from bytes or text, and forgive whatever does not matter.

A notebook that has been through several programs is seldom quite valid, and its
answers count all the same. Formats 2 to 4 are read here, by hand, in every encoding
and nesting that programs produce. The cells that publishing adds are passed over.
A text that is not JSON as a whole is refused;
`coursekit.repair` searches such a text with the same functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from resnets_utils.hinted_errors import StudentError
from resnets_utils.notebooks.plain_notebook import Cell, PlainNotebook
from resnets_utils.notebooks.published_cells import is_published_cell

MAX_FILE_BYTES = 256 * 2**20
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_NOTHING = "\0 \t\r\n\ufeff"
# UTF-32's marks begin as UTF-16's do.
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Which of the first four bytes are not NUL if the text begins with plain letters.
_FIRST_LETTER = {
    "utf-16-be": (False, True, False, True),
    "utf-16-le": (True, False, True, False),
    "utf-32-be": (False, False, False, True),
    "utf-32-le": (True, False, False, False),
}


def read_file(path: Path) -> PlainNotebook:
    """Return the notebook in a file.

    Raises:
        StudentError: if the file is missing, cannot be read or holds no notebook.

    """
    text, notes = decoded(_content(path))
    notebook = read_text(text, path.name)
    return PlainNotebook(notebook.cells, notebook.metadata, (*notes, *notebook.notes))


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise StudentError(f"{path} is a folder, not a notebook", "name the .ipynb file in it")
    if path.suffix == ".py":
        raise StudentError(
            f"{path.name} is a Python file, not a notebook",
            "paste its functions into the cells of a notebook, or name the .ipynb file",
        )
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise StudentError(
                f"{path.name} is larger than {MAX_FILE_BYTES // 2**20} MB",
                "clear its outputs in JupyterLab (Edit > Clear Outputs of All Cells) and save it",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise StudentError(f"{path} does not exist", "look for its name in the file list") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StudentError(f"{path} cannot be read: {why}", "ask for a copy of it") from None


def decoded(content: bytes) -> tuple[str, list[str]]:
    """Return the text of some bytes, and what was repaired in them, in words."""
    notes: list[str] = []
    encoding = _encoding(content[:4])
    if encoding != "utf-8-sig":
        notes.append(f"the file was saved as {encoding[:6].upper()} and was read as such")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        text = content.decode(encoding, "replace")
        notes.append(
            f"the file is not all {encoding.removesuffix('-sig').upper()} (byte {error.start}); "
            f"{UNREADABLE} stands for what could not be read"
        )
    before = text[: len(text) - len(text.lstrip(_NOTHING))]
    if "\0" in before or text.endswith("\0"):
        notes.append("NUL bytes around the notebook were removed")
    return text.strip(_NOTHING), notes


def _encoding(start: bytes) -> str:
    """The encoding, by its mark or by the NULs among the first four bytes."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    filled = tuple(byte != 0 for byte in start)
    return next((name for name, letter in _FIRST_LETTER.items() if letter == filled), "utf-8-sig")


def read_text(text: str, name: str) -> PlainNotebook:
    """Return the notebook that a whole text is.

    Args:
        text: the text.
        name: the file's name, for people.

    Raises:
        StudentError: if the text is not JSON as a whole, or holds no cells.

    """
    if not text:
        raise StudentError(f"{name} is empty", "take a copy from before it was emptied")
    try:
        value, end = read_json(text, 0)
        if text[end:].strip():
            raise json.JSONDecodeError("Extra data", text, end)
        notebook = notebook_in(value)
    except json.JSONDecodeError as error:
        raise StudentError(
            f"{name} is damaged: it stops being a notebook at line {error.lineno}, "
            f"column {error.colno} ({error.msg})",
            "open it in JupyterLab and save it; if that fails, take a copy from before the damage",
        ) from None
    except (RecursionError, ValueError) as error:
        # Python reads no whole number of more than 4300 digits.
        deep = isinstance(error, RecursionError)
        what = "is nested too deep" if deep else "holds a number with too many digits"
        raise StudentError(
            f"{name} is damaged: it {what}", "take a copy from before the damage"
        ) from None
    if notebook is None:
        raise StudentError(
            f"{name} is not a notebook: it holds no cells", "name a file that JupyterLab opens"
        )
    return notebook


def read_json(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value that begins at a place, and where it ends.

    Raises:
        ValueError: if there is no JSON value, or it holds a number with too many digits.
        RecursionError: if it is nested too deep.

    """
    # Infinities are not JSON: notebook programs would refuse them in a new file.
    return json.JSONDecoder(
        strict=False, parse_constant=lambda name: None, object_pairs_hook=_object
    ).raw_decode(text, at)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; where a key stands twice, an empty value does not replace a full one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if not found[key] and value:
                found[key] = value
    return found


def notebook_in(value: Any, depth: int = 0) -> PlainNotebook | None:
    """Return the notebook in a JSON value; None if there is no notebook.

    The value may be the notebook, a list that holds it or its cells, or what
    Jupyter's server and other programs wrap around a notebook.
    """
    if isinstance(value, str) and depth == 0:
        try:
            return notebook_in(read_json(value, 0)[0], 1)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list) and value and depth == 0:
        if all(isinstance(entry, dict) and "cell_type" in entry for entry in value):
            return notebook_in({"cells": value}, 1)
        found = [one for entry in value[:2] if (one := notebook_in(entry, 1))]
        return found[0] if len(found) == 1 else None
    if not isinstance(value, dict):
        return None
    if "cells" not in value and "content" in value:
        return notebook_in(value["content"], 1 if isinstance(value["content"], dict) else depth)
    entries = _entries(value.get("cells"))
    sheets = value.get("worksheets")
    if not entries and isinstance(sheets, list):
        # Up to format 3.
        inside = [_entries(sheet.get("cells")) for sheet in sheets if isinstance(sheet, dict)]
        entries = [entry for sheet in inside for entry in sheet or []]
    if entries is None:
        return None
    cells = [cell for entry in entries if not is_published_cell(cell := _cell(entry))]
    metadata = value.get("metadata")
    notes = (*_format_note(value.get("nbformat")), *_whole_letters(cells))
    return PlainNotebook(cells, metadata if isinstance(metadata, dict) else {}, notes)


def _format_note(written: Any) -> Iterable[str]:
    if type(written) is int and written != 4 and abs(written) < 1000:
        yield f"it was saved in notebook format {written} and was read as format 4"


def _whole_letters(cells: list[Cell]) -> Iterable[str]:
    odd = [cell for cell in cells if _LONE_SURROGATES.search(cell.source)]
    for cell in odd:
        cell.source = without_lone_surrogates(cell.source)
    if odd:
        yield f"{UNREADABLE} stands for letters that no program can show"


def _entries(value: Any) -> list[dict[str, Any]] | None:
    """The cells in a value that should be their list; None if it holds no cells."""
    if isinstance(value, dict) and value:
        entries = [*value.values()]
        return entries if all(isinstance(entry, dict) for entry in entries) else None
    if not isinstance(value, list):
        return None
    flat = [one for entry in value for one in (entry if isinstance(entry, list) else [entry])]
    found = [entry for entry in flat if isinstance(entry, dict)]
    return found if found or not flat else None


def _cell(entry: dict[str, Any]) -> Cell:
    kind = entry.get("cell_type")
    # Format 3 calls the text of code "input"; some programs leave both.
    source = _text(entry.get("source")) or _text(entry.get("input"))
    if kind == "heading" and "\n" not in source.strip():
        level = entry.get("level")
        hashes = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1)
        source = f"{hashes} {' '.join(source.split())}"
    if kind in ("heading", "html"):
        kind = "markdown"
    metadata, attachments, cell_id = (entry.get(key) for key in ("metadata", "attachments", "id"))
    return Cell(
        kind if kind in ("code", "markdown") else "raw",
        source.replace("\r\n", "\n").replace("\r", "\n"),
        metadata if isinstance(metadata, dict) else {},
        attachments if isinstance(attachments, dict) else {},
        cell_id if isinstance(cell_id, str) else "",
    )


def _text(value: Any) -> str:
    """A text, or a list of lines, however deep; lines that lost their ends get them back."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list | dict):
        return ""
    parts = value.values() if isinstance(value, dict) else value
    lines = [_text(part) for part in parts if isinstance(part, str | list | dict)]
    return ("" if any("\n" in line for line in lines) else "\n").join(lines)


def without_lone_surrogates(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of letters are replaced."""
    return _LONE_SURROGATES.sub(UNREADABLE, text)
