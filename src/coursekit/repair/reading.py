"""Read a submitted notebook's bytes, whatever became of them on the way."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.repair.errors import ASK_AGAIN, BeyondRepair
from resnets_utils.sentences import StudentError
from resnets_utils.upgrade.earlier import Cell, EarlierNotebook, read_earlier

MOST_CELLS = 2_000
MOST_LETTERS = 1_000_000
# Pasted pictures make notes long: such a cell is left out, the notebook is graded.
LONGEST_CELL = 200_000
# No editor shows them and Python refuses some of them.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CELLS = re.compile(r'"cells"\s*:\s*\[')
_FORMAT = re.compile(r'"nbformat"\s*:\s*(\d{1,3})\b')
_FILE = "submitted.ipynb"


@dataclass(frozen=True)
class ReadNotebook:
    """A submitted notebook.

    Attributes:
        cells: its cells, without their outputs.
        metadata: the notebook's metadata; nothing in it is believed.
        repairs: what was repaired in reading, in words.
        damage: where the file breaks off, in words; "" if it is whole. Then the
            cells are those before that place.

    """

    cells: list[Cell]
    metadata: dict[str, Any]
    repairs: tuple[str, ...] = ()
    damage: str = ""


def read_submission(content: bytes, name: str) -> ReadNotebook:
    """Return the notebook in a file's bytes.

    Args:
        content: the bytes.
        name: the file's name, for people.

    Raises:
        BeyondRepair: if they hold no notebook, or more than can be graded.

    """
    text, repairs = _decoded(content)
    earlier, damage = _read(text, name, repairs)
    cells = earlier.cells
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
    return ReadNotebook(cells, earlier.metadata, tuple(repairs), damage)


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The text of some bytes, and what was repaired in them."""
    repairs: list[str] = []
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif content[:1] == b"\0" and content[1:2] not in (b"\0", b""):
        encoding = "utf-16-be"
    elif content[1:2] == b"\0" and content[:1] not in (b"\0", b""):
        encoding = "utf-16-le"
    if encoding != "utf-8-sig":
        repairs.append("the file was saved as UTF-16; it was read as such")
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


def _read(text: str, name: str, repairs: list[str]) -> tuple[EarlierNotebook, str]:
    """The notebook in a text, and where the text breaks off, in words."""
    if not text:
        raise BeyondRepair(f"{name} is empty", ASK_AGAIN)
    found = _FORMAT.search(text)
    if found and found[1] != "4":
        repairs.append(f"it was saved in notebook format {found[1]}; it was read as today's")
    try:
        return _earlier(text), ""
    except StudentError as error:
        reason = error.message.replace(_FILE, name)
    whole = _decode(text, 0)
    if whole is not None and isinstance(whole[0], dict) and isinstance(whole[0].get("cells"), list):
        if whole[1] < len(text):
            repairs.append("what stood after the notebook's end was left out")
        return _earlier(json.dumps({**whole[0], "cells": _of_known_kind(whole[0]["cells"])})), ""
    cells = _whole_cells(text)
    if not cells:
        raise BeyondRepair(f"{name} cannot be read as a notebook: {reason}", ASK_AGAIN)
    return _earlier(json.dumps({"cells": _of_known_kind(cells), "metadata": {}})), reason


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
        decoded = _decode(text, at)
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


def _decode(text: str, at: int) -> tuple[Any, int] | None:
    """The JSON value that begins at a place, and where it ends; None if none does."""
    decoder = json.JSONDecoder(strict=False, parse_constant=lambda name: None)
    try:
        return decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _cells(count: int) -> str:
    return "one cell" if count == 1 else f"{count} cells"
