"""Read a submitted notebook's bytes, whatever became of them, within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coursekit.errors import BeyondRepair
from coursekit.repair.reading.damaged_text import find_notebook, find_whole_cells
from resnets_utils.hinted_errors import StudentError
from resnets_utils.notebooks.notebook_reader import decoded, read_text, without_lone_surrogates
from resnets_utils.notebooks.plain_notebook import Cell, PlainNotebook, cells_in_words
from resnets_utils.notebooks.python_text import PythonText

MAX_CELLS = 2_000
MAX_LETTERS = 1_000_000
# Pasted pictures make notes long: such a cell is left out, the notebook is graded.
MAX_CELL_LETTERS = 200_000
# No editor shows them and Python refuses some of them.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# How texts begin that are not notebooks.
_BEGINNINGS = (
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
_MAX_SCRIPT = 10**6
# "3.12.1", and in a kernel's name "python3.12" or "Python 3.12 (ipykernel)".
_VERSION = re.compile(r"(?:python ?)?([23]\.[0-9]{1,3})(?![0-9]).{0,60}", re.I | re.S)


@dataclass(frozen=True)
class SubmittedNotebook(PlainNotebook):
    """A submitted notebook.

    Attributes:
        damage: where the file breaks off, in words; "" if it is whole. If it is not,
            the cells are those before that place.
        too_long: cells that are longer than any may be; they are not among the others.
        of_two: whether the cells are those of two notebooks that stood in one file.

    """

    damage: str = ""
    too_long: tuple[Cell, ...] = ()
    of_two: bool = False

    @property
    def python(self) -> str:
        """The version of Python that wrote it, such as "3.12"; "" if it names none."""
        for part, key in (
            ("language_info", "version"),
            ("kernelspec", "name"),
            ("kernelspec", "display_name"),
        ):
            told = self.metadata.get(part)
            words = told.get(key) if isinstance(told, dict) else None
            found = _VERSION.fullmatch(words) if isinstance(words, str) else None
            if found:
                return found[1]
        return ""


def read_submission(content: bytes, name: str) -> SubmittedNotebook:
    """Return the notebook in the bytes of a file, whose name is for people.

    Raises:
        BeyondRepair: if they hold no notebook, or more than can be graded.

    """
    text, notes = decoded(content)
    damage, of_two = "", False
    try:
        notebook = read_text(text, name)
    except StudentError as error:
        found = find_notebook(text)
        whole = found.notebook if found else find_whole_cells(text, MAX_CELLS)
        if whole is None:
            raise _not_a_notebook(text, name, error.message) from None
        notebook = whole
        if found:
            notes.append(found.note)
            of_two = found.of_two
        else:
            damage = error.message
    notes += notebook.notes
    cells, long = _within_bounds(notebook.cells, name, notes)
    return SubmittedNotebook(cells, notebook.metadata, tuple(notes), damage, long, of_two)


def _within_bounds(
    cells: list[Cell], name: str, notes: list[str]
) -> tuple[list[Cell], tuple[Cell, ...]]:
    """The cells without control characters, and apart from them those that are too long."""
    if len(cells) > MAX_CELLS:
        # A key that was held down makes thousands of empty cells.
        filled = [cell for cell in cells if cell.source.strip()]
        notes.append(f"{len(cells) - len(filled):,} empty cells were left out")
        cells = filled
    if len(cells) > MAX_CELLS:
        raise BeyondRepair(
            f"{name} cannot be read as a notebook: it has {len(cells):,} cells, "
            f"more than {MAX_CELLS:,}"
        )
    odd = [cell for cell in cells if _CONTROL.search(cell.source)]
    for cell in odd:
        cell.source = _CONTROL.sub("", cell.source)
    for cell in cells:
        cell.attachments = {
            _CONTROL.sub("", without_lone_surrogates(name)): content
            for name, content in cell.attachments.items()
        }
    if odd:
        notes.append(f"control characters were removed from {cells_in_words(len(odd))}")
    long = tuple(cell for cell in cells if len(cell.source) > MAX_CELL_LETTERS)
    if long:
        cells = [cell for cell in cells if len(cell.source) <= MAX_CELL_LETTERS]
        notes.append(
            f"{cells_in_words(len(long))} of more than {MAX_CELL_LETTERS:,} letters left out"
        )
    if sum(len(cell.source) for cell in cells) > MAX_LETTERS:
        raise BeyondRepair(
            f"{name} cannot be read as a notebook: its cells hold more than {MAX_LETTERS:,} letters"
        )
    return cells, long


def _not_a_notebook(text: str, name: str, reason: str) -> BeyondRepair:
    if not text:
        return BeyondRepair(reason)
    kind = _kind_of(text)
    if kind:
        return BeyondRepair(
            f"{name} cannot be read as a notebook: it is {kind}",
            "ask the student for the .ipynb file that Jupyter saves",
        )
    return BeyondRepair(f"{name} cannot be read as a notebook: {reason.replace(name, 'it', 1)}")


def _kind_of(text: str) -> str:
    """What a text is that holds no notebook, in words; "" if that is unknown."""
    start = text[:200].lstrip().lower()
    for sign, kind in _BEGINNINGS:
        if start.startswith(sign):
            return kind
    if len(text) > _MAX_SCRIPT or start.startswith(("{", "[")):
        return ""
    if re.search(r"^(?:def|import|from) ", text, re.MULTILINE) and PythonText(text).tree:
        return "Python text"
    return "a text with Markdown" if _MARKDOWN.search(text) else ""
