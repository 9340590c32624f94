"""How a class did in each check, and which checks an instructor should look at."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coursekit.class_scores import CHECK, ClassScores, Line, StudentScore
from coursekit.reporting.anonymity import without_few
from resnets_utils.checks.check_result import Outcome

# A correlation of fewer pairs says little.
FEWEST_TO_CORRELATE = 20
_NEARLY_NOBODY = 0.1
_AGAINST = -0.1
_UNRELATED = 0.1


@dataclass(frozen=True)
class CheckFigures:
    """One check.

    Attributes:
        function: the function that it is about, or its test cell.
        name: its name; with a number if the cell has several of this name.
        hidden: whether it belongs to the hidden tests.
        points: what it is worth.
        outcomes: how many ended in each way.
        points_lost: what the class lost in it.
        correlation: of passing it with the rest of the score; None if that cannot be said.
        remarks: what to look at, in words.

    """

    function: str
    name: str
    hidden: bool
    points: float
    outcomes: Mapping[Outcome, int]
    points_lost: float
    correlation: float | None
    remarks: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many answers it looked at."""
        return sum(self.outcomes.values())

    @property
    def passed(self) -> float:
        """The share that passed it."""
        return self.outcomes[Outcome.PASSED] / self.count


def check_figures(scores: ClassScores, *, anonymous: bool = False) -> list[CheckFigures]:
    """Return figures about every check, those first in which the class lost most points."""
    found: dict[tuple[object, ...], list[tuple[StudentScore, Line]]] = {}
    for one in scores.students:
        for line in one.lines:
            if line.kind == CHECK:
                key = (line.notebook, line.cell, line.name, line.number)
                found.setdefault(key, []).append((one, line))
    figures = [_figures(lines, anonymous=anonymous) for lines in found.values()]
    return sorted(figures, key=lambda one: -one.points_lost)


def _figures(found: list[tuple[StudentScore, Line]], *, anonymous: bool) -> CheckFigures:
    line = found[-1][1]
    counts = Counter(one.outcome for _, one in found)
    outcomes = {outcome: counts[outcome] for outcome in Outcome}
    outcomes = without_few(outcomes) if anonymous else outcomes
    passed, count = outcomes[Outcome.PASSED], len(found)
    # The rest of the score decides nothing that is shown to a class.
    related = None if anonymous else _correlation(found)
    return CheckFigures(
        line.function or line.cell,
        f"{line.name} ({line.number + 1})" if line.number else line.name,
        line.hidden,
        line.points,
        outcomes,
        line.points * (count - passed),
        related,
        tuple(_remarks(passed / count, count, related)),
    )


def _correlation(found: Iterable[tuple[StudentScore, Line]]) -> float | None:
    """The correlation of passing a check with the rest of the score."""
    passed, rest = [], []
    for one, line in found:
        if one.raw_score is not None and line.earned is not None:
            passed.append(float(line.outcome is Outcome.PASSED))
            rest.append(one.raw_score - line.earned)
    if len(passed) < FEWEST_TO_CORRELATE or len(set(passed)) < 2 or len(set(rest)) < 2:
        return None
    return statistics.correlation(passed, rest)


def _remarks(passed: float, count: int, correlation: float | None) -> Iterable[str]:
    if passed == 1:
        yield "everybody passes: it tells nobody apart"
    elif count >= FEWEST_TO_CORRELATE and passed <= _NEARLY_NOBODY:
        yield "nearly nobody passes: look at the task and at the check"
    if correlation is not None and correlation <= _AGAINST:
        yield "better students fail it more often: look at the check"
    elif correlation is not None and correlation < _UNRELATED:
        yield "hardly related to the rest of the score"
