"""Change a text at exact places, and show each change as the lines before and after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from resnets_utils.notebooks.python_text import PythonText


@dataclass(frozen=True)
class Edit:
    """A piece of text to put in the place of another.

    Attributes:
        start: where the old piece begins, as an index into the text.
        end: just after the old piece.
        text: the new piece.
        why: the reason, in words.

    """

    start: int
    end: int
    text: str
    why: str

    def overlaps(self, other: Edit) -> bool:
        """Return whether both would change the same letter."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Change:
    """A change as it is shown.

    Attributes:
        line: the first line changed, from 1, in the text or, once placed, in its cell.
        before: the lines as they were.
        after: the lines as they are now; "" if they were removed.
        why: the reasons, in words.
        cell: the number of the earlier notebook's cell, from 1; 0 before it is placed.

    """

    line: int
    before: str
    after: str
    why: str
    cell: int = 0


def without_overlaps(first: Iterable[Edit], then: Iterable[Edit]) -> list[Edit]:
    """Return the edits of both; if two would change the same letter, that of ``first``."""
    kept: list[Edit] = []
    for edit in (*first, *then):
        if not any(edit.overlaps(other) for other in kept) and edit not in kept:
            kept.append(edit)
    return kept


def apply_edits(python: PythonText, edits: Iterable[Edit]) -> tuple[str, list[Change]]:
    """Return the text with all edits made, and the changes to be shown, line by line."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    changes = [_change(python, group) for group in _groups(python, ordered)]
    return _applied(python.text, ordered, 0), changes


def _applied(text: str, edits: list[Edit], offset: int) -> str:
    pieces, at = [], 0
    for edit in edits:
        pieces += [text[at : edit.start - offset], edit.text]
        at = edit.end - offset
    return "".join([*pieces, text[at:]])


def _groups(python: PythonText, edits: list[Edit]) -> list[list[Edit]]:
    """Group the edits that touch the same line."""
    groups: list[list[Edit]] = []
    last_line = 0
    for edit in edits:
        if groups and python.line_at(edit.start) <= last_line:
            groups[-1].append(edit)
        else:
            groups.append([edit])
        last_line = max(last_line, python.line_at(max(edit.start, edit.end - 1)))
    return groups


def _change(python: PythonText, edits: list[Edit]) -> Change:
    first = edits[0].start
    last = max(max(edit.start, edit.end - 1) for edit in edits)
    begin = python.text.rfind("\n", 0, first) + 1
    finish = python.text.find("\n", last)
    finish = len(python.text) if finish < 0 else finish
    if any(edit.end > finish for edit in edits):
        finish = min(finish + 1, len(python.text))
    before = python.text[begin:finish]
    why = "; ".join(dict.fromkeys(edit.why for edit in edits))
    after = _applied(before, edits, begin)
    return Change(python.line_at(first), before.rstrip("\n"), after.rstrip("\n"), why)
