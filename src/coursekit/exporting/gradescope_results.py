"""Gradescope's ``results.json``, one for each student."""

from __future__ import annotations

import json
from typing import Any

from coursekit.class_scores import BY_HAND, GRADED, Line, StudentScore
from coursekit.exporting.output import Exported, Request, file_name, waiting_notes
from resnets_utils.checks.check_result import Outcome

# As a feedback page does, Gradescope shows hidden checks when scores are given out. A test that
# is "hidden" for good would hide the student's total.
_VISIBILITY = {False: "visible", True: "after_published"}


def gradescope_results(request: Request) -> Exported:
    """Return a file for each student who has a score."""
    files = {
        file_name(one.student.id, ".json"): results_json(one)
        for one in request.scores.students
        if one.status == GRADED
    }
    return Exported(files, waiting_notes(request.scores))


def results_json(one: StudentScore, seconds: float | None = None) -> bytes:
    """Return one student's results.

    What a human has still to grade is left out, and named: Gradescope adds that to the score.
    The salt is not among them, because the next submission's code can read these results.
    """
    numbers: dict[str, list[int]] = {}
    tests = [_test(line, numbers) for line in one.lines if line.earned is not None]
    waiting = [line for line in one.lines if line.earned is None]
    told = list(one.remarks)
    if one.status == BY_HAND and waiting:
        names = ", ".join(f"{line.cell} ({line.points:g} points)" for line in waiting)
        told.insert(0, f"to be graded by hand: {names}")
    given = sum(line.earned or 0.0 for line in one.lines)
    data: dict[str, Any] = {
        "score": given if one.score is None else one.score,
        "output": "\n".join(told),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    if seconds is not None:
        data["execution_time"] = round(seconds)
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _test(line: Line, numbers: dict[str, list[int]]) -> dict[str, Any]:
    """A test; its number is that of its cell, and its own one in there, as in 1.2."""
    inside = numbers.setdefault(line.cell, [len(numbers) + 1, 0])
    inside[1] += 1
    test: dict[str, Any] = {
        "name": line.title,
        "number": f"{inside[0]}.{inside[1]}",
        "score": line.earned,
        "max_score": line.points,
        "output": line.reason,
        "output_format": "text",
        "visibility": _VISIBILITY[line.hidden],
        "tags": [line.kind],
    }
    if line.outcome is not None:
        test["status"] = "passed" if line.outcome is Outcome.PASSED else "failed"
        if line.outcome not in (Outcome.PASSED, Outcome.FAILED):
            test["output"] = f"{line.outcome}: {line.reason}".rstrip(": ")
    return test
