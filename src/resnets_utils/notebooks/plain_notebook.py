"""Read the notebook that a student brings, forgiving whatever does not matter.

Formats 2 to 4 of the last fifteen years are read here, by hand: a notebook that has
been through several programs is seldom quite valid, and its answers count all the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resnets_utils.errors import StudentError

LARGEST_FILE = 256 * 2**20
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass
class Cell:
    r"""One cell of the earlier notebook.

    Attributes:
        kind: "code", "markdown" or "raw".
        source: its text, with "\n" at the ends of lines.
        metadata: its metadata; {} where there is none that can be read.
        attachments: pictures within the cell, by name; {} if there is none.
        cell_id: its id; "" in formats that know none.

    """

    kind: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, Any] = field(default_factory=dict)
    cell_id: str = ""

    @property
    def grade_id(self) -> str:
        """Nbgrader's name of the cell; "" if it has none."""
        nbgrader = self.metadata.get("nbgrader")
        grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        return grade_id if isinstance(grade_id, str) else ""

    @property
    def is_solution(self) -> bool:
        """Whether nbgrader takes the cell for an answer."""
        return bool(self.grade_id and self.metadata["nbgrader"].get("solution"))


@dataclass(frozen=True)
class EarlierNotebook:
    """The notebook that a student brings.

    Attributes:
        path: where it lies.
        cells: its cells.
        metadata: the notebook's metadata.
        notes: what had to be forgiven, in words.

    """

    path: Path
    cells: list[Cell]
    metadata: dict[str, Any]
    notes: list[str]


def read_earlier(path: Path) -> EarlierNotebook:
    """Return the notebook in a file.

    Raises:
        StudentError: if the file is not there, cannot be read or holds no notebook.

    """
    text, notes = _decoded(_content(path), path)
    try:
        # Infinities and such are no JSON: notebook programs would refuse them in the new file.
        data = json.loads(text, strict=False, parse_constant=lambda name: None)
    except json.JSONDecodeError as error:
        raise StudentError(
            f"{path.name} is damaged: it stops being a notebook at line {error.lineno}, "
            f"column {error.colno} ({error.msg})",
            "open it in JupyterLab and save it; if that fails, take a copy from before the damage",
        ) from None
    except (RecursionError, ValueError) as error:
        # Python reads no whole number of more than 4300 digits.
        what = "nested too deep" if isinstance(error, RecursionError) else "full of endless digits"
        raise StudentError(
            f"{path.name} is damaged: it is {what} for a notebook",
            "take a copy from before the damage",
        ) from None
    if not isinstance(data, dict):
        raise _no_notebook(path)
    cells = [_cell(entry) for entry in _entries(data, path) if isinstance(entry, dict)]
    unreadable = "\N{REPLACEMENT CHARACTER}"
    if unreadable not in text and any(unreadable in cell.source for cell in cells):
        notes.append(f"letters that no program can show stand as {unreadable}")
    metadata = data.get("metadata")
    return EarlierNotebook(path, cells, metadata if isinstance(metadata, dict) else {}, notes)


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise StudentError(f"{path} is a folder, not a notebook", "name the .ipynb file in it")
    if path.suffix == ".py":
        raise StudentError(
            f"{path.name} is a Python file, not a notebook",
            "paste its functions into the cells of a notebook, or name the .ipynb file",
        )
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise StudentError(
                f"{path.name} is larger than {LARGEST_FILE // 2**20} MB",
                "clear its outputs in JupyterLab (Edit > Clear Outputs of All Cells) and save it",
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise StudentError(f"{path} is not there", "look for its name in the file list") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StudentError(f"{path} cannot be read: {why}", "ask for a copy of it") from None
    if not content.strip():
        raise StudentError(f"{path.name} is empty", "take a copy from before it was emptied")
    return content


def _decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16"), []
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        return content.decode("utf-8", "replace"), [
            f"{path.name} is not all UTF-8 (byte {error.start}); "
            "what could not be read stands as \N{REPLACEMENT CHARACTER}"
        ]


def _no_notebook(path: Path) -> StudentError:
    return StudentError(
        f"{path.name} is no notebook: it holds no cells", "name a file that JupyterLab opens"
    )


def _entries(data: dict[str, Any], path: Path) -> list[Any]:
    """The cells of any format: under "cells", or up to format 3 in worksheets."""
    cells = data.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = data.get("worksheets")
    if not isinstance(sheets, list):
        raise _no_notebook(path)
    found = []
    for sheet in sheets:
        inside = sheet.get("cells") if isinstance(sheet, dict) else None
        found += inside if isinstance(inside, list) else []
    return found


def _cell(entry: dict[str, Any]) -> Cell:
    kind = entry.get("cell_type")
    source = _text(entry.get("source", entry.get("input")))
    if kind == "heading":
        level = entry.get("level")
        hashes = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1)
        kind, source = "markdown", f"{hashes} {' '.join(source.split())}"
    elif kind == "html":
        kind = "markdown"
    metadata, attachments, cell_id = (entry.get(key) for key in ("metadata", "attachments", "id"))
    return Cell(
        kind if kind in ("code", "markdown") else "raw",
        source,
        metadata if isinstance(metadata, dict) else {},
        attachments if isinstance(attachments, dict) else {},
        cell_id if isinstance(cell_id, str) else "",
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    return without_lone_surrogates(value)


def without_lone_surrogates(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of letters are replaced."""
    return _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
