"""Read a submitted notebook's bytes, whatever became of them on the way."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.repair.beyond_repair import ASK_AGAIN, BeyondRepair
from coursekit.repair.damaged_text import decode, notebooks_in
from coursekit.repair.other_files import kind_of
from resnets_utils.errors import StudentError
from resnets_utils.notebooks.plain_notebook import Cell, EarlierNotebook, read_earlier

MOST_CELLS = 2_000
MOST_LETTERS = 1_000_000
# Pasted pictures make notes long: such a cell is left out, the notebook is graded.
LONGEST_CELL = 200_000
# No editor shows them and Python refuses some of them.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CELLS = re.compile(r'"cells"\s*:\s*\[')
_FORMAT = re.compile(r'"nbformat"\s*:\s*(\d{1,3})\b')
_FILE = "submitted.ipynb"
# UTF-32's marks begin as UTF-16's do.
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Which bytes of the first four are not NUL, where they begin with two plain letters or one.
_FIRST_LETTER = {
    "utf-16-be": (False, True, False, True),
    "utf-16-le": (True, False, True, False),
    "utf-32-be": (False, False, False, True),
    "utf-32-le": (True, False, False, False),
}


@dataclass(frozen=True)
class ReadNotebook:
    """A submitted notebook.

    Attributes:
        cells: its cells, without their outputs.
        metadata: the notebook's metadata; nothing in it is believed.
        repairs: what was repaired in reading, in words.
        damage: where the file breaks off, in words; "" if it is whole. Then the
            cells are those before that place.
        too_long: cells that are longer than any may be; they are not among the others.
        of_two: whether the cells are those of two notebooks that stood in one file.

    """

    cells: list[Cell]
    metadata: dict[str, Any]
    repairs: tuple[str, ...] = ()
    damage: str = ""
    of_two: bool = False
    too_long: tuple[Cell, ...] = ()


def read_submission(content: bytes, name: str) -> ReadNotebook:
    """Return the notebook in a file's bytes.

    Args:
        content: the bytes.
        name: the file's name, for people.

    Raises:
        BeyondRepair: if they hold no notebook, or more than can be graded.

    """
    text, repairs = _decoded(content)
    earlier, damage, of_two = _read(text, name, repairs)
    cells = earlier.cells
    if len(cells) > MOST_CELLS:
        # A key that was held down makes thousands of empty ones.
        cells = [cell for cell in cells if cell.source.strip()]
        repairs.append(f"{len(earlier.cells) - len(cells):,} empty cells were left out")
    if len(cells) > MOST_CELLS:
        raise BeyondRepair(
            f"{name} cannot be read as a notebook: it has {len(cells):,} cells, "
            f"more than {MOST_CELLS:,}",
            ASK_AGAIN,
        )
    notes = [note.replace(_FILE, name) for note in earlier.notes]
    repairs += [note for note in notes if note not in repairs]
    odd = [cell for cell in cells if _CONTROL.search(cell.source)]
    for cell in odd:
        cell.source = _CONTROL.sub("", cell.source)
    if odd:
        repairs.append(f"control characters were taken out of {_cells(len(odd))}")
    long = [cell for cell in cells if len(cell.source) > LONGEST_CELL]
    if long:
        cells = [cell for cell in cells if len(cell.source) <= LONGEST_CELL]
        repairs.append(f"{_cells(len(long))} of more than {LONGEST_CELL:,} letters left out")
    if sum(len(cell.source) for cell in cells) > MOST_LETTERS:
        raise BeyondRepair(
            f"{name} cannot be read as a notebook: its cells hold more than "
            f"{MOST_LETTERS:,} letters",
            ASK_AGAIN,
        )
    return ReadNotebook(cells, earlier.metadata, tuple(repairs), damage, of_two, tuple(long))


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The text of some bytes, and what was repaired in them."""
    repairs: list[str] = []
    encoding = _encoding(content)
    if encoding != "utf-8-sig":
        family = encoding[:6].upper()
        repairs.append(f"the file was saved as {family}; it was read as such")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        text = content.decode(encoding, "replace")
        repairs.append(
            f"the file is not all {encoding.removesuffix('-sig').upper()} (byte {error.start}); "
            "what could not be read stands as \N{REPLACEMENT CHARACTER}"
        )
    bare = text.strip("\0 \t\r\n\ufeff")
    if "\0" in text[: len(text) - len(text.lstrip("\0 \t\r\n\ufeff"))] or text.endswith("\0"):
        repairs.append("NUL bytes around the notebook were taken off")
    return bare, repairs


def _encoding(content: bytes) -> str:
    """The encoding of some bytes, by their mark or by where the NULs of a first letter stand."""
    start = content[:4]
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    for encoding, filled in _FIRST_LETTER.items():
        if len(start) == 4 and all(
            (byte != 0) == full for byte, full in zip(start, filled, strict=False)
        ):
            return encoding
    return "utf-8-sig"


def _read(text: str, name: str, repairs: list[str]) -> tuple[EarlierNotebook, str, bool]:
    """The notebook in a text, where the text breaks off in words, and whether it was two."""
    if not text:
        raise BeyondRepair(f"{name} is empty", ASK_AGAIN)
    found = _FORMAT.search(text)
    if found and found[1] != "4":
        repairs.append(f"it was saved in notebook format {found[1]}; it was read as today's")
    for notebook, said, of_two in notebooks_in(text):
        repairs += [said] if said else []
        # What could not be read is said already: the reader below shall see that it was there.
        escaped = "\N{REPLACEMENT CHARACTER}" not in text
        return _earlier(json.dumps(notebook, ensure_ascii=escaped)), "", of_two
    try:
        _earlier(text)
        reason = f"{name} holds no cells that can be read"
    except StudentError as error:
        reason = error.message.replace(_FILE, name)
    cells = _whole_cells(text)
    if not cells:
        kind = kind_of(text)
        if kind:
            raise BeyondRepair(
                f"{name} cannot be read as a notebook: it is {kind}",
                "ask the student for the .ipynb file that Jupyter saves",
            )
        raise BeyondRepair(f"{name} cannot be read as a notebook: {reason}", ASK_AGAIN)
    return _earlier(json.dumps({"cells": _of_known_kind(cells), "metadata": {}})), reason, False


def _earlier(text: str) -> EarlierNotebook:
    """The notebook that the reader of earlier notebooks finds in a text.

    Raises:
        StudentError: if it finds none.

    """
    with tempfile.TemporaryDirectory(prefix="coursekit-read-") as folder:
        path = Path(folder, _FILE)
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            return read_earlier(path)
        except (ValueError, TypeError) as error:
            # A number of more digits than Python reads; a cell's kind that is a list.
            raise StudentError(f"{_FILE} is damaged: {str(error)[:100]}") from None


def _whole_cells(text: str) -> list[Any]:
    """The cells before the place at which a damaged notebook breaks off."""
    start = _CELLS.search(text)
    cells: list[Any] = []
    at = start.end() if start else len(text)
    while at < len(text) and len(cells) <= MOST_CELLS:
        at += len(text[at : at + 10_000]) - len(text[at : at + 10_000].lstrip(" \t\r\n,"))
        decoded = decode(text, at)
        if decoded is None or not isinstance(decoded[0], dict):
            break
        cells.append(decoded[0])
        at = decoded[1]
    return cells


def _of_known_kind(cells: list[Any]) -> list[Any]:
    """The cells that are any, each with a kind that is a word."""
    found = [dict(cell) for cell in cells if isinstance(cell, dict)]
    for cell in found:
        if not isinstance(cell.get("cell_type"), str):
            cell["cell_type"] = "raw"
    return found


def _cells(count: int) -> str:
    return "one cell" if count == 1 else f"{count} cells"
