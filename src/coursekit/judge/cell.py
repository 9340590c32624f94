"""Run one test cell, and collect the results of its checks."""

from __future__ import annotations

import traceback
from functools import lru_cache

from coursekit.course.test_cells import TestCell, take_apart
from coursekit.judge.verdict import CellVerdict
from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply
from resnets_utils.checks.judging import Judging, Tracer, judging
from resnets_utils.checks.reference import Reference, Solution

_CELL = "<test cell>"
_SOLUTION = "<solution: "
HIDDEN_TESTS, BLOCKS, NOTEBOOK = "hidden tests", "blocks.py", "notebook"


class TestCellFault(Exception):
    """A mistake in a test cell or in the solution in it; the message says what and where.

    Attributes:
        file: what the author finds the place in: HIDDEN_TESTS, BLOCKS or NOTEBOOK.

    """

    __test__ = False  # pytest must not collect it

    def __init__(self, message: str, *, file: str = NOTEBOOK) -> None:
        super().__init__(message)
        self.file = file


def judge_cell(
    source: str,
    tracer: Tracer,
    salt: int,
    *,
    grade_id: str = "the test cell",
    reference: Reference | None = None,
    sampled: bool = True,
    thorough: bool = False,
) -> CellVerdict:
    """Run a test cell on the answers that ``tracer`` gives.

    Args:
        source: the test cell's text as `compose` made it; it must be trusted.
        tracer: makes the calls that the checks ask for.
        salt: determines the random inputs.
        grade_id: the cell's name.
        reference: what the exercise asks for; None for the solution in the cell.
        sampled: whether networks are tried on pictures, as untrusted ones must be.
        thorough: whether figures are computed even where the answer's graph equals
            the solution's.

    Raises:
        TestCellFault: if the test cell itself raises: the mistake is in the test or
            the solution, never in an answer.

    """
    cell = take_apart(source)
    asked: list[str] = []

    def remember(call: Call) -> Reply:
        asked.append(call.function)
        return tracer(call)

    how = Judging(
        tracer=remember,
        given_reference=reference or solution_of(cell.solution, cell.blocks),
        salt=salt,
        hidden_lines=cell.hidden,
        sampled=sampled,
        thorough=thorough,
    )
    try:
        with judging(how):
            exec(compile(source, _CELL, "exec"), {"__name__": "__test_cell__"})
    except Exception as error:
        raise _fault(error, cell, grade_id) from error
    if not how.results:
        raise TestCellFault(f"{grade_id} holds no check")
    return CellVerdict(grade_id, asked[0] if asked else "", tuple(how.results))


@lru_cache(maxsize=4)
def solution_of(cells: tuple[tuple[str, str], ...], blocks: str) -> Solution:
    """Return a solution; the test cells of a notebook share it."""
    return Solution(cells, blocks)


def _fault(error: Exception, cell: TestCell, grade_id: str) -> TestCellFault:
    """An error's message, and the author's line that it came from."""
    said = error.msg if isinstance(error, SyntaxError) else error
    words = f"{type(error).__name__}: {said}"
    for name, number in reversed(_lines(error)):
        if name == _CELL:
            where = cell.line_in_words(number, grade_id)
            file = HIDDEN_TESTS if number in cell.hidden else NOTEBOOK
            return TestCellFault(f"{words}, {where}", file=file)
        if name.startswith(_SOLUTION):
            cell_name = name[len(_SOLUTION) : -1]
            return TestCellFault(f"{words}, line {number} of the solution's {cell_name}")
        if name == BLOCKS:
            return TestCellFault(f"{words}, line {number} of {BLOCKS}", file=BLOCKS)
    return TestCellFault(f"{words}, in {grade_id}")


def _lines(error: Exception) -> list[tuple[str, int]]:
    """The files and lines of an error's traceback, the innermost last."""
    found = [
        (frame.f_code.co_filename, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        found.append((error.filename, error.lineno))
    return found
