"""Verdicts on one test cell and on one notebook, and their file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from resnets_utils.border.difference import OTHER, Difference
from resnets_utils.checks.check_result import CheckResult, Outcome

# Raise it when the meaning of the JSON changes.
SCHEMA = 5
# Sums of points may differ by less, because of rounding.
MAX_ROUNDING = 1e-9


@dataclass(frozen=True)
class CellVerdict:
    """The verdict on one test cell.

    Attributes:
        grade_id: the test cell's name.
        function: the function that its checks call; "" if they do not call one.
        checks: what each check found.

    """

    grade_id: str
    function: str
    checks: tuple[CheckResult, ...]

    @property
    def points(self) -> float:
        """What the cell is worth."""
        return sum(check.points for check in self.checks)

    @property
    def score(self) -> float:
        """What the answer earned: the points of the checks that it passed."""
        return sum(check.earned for check in self.checks)

    @property
    def outcome(self) -> Outcome:
        """The cell's outcome: the gravest of its checks."""
        found = {check.outcome for check in self.checks}
        return max(found, key=list(Outcome).index, default=Outcome.PASSED)

    def found_in(
        self, results: Iterable[CheckResult], outcome: Outcome, reason: str
    ) -> CellVerdict:
        """Return a verdict with exactly this one's checks, as they were found elsewhere.

        Args:
            results: what was found of some of them, and perhaps of checks that do not count.
            outcome: how those ended that are not among the results.
            reason: why.

        """
        left = list(results)
        checks = []
        for check in self.checks:
            alike = [one for one in left if (one.name, one.points) == (check.name, check.points)]
            lost = replace(
                check,
                outcome=outcome,
                reason=reason,
                remarks=(),
                difference=Difference(OTHER, sentence=reason),
                signature="",
            )
            checks.append(alike[0] if alike else lost)
            left = [one for one in left if one is not checks[-1]]
        return replace(self, checks=tuple(checks))

    def as_data(self) -> dict[str, Any]:
        """Return the verdict as JSON data, with the sums that readers want written out."""
        checks = [{"id": f"{self.grade_id}/{check.name}", **asdict(check)} for check in self.checks]
        sums = {"outcome": self.outcome, "score": self.score, "points": self.points}
        return asdict(self) | {"checks": checks} | sums

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> CellVerdict:
        """Return the verdict that `as_data` wrote.

        Raises:
            ValueError: if a check has an unknown outcome.

        """
        checks = []
        for check in data["checks"]:
            known = {name: value for name, value in check.items() if name != "id"}
            known["outcome"] = Outcome(check["outcome"])
            known["remarks"] = tuple(check["remarks"])
            known["difference"] = check["difference"] and Difference(**check["difference"])
            checks.append(CheckResult(**known))
        return cls(data["grade_id"], data["function"], tuple(checks))


@dataclass(frozen=True)
class NotebookVerdict:
    """The verdict on one submitted notebook.

    Attributes:
        assignment: the assignment's name.
        notebook: the notebook's name, without its ending.
        student: the student's id.
        cells: one verdict for each test cell.
        salt: determined the random inputs; with it, the grading can be repeated.
        isolation: the sandbox level that the student's kernel ran in.
        remarks: what happened to the notebook as a whole.
        digest: of the submission as it was read (see `submission_digest`), to find later changes.
        tests: of the test cells that give its scores (see `tests_digest`), to find later changes.

    """

    assignment: str
    notebook: str
    student: str
    cells: tuple[CellVerdict, ...]
    salt: int
    isolation: str
    remarks: tuple[str, ...] = ()
    digest: str = ""
    tests: str = ""

    @property
    def judgement(self) -> tuple[tuple[str, str, float, Outcome], ...]:
        """How each check ended: its cell, its name, its points and its outcome.

        Two machines agree about it, even where the digits in a reason are not the same.
        """
        return tuple(
            (cell.grade_id, check.name, check.points, check.outcome)
            for cell in self.cells
            for check in cell.checks
        )

    def as_json(self) -> str:
        """Return the verdict as JSON text."""
        cells = [cell.as_data() for cell in self.cells]
        data = {"schema": SCHEMA, **asdict(self), "cells": cells}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> NotebookVerdict:
        """Return the verdict that `as_json` wrote.

        Raises:
            ValueError: if it did not write this text: it is of another schema, or damaged.

        """
        try:
            data = json.loads(text)
            if data.pop("schema", None) != SCHEMA:
                raise ValueError(f"a verdict of schema {SCHEMA} is needed")
            data["cells"] = tuple(CellVerdict.from_data(cell) for cell in data["cells"])
            data["remarks"] = tuple(data["remarks"])
            verdict = cls(**data)
            whole = type(verdict.salt) is int and verdict.as_json() == text
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"the verdict is damaged ({type(error).__name__})") from None
        if not whole:
            raise ValueError("the verdict was changed after it was written")
        return verdict


def scores_in(text: str) -> tuple[float, float]:
    """Return the sums of scores and points that a verdict's file has written out."""
    cells = json.loads(text)["cells"]
    return sum(cell["score"] for cell in cells), sum(cell["points"] for cell in cells)
