"""Judge an answer of our own in this very process, without a kernel."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from functools import cache
from typing import Any

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.hidden_tests import whole_test_cells
from coursekit.course.solution import solution_pieces
from coursekit.course.test_cells import TEST_CELL_PREFIX
from coursekit.judge.cell import judge_cell
from coursekit.judge.verdict import CellVerdict
from resnets_utils.answering import answer


def judge_in_process(
    test: str, cells: list[str], salt: int, *, sampled: bool = False
) -> CellVerdict:
    """Run a notebook's code cells here, in order, and judge what they define.

    Args:
        test: the test cell's text, hidden tests included.
        cells: the cells. They run with this process's rights: never a student's.
        salt: settles the random inputs.
        sampled: whether networks are tried on pictures: it costs as much as the rest.

    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, source in enumerate(cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            exec(compile(source, name, "exec"), namespace)
        except Exception:
            continue  # as in a notebook: a cell that fails defines nothing
    return judge_cell(test, lambda call: answer(call, namespace), salt, sampled=sampled)


def full_test_cells(assignment: Assignment) -> dict[str, str]:
    """The whole text of each test cell by what it tests: see `whole_test_cells`."""
    whole = whole_test_cells(read_notebook(assignment.source), assignment)
    return {grade_id.removeprefix(TEST_CELL_PREFIX): text for grade_id, text in whole.items()}


def answer_cells(assignment: Assignment, answers: Mapping[str, str]) -> list[str]:
    """The code that a student's functions come from: the solution's, answers in place."""
    return [answers.get(name, text) for name, text in _pieces(assignment)]


@cache
def _pieces(assignment: Assignment) -> list[tuple[str, str]]:
    return solution_pieces(read_notebook(assignment.source).cells)
