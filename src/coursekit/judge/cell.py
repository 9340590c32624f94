"""Run one test cell, and collect the results of its checks."""

from __future__ import annotations

import traceback
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from coursekit.course.test_cells import TestCell, take_apart
from coursekit.judge.verdict import MAX_ROUNDING, CellVerdict
from coursekit.plain_text import plain_text
from resnets_utils.answering import answer
from resnets_utils.border.call import Call
from resnets_utils.border.difference import Difference
from resnets_utils.border.reply import Reply, reason_of
from resnets_utils.checks.check_result import CheckResult, Outcome
from resnets_utils.checks.checks import MAX_WORDS, outcome_of
from resnets_utils.checks.judging import Judging, Tracer, judging
from resnets_utils.checks.reference import MAX_REFERENCES, Reference, Solution

_CELL = "<test cell>"
_SOLUTION = "<solution: "
MAX_REASON = 5_000
MAX_REMARKS = 20
MAX_PART = 500  # of a difference
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
    points: float | None = None,
    reference: Reference | None = None,
    sampled: bool = True,
    thorough: bool = False,
    networks: dict[str, Any] | None = None,
) -> CellVerdict:
    """Run a test cell on the answers that ``tracer`` gives.

    An error that no check raises is the answer's if the solution passes the same cell with
    the same salt; if not, it is the author's. So it does not matter where in the kit or in
    the cell it was raised.

    Args:
        source: the test cell's text as `compose` made it; it must be trusted.
        tracer: makes the calls that the checks ask for.
        salt: determines the random inputs.
        grade_id: the cell's name.
        points: what the cell is worth; None for what its checks are worth together.
        reference: what the exercise asks for; None for the solution in the cell.
        sampled: whether networks are tried on pictures, as untrusted ones must be.
        thorough: whether figures are computed even where the answer's graph equals
            the solution's.
        networks: what the test cells of one submission share; see `Judging`.

    Raises:
        TestCellFault: if the mistake is in the test cell or the solution, not in an answer.

    """
    cell = take_apart(source)
    how = Judging(
        tracer=tracer,
        given_reference=reference or solution_of(cell.solution, cell.blocks, salt),
        salt=salt,
        hidden_lines=cell.hidden,
        sampled=sampled,
        thorough=thorough,
        networks={} if networks is None else networks,
        guarded=True,
    )
    try:
        verdict = _run(cell, how, grade_id)
    except Exception as error:
        how.unexpected.append(error)
        verdict = CellVerdict(grade_id, "", tuple(how.results))
    other_points = points is not None and abs(verdict.points - points) > MAX_ROUNDING
    if not how.unexpected:
        if how.results and not (other_points and cell.solution):
            return verdict
        if not cell.solution:
            raise TestCellFault(f"{grade_id} holds no check")
    elif not cell.solution:
        raise _fault(how.unexpected[0], cell, grade_id) from how.unexpected[0]
    expected = judge_solution(source, salt, grade_id=grade_id)
    return expected.found_in(verdict.checks, *_not_reached(how.unexpected))


def _not_reached(errors: list[Exception]) -> tuple[Outcome, str]:
    """How the checks ended that a cell did not come to because of the answer."""
    # The words of a failed assertion may hold what a hidden check expects.
    if errors and not isinstance(errors[-1], AssertionError):
        outcome, reason, _ = outcome_of(errors[-1], tell=False)
        return outcome, reason
    return Outcome.FAILED, "the check was not reached with this answer"


def judge_solution(
    source: str,
    salt: int,
    *,
    grade_id: str = "the test cell",
    sampled: bool = False,
    networks: dict[str, Any] | None = None,
) -> CellVerdict:
    """Run a test cell on its own solution, which passes every check of a right cell.

    Args:
        source: as for `judge_cell`.
        salt: as for `judge_cell`.
        grade_id: as for `judge_cell`.
        sampled: whether its networks are tried, as those of submissions are.
        networks: as for `judge_cell`.

    Raises:
        TestCellFault: if it does not, or the cell raises: the mistake is the author's.

    """
    cell = take_apart(source)
    solution = solution_of(cell.solution, cell.blocks, salt)
    how = Judging(
        tracer=lambda call: answer(call, solution.namespace),
        given_reference=solution,
        salt=salt,
        hidden_lines=cell.hidden,
        sampled=sampled,
        networks={} if networks is None else networks,
    )
    try:
        verdict = _run(cell, how, grade_id)
    except Exception as error:
        raise _fault(error, cell, grade_id) from error
    missed = next((one for one in how.results if one.outcome is not Outcome.PASSED), None)
    if missed is not None:
        raise TestCellFault(
            f"the solution does not pass {missed.name!r} of {grade_id}: {missed.reason}",
            file=HIDDEN_TESTS if missed.hidden else NOTEBOOK,
        )
    if not how.results:
        raise TestCellFault(f"{grade_id} holds no check")
    return verdict


def _run(cell: TestCell, how: Judging, grade_id: str) -> CellVerdict:
    """Run a test cell; it may raise anything."""
    asked: list[str] = []
    tracer = how.tracer

    def remember(call: Call) -> Reply:
        asked.append(call.function)
        return tracer(call)

    how.tracer = remember
    with judging(how):
        exec(compile(cell.text, _CELL, "exec"), {"__name__": "__test_cell__"})
    return CellVerdict(grade_id, asked[0] if asked else "", tuple(map(_plain, how.results)))


def _plain(check: CheckResult) -> CheckResult:
    """A check's result whose words, which hold a student's, can be shown."""
    return replace(
        check,
        name=plain_text(check.name, MAX_REASON),
        reason=plain_text(check.reason, MAX_REASON),
        remarks=tuple(plain_text(remark, MAX_REASON) for remark in check.remarks[:MAX_REMARKS]),
        difference=check.difference and _plain_difference(check.difference),
    )


def _plain_difference(difference: Difference) -> Difference:
    words = {name: plain_text(text, MAX_PART) for name, text in asdict(difference).items()}
    return Difference(**words)


@lru_cache(maxsize=MAX_REFERENCES)
def solution_of(cells: tuple[tuple[str, str], ...], blocks: str, salt: int) -> Solution:
    """Return a solution; the test cells of a notebook share it, in gradings with one salt."""
    return Solution(cells, blocks)


def _fault(error: Exception, cell: TestCell, grade_id: str) -> TestCellFault:
    """An error's message, and the author's line that it came from."""
    said = SyntaxError(error.msg) if isinstance(error, SyntaxError) else error
    words = reason_of(said)[:MAX_WORDS]
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
