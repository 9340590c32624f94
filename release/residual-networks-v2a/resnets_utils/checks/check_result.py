"""How a check ended, and what may end it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NoReturn

from resnets_utils.border.difference import NOT_ATTEMPTED, RAISED, Difference

if TYPE_CHECKING:
    from resnets_utils.border.call import Call
    from resnets_utils.border.reply import Reply


class Outcome(str, Enum):
    """How a check ended: a word and a sign, the gravest last.

    A failure of grading itself has no outcome: it is raised and gives no score.

    Attributes:
        sign: one character that stands before the word.

    """

    sign: str

    PASSED = "passed", "✓"
    NOT_ATTEMPTED = "not attempted", "–"
    FAILED = "failed", "✗"
    ERROR = "error", "!"

    def __new__(cls, word: str, sign: str = "") -> Outcome:
        """Make an outcome of its word; the sign belongs to it."""
        outcome = str.__new__(cls, word)
        outcome._value_ = word
        outcome.sign = sign
        return outcome

    def __str__(self) -> str:
        return str.__str__(self)

    @property
    def signed(self) -> str:
        """The sign and the word: no outcome is shown by color alone."""
        return f"{self.sign} {self}"


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        name: the check's name.
        points: what it is worth.
        outcome: how it ended.
        reason: why it was not passed, in words; "" if it was.
        remarks: what is worth saying and costs nothing.
        hidden: whether the check belongs to the hidden tests, which students never see.
        difference: how the answer differs, as data; None if the check was passed.
        signature: a digest of the layers that the answer drew, equal for equal answers to
            equal calls; "" if it drew none.

    """

    name: str
    points: float
    outcome: Outcome
    reason: str = ""
    remarks: tuple[str, ...] = ()
    hidden: bool = False
    difference: Difference | None = None
    signature: str = ""

    @property
    def earned(self) -> float:
        """The points that the answer earned."""
        return self.points if self.outcome is Outcome.PASSED else 0


class _NotPassed(Exception):
    """A check was not passed.

    Args:
        message: the reason.
        difference: the same as data.

    """

    def __init__(self, message: str, difference: Difference | None = None) -> None:
        super().__init__(message)
        self.difference = difference


class CheckFailed(_NotPassed, AssertionError):
    """The answer is not what the exercise asks for; the message says how."""


class AnswerRaised(_NotPassed):
    """The student's function raised, or is not defined."""


class NotAttempted(Exception):
    """The student's function still contains the placeholder."""

    difference = Difference(NOT_ATTEMPTED, sentence="the placeholder is still there")


class ChecksNotPassed(Exception):
    """Not all checks of a cell were passed; the report above the message says which."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback, which would show only our code.
        return [str(self)]


def raise_what_happened(
    call: Call,
    reply: Reply,
    *,
    in_notebook: bool,
    more: str = "",
    cause: Difference | None = None,
) -> NoReturn:
    """Raise what a reply says about a function that gave no result.

    Args:
        call: how the function was called.
        reply: the reply to the call; its status means that there is no result.
        in_notebook: whether the checks run in a student's notebook.
        more: text to add after an error.
        cause: what differed before the error came, if that is known.

    Raises:
        NotAttempted: if the function still contains the placeholder.
        AnswerRaised: if the function raised or is not defined.

    """
    reason, lines = reply.get("reason", ""), reply.get("lines", "")
    told = textwrap.indent("\n" + lines, "    ") if lines else ""
    if reply["status"] == "placeholder":
        raise NotAttempted(f"{reason}{told}")
    if reply["status"] == "undefined":
        words = f"{reason}; run its cell first" if in_notebook else reason
        raise AnswerRaised(words, Difference(RAISED, sentence=reason))
    line = lines.splitlines()[-1].strip().partition(": ")[2] if lines else ""
    name = reply.get("classes", "").partition(" ")[0]
    # Numbers in its words are those of one call.
    sentence = f"{name} at: {line}" if name and line else reason.partition("\n")[0]
    difference = cause or Difference(RAISED, line, name, sentence=sentence)
    raise AnswerRaised(f"{call}: {reason}{told}{more}", difference)
