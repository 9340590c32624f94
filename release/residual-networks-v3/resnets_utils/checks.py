"""Named checks that carry points: the words of a test cell.

A test cell reads::

    checks = Checks("identity_block")
    with checks("output shape", points=2):
        checks.trace((4, 4, 6), f=2, filters=[2, 4, 6], stage=1, block="a").has_output_shape()
    checks.report()

The same text runs in two places. In the student's notebook the trace calls the
function there, and the report prints. In the judge the trace comes from the
student's kernel, and the results are taken from `judging`.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Any

import numpy as np

from resnets_utils.answers import Answer, CheckFailed
from resnets_utils.graph import Graph
from resnets_utils.layers import GraphRefused
from resnets_utils.reading import read_graph
from resnets_utils.sampling import agrees
from resnets_utils.tensorflow2 import INITIALIZERS
from resnets_utils.tracing import Call, notebook_namespace, trace


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    NOT_ATTEMPTED = "not attempted"


SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.ERROR: "!",
    Outcome.NOT_ATTEMPTED: "–",
}


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        name: the check's name.
        points: what it is worth.
        outcome: how it ended.
        reason: why it was not passed, in words; "" if it was.
        remarks: what is worth saying and costs nothing.

    """

    name: str
    points: float
    outcome: Outcome
    reason: str = ""
    remarks: tuple[str, ...] = ()


class AnswerRaised(Exception):
    """The student's function raised, or is not there."""


class NotAttempted(Exception):
    """The student's function still holds a placeholder."""


class ChecksNotPassed(Exception):
    """Some check of a cell was not passed; the report above it says which."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback, which would only show our code.
        return [str(self)]


# The salt itself stays with the judge.
_SAMPLES = 1_000_003
Tracer = Callable[[Call], dict[str, str]]


def _trace_here(call: Call) -> dict[str, str]:
    return trace(call, notebook_namespace())


@dataclass
class Judging:
    """How checks run under a judge: where traces come from, and what stays hidden.

    Attributes:
        tracer: makes the calls.
        salt: settles random inputs and weights; unknown to the student beforehand.
        hidden_lines: lines of the test cell that students never see. What
            fails there is told without the expected figures.
        results: filled as the checks run.
        sampled: whether a network is tried on pictures; see `sampling`.

    """

    tracer: Tracer = _trace_here
    salt: int = field(default_factory=lambda: secrets.randbits(63))
    hidden_lines: Collection[int] = ()
    results: list[CheckResult] = field(default_factory=list)
    sampled: bool = True
    in_notebook: bool = False


_judging: ContextVar[Judging | None] = ContextVar("judging", default=None)


@contextlib.contextmanager
def judging(how: Judging) -> Iterator[Judging]:
    """Run the checks made inside under ``how``."""
    token = _judging.set(how)
    try:
        yield how
    finally:
        _judging.reset(token)


class Checks:
    """The checks of one graded function.

    Args:
        function: the function's name in the notebook.
        version: the exercise's version, which settles what the function is
            called with and what it should draw.

    """

    def __init__(self, function: str, version: str = "v2a") -> None:
        self.function = function
        self.version = version
        self._how = _judging.get() or Judging(in_notebook=True)
        self._answers: dict[str, Answer | Exception] = {}
        self._first = len(self._how.results)
        self._line = 0
        self._used: list[Answer] = []
        self._tried = not self._how.sampled
        self._untrue = ""  # why none of the function's networks is believed
        self.random = np.random.default_rng([self._how.salt, len(function)])

    def __call__(self, name: str, points: float) -> _Check:
        """Open a named check; what is asserted in its ``with`` block decides it."""
        self._line = sys._getframe(1).f_lineno
        self._used = []
        return _Check(self, name, points)

    def trace(
        self, shape: tuple[int, ...] | None = None, *, own_blocks: bool = False, **arguments: Any
    ) -> Answer:
        """Call the function and return what it drew.

        Args:
            shape: height, width and channels of the tensor to call it on.
            own_blocks: let a function that takes no tensor use the student's
                own blocks, mistakes and all; otherwise it meets flawless ones.
            **arguments: the function's other arguments, by name; ``initializer``
                is one of those in `tensorflow2`.

        Raises:
            AnswerRaised: if the function raised or is not defined.
            NotAttempted: if it still holds a placeholder.
            CheckFailed: if what it drew is beyond this exercise.

        """
        if "initializer" in arguments:
            arguments["initializer"] = _name_of(arguments["initializer"])
        call = Call(self.function, arguments, shape, own_blocks or shape is not None, self.version)
        key = repr(call)
        if key not in self._answers:
            try:
                self._answers[key] = self._answer(call)
            except (AnswerRaised, NotAttempted, CheckFailed) as error:
                self._answers[key] = error
        if self._untrue:
            raise CheckFailed(self._untrue)
        answer = self._answers[key]
        if isinstance(answer, Exception):
            raise answer
        self._used.append(answer)
        return answer

    def _answer(self, call: Call) -> Answer:
        # One network is tried, of the first that cost little: with the student's
        # own blocks, ResNet-50 takes seconds.
        if not self._tried and (call.shape is not None or not call.own_blocks):
            call = replace(call, sample=self._how.salt % _SAMPLES)
        reply = self._how.tracer(call)
        status, reason = reply["status"], reply.get("reason", "")
        if status == "graph":
            try:
                graph = read_graph(reply["graph"], stand_ins=not call.own_blocks)
            except GraphRefused as error:
                explained = self._explained(call, error.graph)
                raise CheckFailed(f"{call}: {error}{explained}") from None
            if call.sample is not None:
                self._tried = True
                if not agrees(reply.get("values", ""), graph, call.sample):
                    self._untrue = (
                        f"{call}: called with pictures, it ended in {reason}"
                        if reason
                        else f"{call}: its layers compute something else than they say; use "
                        "Keras's layers and functions as they are, and do not set or train weights"
                    )
            return Answer(call, graph, self._how.salt, reveal=lambda: not self._hidden)
        lines = reply.get("lines", "")
        told = textwrap.indent("\n" + lines, "    ") if lines else ""
        if status == "placeholder":
            raise NotAttempted(f"{reason}{told}")
        if status == "undefined":
            raise AnswerRaised(f"{reason}; run its cell first" if self._how.in_notebook else reason)
        explained = self._explained(call, _drawn_so_far(reply))
        raise AnswerRaised(f"{call}: {reason}{told}{explained}")

    def _explained(self, call: Call, graph: Graph | None) -> str:
        """The first difference in what was drawn before an error, on a line of its own."""
        if graph is None:
            return ""
        found = Answer(call, graph, self._how.salt, reveal=lambda: False).first_difference_so_far()
        return f"\nbefore that, {found}" if found else ""

    @property
    def _hidden(self) -> bool:
        return self._line in self._how.hidden_lines

    def _record(self, result: CheckResult) -> None:
        self._how.results.append(result)

    @property
    def results(self) -> list[CheckResult]:
        """What the checks have found so far, in order."""
        return self._how.results[self._first :]

    def report(self) -> None:
        """Print what the checks found.

        Raises:
            ChecksNotPassed: in a notebook, if any check was not passed.

        """
        if not self._how.in_notebook:
            return
        print(report(self.function, self.results))
        missed = [result for result in self.results if result.outcome is not Outcome.PASSED]
        if missed:
            raise ChecksNotPassed(
                f"{self.function}: {len(missed)} of {len(self.results)} checks not passed yet; "
                "the list above says why."
            )


def _drawn_so_far(reply: dict[str, str]) -> Graph | None:
    """The graph that was drawn before an error, if it can be read."""
    if "graph" not in reply:
        return None
    try:
        return read_graph(reply["graph"])
    except GraphRefused as error:
        return error.graph


def _name_of(initializer: Callable[..., Any]) -> str:
    """The name that a call is told an initializer by: only data goes to the student's kernel."""
    for name, known in INITIALIZERS.items():
        if known is initializer:
            return name
    raise ValueError(f"a check can hand over {', '.join(INITIALIZERS)}, not {initializer!r}")


class _Check:
    """One named check; its ``with`` block passes unless something is raised in it."""

    def __init__(self, checks: Checks, name: str, points: float) -> None:
        self._checks, self._name, self._points = checks, name, points

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        found: TracebackType | None,
    ) -> bool:
        outcomes = {
            AssertionError: Outcome.FAILED,
            AnswerRaised: Outcome.ERROR,
            NotAttempted: Outcome.NOT_ATTEMPTED,
        }
        outcome = Outcome.PASSED
        if error is not None:
            outcomes_found = [to for known, to in outcomes.items() if isinstance(error, known)]
            if not outcomes_found:
                return False  # a mistake in the check itself, which nobody's score may pay for
            outcome = outcomes_found[0]
        remarks = tuple(
            dict.fromkeys(remark for answer in self._checks._used for remark in answer.remarks)
        )
        reason = "" if error is None else str(error) or "an assertion of the check does not hold"
        self._checks._record(CheckResult(self._name, self._points, outcome, reason, remarks))
        return True


def report(function: str, results: list[CheckResult]) -> str:
    """Return the checks as a list in words, one line each and a reason where one is due."""
    passed = [result for result in results if result.outcome is Outcome.PASSED]
    if results and all(result.outcome is Outcome.NOT_ATTEMPTED for result in results):
        head = f"{function}: not attempted yet"
    else:
        head = f"{function}: {len(passed)} of {len(results)} checks passed"
    lines = [head, ""]
    told: set[str] = set()
    for result in results:
        lines.append(f"  {SIGNS[result.outcome]} {result.outcome:<13}  {result.name}")
        if result.reason and result.reason in told:
            lines.append("      the same reason as above")
        elif result.reason:
            lines.append(textwrap.indent(_wrapped(result.reason), "      "))
            told.add(result.reason)
        lines += [f"      note: {remark}" for remark in result.remarks]
    return "\n".join(lines)


def _wrapped(reason: str) -> str:
    first, *rest = reason.split("\n")
    return "\n".join([*textwrap.wrap(first, 84), *rest])
