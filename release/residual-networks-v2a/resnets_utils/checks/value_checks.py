"""What a graded function returned for one call, and what a check may ask of it.

The result is plain data (see `plain_data`): a number, a text, a list, a tuple or a
dictionary of these, or an array. It is compared with what the solution returns for
the same arguments, or with figures that the check writes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from resnets_utils.border.call import Call
from resnets_utils.border.decoding import decode
from resnets_utils.border.difference import SHAPE, VALUE, Difference
from resnets_utils.border.plain_data import NotPlainData
from resnets_utils.border.reply import Reply
from resnets_utils.border.value_differences import (
    dtype_of,
    first_difference_of_values,
    shape_of,
)
from resnets_utils.border.value_text import show
from resnets_utils.checks.check_result import CheckFailed, raise_what_happened
from resnets_utils.checks.reference import damaged_record

_SOLUTIONS: Any = object()  # "what the solution returns": None can be an expected result


@dataclass(frozen=True, eq=False)
class Returned:
    """What one call of a graded function returned, and what a check may ask of it.

    Attributes:
        call: how the function was called.
        reply: the reply to the call.
        right_reply: gives the solution's reply to the same call.
        reveal: whether a reason may tell what is expected.
        in_notebook: whether the check runs in a student's notebook.

    """

    call: Call
    reply: Reply
    right_reply: Callable[[], Reply]
    reveal: Callable[[], bool]
    in_notebook: bool

    @property
    def value(self) -> Any:
        """The result, as data.

        Raises:
            NotAttempted: if the function still contains the placeholder.
            AnswerRaised: if it raised or is not defined.
            CheckFailed: if the reply does not contain plain data.

        """
        if self.reply["status"] != "value":
            raise_what_happened(self.call, self.reply, in_notebook=self.in_notebook)
        try:
            return decode(json.loads(self.reply["value"]))
        except (NotPlainData, ValueError, RecursionError, KeyError) as error:
            raise CheckFailed(f"{self.call}: its result cannot be read ({error})") from None

    @property
    def _right(self) -> Any:
        """What the solution returns; it is the author's mistake if that fails."""
        reply = self.right_reply()
        if reply["status"] != "value":
            raise ValueError(f"the solution fails: {self.call}: {reply.get('reason', '')}")
        try:
            return decode(json.loads(reply["value"]))
        except (NotPlainData, ValueError, KeyError, RecursionError) as error:
            raise damaged_record(self.call, error) from None

    def equals(self, expected: Any = _SOLUTIONS, *, tolerance: float = 0.0) -> None:
        """Ask for a result.

        Args:
            expected: the result; left out, it is what the solution returns for the
                same arguments.
            tolerance: how far a number may be off, as a share of its size where
                that is above 1: ``|got - expected| <= tolerance * max(1, |expected|)``.

        """
        right = self._right if expected is _SOLUTIONS else expected
        got, reveal = self.value, self.reveal()
        found = first_difference_of_values(got, right, tolerance, reveal=reveal)
        if found:
            told = f"; the exercise asks for {show(right)}" if reveal else ""
            raise CheckFailed(
                f"{self.call} returned {show(got)}{told}\n{found}",
                Difference(VALUE, "the result", "value", sentence="it returns another result"),
            )

    def has_shape(self) -> None:
        """Ask for the shape that the solution's result has; of several results, for each."""
        self._compare("shape", shape_of)

    def has_dtype(self) -> None:
        """Ask for the dtype that the solution's result has; of several results, for each."""
        self._compare("dtype", dtype_of)

    def _compare(self, what: str, of: Callable[[Any], Any]) -> None:
        right = of(self._right)
        value = self.value
        got = of(value)
        if got != right:
            has = "no" if got is None else "the"
            found = f"which has {has} {what}{f' {got}' if got is not None else ''}"
            if isinstance(got, list) and not isinstance(right, list):
                found = "which is not one array or number"
            told = f"; the exercise asks for {right}" if self.reveal() else ""
            raise CheckFailed(
                f"{self.call} returned {show(value)}, {found}{told}",
                Difference(SHAPE, "the result", what, sentence=f"its result has another {what}"),
            )

    def raises(self, error: type[BaseException]) -> None:
        """Ask for an error of a class, or of one that derives from it."""
        asked = f"the exercise asks for a {error.__name__} here"
        if self.reply["status"] == "raised":
            if error.__name__ in self.reply.get("classes", "").split():
                return
            more = f"\n{asked}" if self.reveal() else ""
            raise_what_happened(self.call, self.reply, in_notebook=self.in_notebook, more=more)
        told = f"; {asked}" if self.reveal() else ", which is not what the exercise asks for"
        sentence = "it returns a result where an error is asked for"
        raise CheckFailed(
            f"{self.call} returned {show(self.value)}{told}",
            Difference(VALUE, "the result", "error", sentence=sentence),
        )
