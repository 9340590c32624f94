"""How a check ended, and what may end it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from resnets_utils.border.call import Call
    from resnets_utils.border.reply import Reply


class Outcome(str, Enum):
    """How a check ended."""

    __str__ = str.__str__  # as StrEnum has it, which Python 3.10 lacks

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


class CheckFailed(AssertionError):
    """The answer is not what the exercise asks for; the message says how."""


class AnswerRaised(Exception):
    """The student's function raised, or is not there."""


class NotAttempted(Exception):
    """The student's function still holds a placeholder."""


class ChecksNotPassed(Exception):
    """Some check of a cell was not passed; the report above it says which."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback, which would only show our code.
        return [str(self)]


def raise_what_happened(call: Call, reply: Reply, *, in_notebook: bool, more: str = "") -> NoReturn:
    """Raise what a reply says of a function that gave no result.

    Args:
        call: how the function was called.
        reply: the reply to it, of a status that is no result.
        in_notebook: whether the checks run in a student's notebook.
        more: what else is to be said after an error.

    Raises:
        NotAttempted: if the placeholder still stands.
        AnswerRaised: if the function raised or is not defined.

    """
    reason, lines = reply.get("reason", ""), reply.get("lines", "")
    told = textwrap.indent("\n" + lines, "    ") if lines else ""
    if reply["status"] == "placeholder":
        raise NotAttempted(f"{reason}{told}")
    if reply["status"] == "undefined":
        raise AnswerRaised(f"{reason}; run its cell first" if in_notebook else reason)
    raise AnswerRaised(f"{call}: {reason}{told}{more}")
