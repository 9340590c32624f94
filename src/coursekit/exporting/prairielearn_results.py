"""The ``results.json`` of a PrairieLearn external grader, one for each student."""

from __future__ import annotations

import json
from typing import Any

from coursekit.class_scores import GRADED, NOTHING, ClassScores, StudentScore
from coursekit.exporting.output import Exported, Request, file_name, waiting_notes

# PrairieLearn reads at most 1 MB.
_MOST_BYTES = 1_000_000
_LONGEST_REASON = 2_000


def prairielearn_results(request: Request) -> Exported:
    """Return a file for each student who handed in; who has no score is not gradable."""
    files = {
        file_name(one.student.id, ".json"): _results(request.scores, one)
        for one in request.scores.students
        if one.status != NOTHING
    }
    return Exported(files, waiting_notes(request.scores))


def _results(scores: ClassScores, one: StudentScore) -> bytes:
    data: dict[str, Any]
    if one.status != GRADED or one.score is None or not scores.max_score:
        data = {"gradable": False, "format_errors": [one.status], "message": one.status}
        return _json(data)
    for longest in (_LONGEST_REASON, 200, 0):
        data = {
            "gradable": True,
            # Extra credit cannot be more than all.
            "score": min(1.0, one.score / scores.max_score),
            "message": "\n".join(one.remarks)[: longest * 5],
            "tests": [
                {
                    "name": line.title,
                    "points": line.earned,
                    "max_points": line.points,
                    "message": line.reason[:longest],
                }
                for line in one.lines
            ],
        }
        if len(_json(data)) < _MOST_BYTES:
            break
    return _json(data)


def _json(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")
