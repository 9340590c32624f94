"""Carry what was repaired from nbgrader's first pass, which reads, to its second, which grades."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode

_KEY = "coursekit_repairs"
MOST_REPAIRS = 30


def write_repairs(notebook: NotebookNode, repairs: Sequence[str]) -> None:
    """Write into a rebuilt notebook what was repaired; nothing of a student's stands there."""
    more = len(repairs) - MOST_REPAIRS
    said = [*repairs[:MOST_REPAIRS], *([f"and {more} more repairs"] if more > 0 else [])]
    if said:
        notebook.metadata[_KEY] = said


def take_repairs(notebook: NotebookNode) -> tuple[str, ...]:
    """Return what was repaired, and take it out of the notebook."""
    return tuple(notebook.metadata.pop(_KEY, ()))
