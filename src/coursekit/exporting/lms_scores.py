"""Score objects of LTI 1.3's Assignment and Grade Services, for whoever owns a tool."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from coursekit.exporting.output import Exported, Request, graded, waiting_notes


def lms_scores(request: Request) -> Exported:
    """Return a list of Score objects.

    Who has no score has no object: one without a score could clear what the platform has.
    """
    now = (request.now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    everybody = graded(request.scores)
    found = [
        {
            "userId": one.student.lms_user_id or one.student.id,
            "scoreGiven": one.score,
            "scoreMaximum": request.scores.max_score,
            "timestamp": now,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
        }
        for one in everybody
    ]
    unknown = [one.student.id for one in everybody if not one.student.lms_user_id]
    notes = waiting_notes(request.scores)
    if unknown:
        notes += (f"the id in the gradebook stands for the platform's: {', '.join(unknown)}",)
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    return Exported({"": text.encode("utf-8", "replace")}, notes)
