"""Verdicts: what the judge says of one test cell and of one notebook, as plain data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Raise it when the meaning of the JSON changes.
SCHEMA = 1

PASSED = "passed"
FAILED = "failed"
ERROR = "error"
NOT_ATTEMPTED = "not attempted"
OUTCOMES = (PASSED, FAILED, ERROR, NOT_ATTEMPTED)


@dataclass(frozen=True)
class CheckVerdict:
    """What the judge says of one named check.

    Attributes:
        name: the check's name.
        points: what it is worth.
        outcome: one of `OUTCOMES`. The fifth outcome, infrastructure, is no
            verdict: it is raised as InfrastructureError and carries no score.
        reason: why the points were lost, in words; "" if they were not.
        remarks: what is worth saying and costs nothing.

    """

    name: str
    points: float
    outcome: str
    reason: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class CellVerdict:
    """What the judge says of one test cell."""

    grade_id: str
    function: str
    checks: tuple[CheckVerdict, ...]

    @property
    def points(self) -> float:
        """What the cell is worth."""
        return sum(check.points for check in self.checks)

    @property
    def score(self) -> float:
        """What the answer earned: the points of the checks that it passed."""
        return sum(check.points for check in self.checks if check.outcome == PASSED)

    @property
    def outcome(self) -> str:
        """The cell's outcome: passed only if every check is; otherwise the gravest."""
        found = {check.outcome for check in self.checks}
        if found == {NOT_ATTEMPTED}:
            return NOT_ATTEMPTED
        for outcome in (ERROR, FAILED, NOT_ATTEMPTED):
            if outcome in found:
                return outcome
        return PASSED


@dataclass(frozen=True)
class NotebookVerdict:
    """What the judge says of one submitted notebook.

    Attributes:
        assignment: the assignment's name.
        notebook: the notebook's name, without its ending.
        student: the student's id.
        cells: one verdict for each test cell.
        salt: what settled the random inputs, so that the grading can be repeated.
        isolation: how the student's kernel was shut in.
        remarks: what happened to the notebook as a whole.

    """

    assignment: str
    notebook: str
    student: str
    cells: tuple[CellVerdict, ...]
    salt: int
    isolation: str
    remarks: tuple[str, ...] = ()

    def as_json(self) -> str:
        """Return the verdict as JSON text, with the sums that readers want written out."""
        data: dict[str, Any] = {"schema": SCHEMA, **asdict(self)}
        for cell, written in zip(self.cells, data["cells"], strict=True):
            written |= {"outcome": cell.outcome, "score": cell.score, "points": cell.points}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> NotebookVerdict:
        """Return the verdict that `as_json` wrote.

        Raises:
            ValueError: if the text is of another schema.

        """
        data = json.loads(text)
        if data.pop("schema", None) != SCHEMA:
            raise ValueError(f"a verdict of schema {SCHEMA} is needed")
        data["cells"] = tuple(
            CellVerdict(cell["grade_id"], cell["function"], read_checks(cell["checks"]))
            for cell in data["cells"]
        )
        data["remarks"] = tuple(data["remarks"])
        return cls(**data)


def read_checks(items: Sequence[dict[str, Any]]) -> tuple[CheckVerdict, ...]:
    """Return check verdicts from JSON data.

    Raises:
        ValueError: if an outcome is none of `OUTCOMES`.

    """
    checks = []
    for item in items:
        if item["outcome"] not in OUTCOMES:
            raise ValueError(f"{item['outcome']!r} is no outcome")
        checks.append(CheckVerdict(**{**item, "remarks": tuple(item["remarks"])}))
    return tuple(checks)
