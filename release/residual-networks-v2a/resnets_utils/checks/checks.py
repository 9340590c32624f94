"""Named checks that carry points: what a test cell consists of.

A test cell reads::

    checks = Checks("softmax")
    with checks("values", points=2):
        checks.call(x=[1.0, 2.0, 3.0]).equals(tolerance=1e-6)
    checks.report()

or, for a function that draws a network::

    with checks("output shape", points=2):
        checks.trace((8, 8, 3), filters=[16, 32]).has_output_shape()

The same text runs in two places. In the student's notebook the function is called
there, and the report prints. In the judge the student's kernel makes the call, and
the results are taken from `judging`.
"""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from resnets_utils.answering import why_no_keras
from resnets_utils.border.call import VALUE, Call, as_arguments
from resnets_utils.border.difference import OTHER, Difference
from resnets_utils.border.reply import reason_of
from resnets_utils.checks.check_result import (
    AnswerRaised,
    CheckResult,
    ChecksNotPassed,
    NotAttempted,
    Outcome,
)
from resnets_utils.checks.judging import current_judging
from resnets_utils.checks.reference import Record
from resnets_utils.checks.value_checks import Returned

if TYPE_CHECKING:
    from resnets_utils.border.reply import Reply
    from resnets_utils.checks.network_checks import Answer

# By method, the modules that it needs; the first of them runs it. They are loaded when a
# check first calls the method, and released only where a check does, so that an exercise
# of plain values needs no Keras.
ON_DEMAND = {"trace": ["checks.network_calls", "graphs.tracing", "graphs.usual_settings"]}
# Of an error that ended a check; its class and a sentence.
MAX_WORDS = 300
# What a check's block may raise.
_OUTCOMES: dict[type[Exception], Outcome] = {
    AssertionError: Outcome.FAILED,
    AnswerRaised: Outcome.ERROR,
    NotAttempted: Outcome.NOT_ATTEMPTED,
}


class Checks:
    """The checks of one graded function.

    Args:
        function: the function's name in the notebook.

    """

    def __init__(self, function: str) -> None:
        self.function = function
        self._how = current_judging()
        self._networks: Any = None
        self._replies: dict[str, Reply] = {}
        self._first = len(self._how.results)
        self._hidden = False  # whether the check that runs is
        self._used: list[Answer] = []
        self._about_networks: list[int] = []  # places of the results that used one
        self._settings: ExitStack | None = None  # those in force until the check's end
        self.random = np.random.default_rng([self._how.salt, *function.encode()])

    def __call__(self, name: str, points: float) -> AbstractContextManager[None]:
        """Open a named check; it passes unless something is raised in its ``with`` block."""
        self._hidden = sys._getframe(1).f_lineno in self._how.hidden_lines
        return self._check(name, points)

    @contextmanager
    def _check(self, name: str, points: float) -> Iterator[None]:
        outcome, reason, difference = Outcome.PASSED, "", None
        self._used = []
        try:
            with ExitStack() as self._settings:
                yield
        except Exception as error:
            if not isinstance(error, tuple(_OUTCOMES)):
                # A mistake in the check, or an answer that it cannot handle: the judge finds out.
                if not self._how.guarded:
                    raise
                self._how.unexpected.append(error)
            outcome, reason, difference = outcome_of(error, tell=not self._hidden)
        finally:
            self._settings = None
        remarks = tuple(dict.fromkeys(remark for used in self._used for remark in used.remarks))
        signature = self._used[-1].signature if self._used and self._how.guarded else ""
        result = CheckResult(
            name, points, outcome, reason, remarks, self._hidden, difference, signature
        )
        self._how.results.append(result)
        if self._used:
            self._about_networks.append(len(self._how.results) - 1)
        if self._networks is not None and self._networks.untrue:
            self._take_back(self._networks.untrue)

    def _take_back(self, why: str) -> None:
        """Let no check pass that trusted the function's networks before one proved untrue."""
        for at in self._about_networks:
            result = self._how.results[at]
            if result.outcome is Outcome.PASSED:
                self._how.results[at] = replace(
                    result,
                    outcome=Outcome.FAILED,
                    reason=why,
                    remarks=(),
                    difference=Difference(OTHER, sentence=why),
                )

    def call(self, **arguments: Any) -> Returned:
        """Call the function; return its result, which has the methods of a check.

        Args:
            **arguments: the function's arguments, by name: numbers, texts, lists,
                tuples and dictionaries of these, and arrays.

        Raises:
            ValueError: if an argument is anything else.

        """
        call = Call(self.function, as_arguments(arguments), asks=VALUE)
        if call.key not in self._replies:
            self._replies[call.key] = self._how.tracer(call)
        return Returned(
            call,
            self._replies[call.key],
            lambda: self._how.reference.reply(call),
            reveal=lambda: not self._hidden,
            in_notebook=self._how.in_notebook,
        )

    def trace(
        self, shape: tuple[int, ...] | None = None, *, own_blocks: bool = False, **arguments: Any
    ) -> Answer:
        """Have the function draw its network; return it with the methods of a check.

        Args:
            shape: of the tensor to call it on, without the number of pictures: height,
                width and channels; None for a function that takes no tensor.
            own_blocks: let it use the student's own blocks, with their mistakes.
                Otherwise a function that is not itself a block gets correct ones.
            **arguments: the function's other arguments, by name; one of the library's
                initializers may be among them.

        Raises:
            AnswerRaised: if the function raised or is not defined.
            NotAttempted: if it still contains the placeholder.
            CheckFailed: if its network cannot be read.
            StudentError: if the record in this folder does not contain the call.

        """
        runs, _, settings = (f"resnets_utils.{module}" for module in ON_DEMAND["trace"])
        try:
            if self._how.in_notebook and self._settings is not None:
                # What is drawn is read and compared as in grading, whatever the notebook set.
                usual = importlib.import_module(settings)
                self._settings.enter_context(usual.usual_settings())
            needed = importlib.import_module(runs)
        except ImportError as error:
            raise AnswerRaised(why_no_keras(error)) from None
        if self._networks is None:
            self._networks = needed.NetworkChecks(self.function, self._how, lambda: self._hidden)
        answer: Answer = self._networks.trace(shape, own_blocks, arguments)
        self._used.append(answer)
        return answer

    @property
    def results(self) -> list[CheckResult]:
        """What the checks have found so far, in order."""
        return self._how.results[self._first :]

    def report(self) -> None:
        """Print what the checks found.

        Raises:
            ChecksNotPassed: in a notebook, if any check was not passed.
            StudentError: in a notebook, if this folder has no record that can be read.

        """
        if not self._how.in_notebook:
            return
        reference = self._how.reference
        known = reference.hidden_points if isinstance(reference, Record) else {}
        text = report(self.function, self.results, known.get(self.function, 0))
        print(printable(text, getattr(sys.stdout, "encoding", None) or "utf-8"))
        missed = [result for result in self.results if result.outcome is not Outcome.PASSED]
        if missed:
            said = f"{self.function}: {len(missed)} of {len(self.results)} checks not passed yet"
            # `nbgrader validate` shows the error alone, in narrow lines.
            validated = os.environ.get("NBGRADER_VALIDATING")
            why = f":\n\n{narrow(text)}" if validated else "; the list above says why."
            raise ChecksNotPassed(said + why)


def outcome_of(error: Exception, *, tell: bool) -> tuple[Outcome, str, Difference]:
    """Return how a check ended that raised, the reason, and the difference that it tells.

    Args:
        error: what it raised.
        tell: whether to repeat the words of an error that no check raises: they may hold
            what is expected.

    """
    for known, outcome in _OUTCOMES.items():
        if isinstance(error, known):
            reason = str(error) or "an assertion in the check failed"
            found = getattr(error, "difference", None)
            return outcome, reason, found or Difference(OTHER, sentence=reason)
    words = reason_of(error)[:MAX_WORDS] if tell else type(error).__name__
    reason = f"the check could not be finished with this answer ({words})"
    return Outcome.ERROR, reason, Difference(OTHER, sentence=reason)


def report(function: str, results: list[CheckResult], hidden_points: float) -> str:
    """Return the checks as a list in words, each with the reason why it was not passed.

    Args:
        function: the function that was checked.
        results: what its checks found.
        hidden_points: what further checks, which only grading makes, are worth together.

    """
    passed = [result for result in results if result.outcome is Outcome.PASSED]
    earned = sum(result.earned for result in results)
    points = sum(result.points for result in results)
    if results and all(result.outcome is Outcome.NOT_ATTEMPTED for result in results):
        head = f"{function}: not attempted yet, 0 of {_points(points)}"
    else:
        head = (
            f"{function}: {len(passed)} of {len(results)} checks passed, "
            f"{earned:g} of {_points(points)}"
        )
    lines = [head, ""]
    told: dict[str, str] = {}
    for result in results:
        lines.append(f"  {result.outcome.signed:<15}  {result.name} ({_points(result.points)})")
        if result.reason and result.reason in told:
            lines.append(f"      the same reason as for {told[result.reason]}")
        elif result.reason:
            lines.append(textwrap.indent(_wrapped(result.reason), "      "))
            told[result.reason] = result.name
        lines += [f"      note: {remark}" for remark in result.remarks]
    if hidden_points:
        more = f"Grading adds checks with other arguments, worth {_points(hidden_points)} more."
        lines += ["", more]
    return "\n".join(lines)


def _points(number: float) -> str:
    return f"{number:g} point{'' if number == 1 else 's'}"


def narrow(text: str, width: int = 80) -> str:
    """Return a text in lines of at most that many letters, each piece as far in as its line."""
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent=" " * (len(line) - len(line.lstrip())))
        for line in text.split("\n")
    )


def printable(text: str, encoding: str) -> str:
    """Return a text with the characters that an encoding lacks written in ASCII.

    Args:
        text: what is to be printed.
        encoding: the terminal's, which may not be UTF-8.

    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        signs = str.maketrans("✓✗–", "+x-")
        return text.translate(signs).encode(encoding, "backslashreplace").decode(encoding)
    return text


def _wrapped(reason: str) -> str:
    # Lines that are set in are code.
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, 84) for line in reason.split("\n")
    )
