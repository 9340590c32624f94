"""Fill in a released notebook like a student."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.normal_form import notebook_text


def fill_in(
    release: NotebookNode,
    answers: Mapping[str, str],
    *,
    first: Sequence[str] = (),
    last: Sequence[str] = (),
    graded_only: bool = False,
) -> NotebookNode:
    """Return a copy of a released notebook with answers in its solution cells.

    Args:
        release: the released notebook.
        answers: text by grade id; cells not named stay as released.
        first: code cells that the student adds before all others.
        last: code cells that the student adds after all others.
        graded_only: leave out what follows the last test cell, like a student who
            hands in before training.

    """
    notebook = copy.deepcopy(release)
    cells = cells_by_grade_id(notebook)
    for grade_id, text in answers.items():
        cells[grade_id].source = text
    if graded_only:
        tests = [
            place
            for place, cell in enumerate(notebook.cells)
            if cell.metadata.get("nbgrader", {}).get("grade")
        ]
        del notebook.cells[max(tests) + 1 :]
    notebook.cells[:0] = [new_code_cell(text) for text in first]
    notebook.cells += [new_code_cell(text) for text in last]
    return notebook


def submit(assignment: Assignment, student: str, notebook: NotebookNode) -> Path:
    """Write a notebook where nbgrader expects the student's submission; return its path."""
    folder = assignment.course / "submitted" / student / assignment.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assignment.notebook}.ipynb"
    path.write_text(notebook_text(notebook), encoding="utf-8")
    return path


def released(assignment: Assignment) -> NotebookNode:
    """Return the released notebook."""
    return read_notebook(assignment.release)
