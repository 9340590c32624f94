"""An assignment's test cells, whole: visible checks, hidden tests and the solution."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode
from nbgrader import utils

from coursekit.course.assignment import Assignment, read_text
from coursekit.course.solution import solution_pieces
from coursekit.course.test_cells import TEST_CELL_PREFIX, compose

BLOCKS = "blocks.py"


def whole_test_cells(notebook: NotebookNode, assignment: Assignment) -> dict[str, str]:
    """Return the whole text of each test cell by its grade id.

    Args:
        notebook: the assignment's source notebook, solutions still in it.
        assignment: the assignment; its file ``NAME.py`` holds the hidden tests of the cell
            ``test_NAME``.

    Raises:
        AuthoringError: if a cell has hidden tests and no placeholder, or the reverse.

    """
    hidden = hidden_tests(assignment.tests)
    blocks = blocks_text(assignment.source.parent)
    solution = solution_pieces(notebook.cells)
    found = {}
    for cell in filter(is_test, notebook.cells):
        grade_id = cell.metadata.nbgrader["grade_id"]
        text = hidden.get(grade_id.removeprefix(TEST_CELL_PREFIX))
        found[grade_id] = compose(cell.source, text, solution, blocks)
    return found


def is_test(cell: NotebookNode) -> bool:
    """Whether a cell holds tests: it is graded, and students do not fill it in."""
    return bool(cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell))


def hidden_tests(tests: Path) -> dict[str, str]:
    """Return the text of each hidden test by the name of its file, without the ending."""
    return {path.stem: read_text(path) for path in sorted(tests.glob("*.py"))}


def blocks_text(source: Path) -> str:
    """Return the text of an assignment's ``blocks.py``; "" without one."""
    path = source / BLOCKS
    return read_text(path) if path.exists() else ""
