"""Each mistake of a submission once, however many checks it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from coursekit.judge.verdict import CellVerdict
from resnets_utils.checks.check_result import CheckResult, Outcome

_LINE = re.compile(r" {4}line (\d+): (.*)")
_OPENING, _CLOSING = "([{", ")]}"
# What any other mistake in the function changes as well.
_FIGURES = re.compile(r"came back as |^the model has [\d,]+ parameters")
_BEGINNINGS = ("the ", "there ", "where ", "in ", "yours ")
_SHAPE = re.compile(r" with \w+ of shape \([^()]*\)")


@dataclass(frozen=True)
class CodeLine:
    """A line of the student's that a reason names: its number in its cell, and its text."""

    number: int
    text: str


@dataclass(frozen=True)
class Reason:
    """A reason, taken apart.

    Attributes:
        call: how the function was called; "" if the reason does not say it.
        what: what is wrong, without the call.
        lines: the student's lines that it names, the innermost last.
        more: its other lines.

    """

    call: str
    what: str
    lines: tuple[CodeLine, ...] = ()
    more: tuple[str, ...] = ()


@dataclass
class Mistake:
    """What one mistake did.

    Attributes:
        reason: the reason of the first check that it failed.
        figures: whether it shows in figures alone, which every other mistake changes as well.
        failed: the checks that it failed, with their cells.

    """

    reason: Reason
    figures: bool = False
    failed: list[tuple[CellVerdict, CheckResult]] = field(default_factory=list)

    @property
    def lost(self) -> float:
        """The points that it cost."""
        return sum(check.points for _, check in self.failed)

    @property
    def sentence(self) -> str:
        """What is wrong, as a sentence begins."""
        what = self.reason.what
        return what[:1].upper() + what[1:] if what.startswith(_BEGINNINGS) else what

    @property
    def functions(self) -> list[str]:
        """The functions that it was found in."""
        return list(dict.fromkeys(cell.function or cell.grade_id for cell, _ in self.failed))

    @property
    def by_outcome(self) -> dict[Outcome, list[CheckResult]]:
        """The checks that it failed, by how they ended."""
        found: dict[Outcome, list[CheckResult]] = {}
        for _, check in self.failed:
            found.setdefault(check.outcome, []).append(check)
        return found


def mistakes_in(cells: Iterable[CellVerdict]) -> list[Mistake]:
    """Return the mistakes that verdicts tell of, the dearest first, figures last."""
    found: dict[object, Mistake] = {}
    for cell in cells:
        for check in cell.checks:
            if check.outcome is Outcome.PASSED:
                continue
            reason = reason_in_parts(check.reason, cell.function)
            figures = check.outcome is Outcome.FAILED and bool(_FIGURES.search(reason.what))
            same = (cell.grade_id, "figures") if figures else _identity(cell, check, reason)
            mistake = found.setdefault(same, Mistake(reason, figures))
            mistake.failed.append((cell, check))
    return sorted(found.values(), key=lambda mistake: (mistake.figures, -mistake.lost))


def _identity(cell: CellVerdict, check: CheckResult, reason: Reason) -> object:
    """What is equal for two checks that one mistake fails."""
    if check.outcome in (Outcome.ERROR, Outcome.NOT_ATTEMPTED) and reason.lines:
        # Its words hold sizes, which differ from call to call; its place does not, and a block
        # that raises does so in the network, too.
        return reason.what.partition(":")[0], reason.lines[-1]
    # What is wrong; what the exercise asks for may depend on the call's arguments.
    return cell.grade_id, check.outcome, reason.what.partition(";")[0]


def reason_in_parts(text: str, function: str) -> Reason:
    """Take the reason of a check apart.

    Args:
        text: the reason, as the verdict holds it.
        function: the function that the check calls.

    """
    first, *others = text.split("\n")
    end = _end_of_call(first, function)
    call, what = first[:end], first[end + 2 :] if end else first
    matches = [(_LINE.fullmatch(line), line) for line in others if line.strip()]
    lines = tuple(CodeLine(int(found[1]), found[2]) for found, _ in matches if found)
    return Reason(call, what, lines, tuple(line for found, line in matches if not found))


def _end_of_call(text: str, function: str) -> int:
    """Where the colon behind a call is; 0 if the text does not begin with one."""
    if not function or not text.startswith(f"{function}("):
        return 0
    depth, quote, escaped = 0, "", False
    for place, letter in enumerate(text):
        if quote:
            quote = quote if letter != quote or escaped else ""
            escaped = letter == "\\" and not escaped
        elif letter in "'\"":
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
            if not depth:
                shape = _SHAPE.match(text, place + 1)
                end = shape.end() if shape else place + 1
                return end if text.startswith(": ", end) else 0
    return 0
