"""One submission before and after tests changed: its scores and its checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coursekit.judge.verdict import NotebookVerdict
from resnets_utils.checks.check_result import CheckResult


@dataclass(frozen=True)
class CheckChange:
    """A check with another result than before.

    Attributes:
        grade_id: the test cell's name.
        name: the check's name.
        before: its result before; None if the check is new.
        after: its result now; None if the check is gone.

    """

    grade_id: str
    name: str
    before: CheckResult | None
    after: CheckResult | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.name}: a new check, {_said(self.after)}"
        if self.after is None:
            return f"{self.name}: removed, it was {_said(self.before)}"
        return f"{self.name}: {_said(self.before)} -> {_said(self.after)}"


@dataclass(frozen=True)
class Comparison:
    """One submission, graded before and now.

    Attributes:
        student: the student's id.
        before: the gradebook's automatic scores by test cell.
        after: today's.
        old: the earlier verdict.
        new: today's.

    """

    student: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    old: NotebookVerdict
    new: NotebookVerdict

    @property
    def checks(self) -> tuple[CheckChange, ...]:
        """The checks with another result."""
        return _check_changes(self.old, self.new)

    @property
    def score_changes(self) -> bool:
        """Whether a test cell's score changes."""
        return dict(self.before) != dict(self.after)

    @property
    def difference(self) -> float:
        """The change of the sum of the scores."""
        return sum(self.after.values()) - sum(self.before.values())


def _check_changes(old: NotebookVerdict, new: NotebookVerdict) -> tuple[CheckChange, ...]:
    """The checks whose outcome or points differ; the wording of a reason does not count."""
    earlier, today = _checks(old), _checks(new)
    found = []
    for key in [*earlier, *(key for key in today if key not in earlier)]:
        before, after = earlier.get(key), today.get(key)
        if before is None or after is None or _said(before) != _said(after):
            found.append(CheckChange(key[0], key[1], before, after))
    return tuple(found)


def _checks(verdict: NotebookVerdict) -> dict[tuple[str, str, int], CheckResult]:
    """The checks by test cell, name, and a number for checks of the same name."""
    found: dict[tuple[str, str, int], CheckResult] = {}
    for cell in verdict.cells:
        for check in cell.checks:
            number = sum(key[:2] == (cell.grade_id, check.name) for key in found)
            found[cell.grade_id, check.name, number] = check
    return found


def _said(check: CheckResult | None) -> str:
    assert check is not None
    return f"{check.outcome.signed} {check.earned:g}/{check.points:g}"
