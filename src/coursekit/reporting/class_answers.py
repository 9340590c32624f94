"""What a class answered, function by function, from the verdicts that its scores are from."""

from __future__ import annotations

from dataclasses import dataclass

from coursekit.class_scores import CHECK, ClassScores
from resnets_utils.checks.check_result import CheckResult, Outcome


@dataclass(frozen=True)
class Answer:
    """A student's answer to one function.

    Attributes:
        student: the student's id.
        notebook: the notebook that it is in.
        function: the function; the test cell's name if its checks call no function.
        checks: what its checks found, in order.

    """

    student: str
    notebook: str
    function: str
    checks: tuple[CheckResult, ...]

    @property
    def lost(self) -> tuple[CheckResult, ...]:
        """The checks that it did not pass."""
        return tuple(check for check in self.checks if check.outcome is not Outcome.PASSED)

    @property
    def right(self) -> bool:
        """Whether it passed all its checks."""
        return not self.lost

    @property
    def fails(self) -> frozenset[str]:
        """The names of the checks that it did not pass."""
        return frozenset(check.name for check in self.lost)


def class_answers(scores: ClassScores) -> list[Answer]:
    """Return every answer whose checks are part of a score; several cells may ask for one."""
    found: dict[tuple[str, str, str], list[CheckResult]] = {}
    for one in scores.students:
        counted = {(line.notebook, line.cell) for line in one.lines if line.kind == CHECK}
        for verdict in one.verdicts:
            for cell in verdict.cells:
                if (verdict.notebook, cell.grade_id) in counted:
                    key = (one.student.id, verdict.notebook, cell.function or cell.grade_id)
                    found.setdefault(key, []).extend(cell.checks)
    return [Answer(*key, tuple(checks)) for key, checks in found.items()]
