"""CSV of all checks: long, with a row for each line of a score, or wide, with a row a student."""

from __future__ import annotations

from coursekit.class_scores import Line
from coursekit.csv_text import csv_text
from coursekit.exporting.output import Exported, Request, waiting_notes

_STUDENT = ("student_id", "lms_user_id", "last_name", "first_name", "email", "status")
_LINE = ("notebook", "cell", "function", "check", "number", "kind", "hidden", "outcome")


def long_table(request: Request) -> Exported:
    """Return a row for each line of each score; who has none has one row that says why."""
    rows: list[tuple[object, ...]] = [
        ("assignment", *_STUDENT, *_LINE, "earned", "points", "reason")
    ]
    for one in request.scores.students:
        who = one.student
        about = (who.id, who.lms_user_id, who.last_name, who.first_name, who.email, one.status)
        for line in one.lines:
            found = (line.notebook, line.cell, line.function, line.name, line.number + 1)
            how = (line.kind, "yes" if line.hidden else "no", line.outcome)
            given = (line.earned, line.points, line.reason)
            rows.append((request.scores.assignment, *about, *found, *how, *given))
        if not one.lines:
            rows.append((request.scores.assignment, *about, *[None] * (len(_LINE) + 3)))
    return Exported({"": csv_text(rows)}, waiting_notes(request.scores))


def wide_table(request: Request) -> Exported:
    """Return a row for each student, with two columns for each line: outcome and points."""
    columns: dict[tuple[str, ...], str] = {}
    for one in request.scores.students:
        columns |= {_key(line): line.title for line in one.lines}
    heads = [head for title in columns.values() for head in (f"{title} [outcome]", title)]
    head = ("assignment", *_STUDENT, "raw_score", "late_submission_penalty", "score", "max_score")
    rows: list[tuple[object, ...]] = [(*head, *heads)]
    for one in request.scores.students:
        who, lines = one.student, {_key(line): line for line in one.lines}
        about = (who.id, who.lms_user_id, who.last_name, who.first_name, who.email, one.status)
        scores = (one.raw_score, one.penalty, one.score, request.scores.max_score)
        found = [lines.get(key) for key in columns]
        cells = [cell for line in found for cell in (line and line.outcome, line and line.earned)]
        rows.append((request.scores.assignment, *about, *scores, *cells))
    return Exported({"": csv_text(rows)}, waiting_notes(request.scores))


def _key(line: Line) -> tuple[str, ...]:
    return line.notebook, line.cell, line.kind, line.name, str(line.number)
