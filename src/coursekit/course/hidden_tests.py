"""An assignment's test cells, whole: visible checks, hidden tests and the solution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode
from nbgrader import utils

from coursekit.course.solution import solution_pieces
from coursekit.course.test_cells import TEST_CELL_PREFIX, compose
from coursekit.errors import AuthoringError

BLOCKS = "blocks.py"


def whole_test_cells(notebook: NotebookNode, tests: Path, source: Path) -> dict[str, str]:
    """Return the whole text of each test cell by its grade id.

    Args:
        notebook: the source notebook, solutions still in it.
        tests: the folder of hidden tests, one file ``NAME.py`` for the cell ``test_NAME``.
        source: the assignment's source folder.

    Raises:
        AuthoringError: if a hidden test has no cell, or a cell's placeholder no hidden test.

    """
    hidden = hidden_tests(tests)
    blocks = blocks_text(source)
    solution = solution_pieces(notebook.cells)
    found = {}
    for cell in notebook.cells:
        if is_test(cell):
            grade_id = cell.metadata.nbgrader["grade_id"]
            text = hidden.pop(grade_id.removeprefix(TEST_CELL_PREFIX), None)
            try:
                found[grade_id] = compose(cell.source, text, solution, blocks)
            except AuthoringError as error:
                raise AuthoringError(f"cell {grade_id}: {error.message}", error.hint) from None
    if hidden:
        raise AuthoringError(
            f"there is no test cell for the hidden tests {', '.join(sorted(hidden))} in {tests}",
            f"name a test cell {TEST_CELL_PREFIX}{min(hidden)}, or remove the file",
        )
    return found


def is_test(cell: NotebookNode) -> bool:
    """Whether a cell holds tests: graded, and not the student's own to fill in."""
    return bool(cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell))


def hidden_tests(tests: Path) -> dict[str, str]:
    """Return the text of each hidden test by the name of its file, without the ending."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(tests.glob("*.py"))}


def blocks_text(source: Path) -> str:
    """Return what stands in an assignment's ``blocks.py``; "" if it has none."""
    path = source / BLOCKS
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def by_function(cells: Mapping[str, str]) -> dict[str, str]:
    """Return test cells by the name of what they test, as hidden tests are called."""
    return {grade_id.removeprefix(TEST_CELL_PREFIX): text for grade_id, text in cells.items()}
