"""Grades for Brightspace: fill a column of its export, or write a file that it imports."""

from __future__ import annotations

import re

from coursekit.csv_text import csv_text, points_text
from coursekit.errors import CourseKitError
from coursekit.exporting.canvas_gradebook import other_maximum
from coursekit.exporting.lms_table import LmsPerson, LmsTable, matched, read_table
from coursekit.exporting.output import Exported, Request, graded, waiting_notes

_HINT = "export it in Brightspace (Enter Grades, Export, Points grade) as CSV"
_POINTS = re.compile(r"(?P<item>.*) Points Grade(?: <.*\bMaxPoints:(?P<most>[\d.,]+).*>)?")
_IDS = ("OrgDefinedId", "Username")
_END = "End-of-Line Indicator"


def brightspace_grades(request: Request) -> Exported:
    """Return the grades.

    Raises:
        CourseKitError: if the file is no export of Brightspace's, or has no such column.

    """
    if request.into:
        return _filled(request)
    item = request.column or request.scores.assignment
    rows: list[tuple[str, ...]] = [("OrgDefinedId", f"{item} Points Grade", _END)]
    for one in graded(request.scores):
        who = one.student.lms_user_id or one.student.id
        rows.append((who, points_text(one.score or 0.0), "#"))
    return Exported({"": csv_text(rows)}, waiting_notes(request.scores))


def _filled(request: Request) -> Exported:
    table = read_table(request.into, request.into_name, _HINT)
    columns = [at for name in _IDS if (at := table.column(name)) >= 0]
    if not columns or _END not in table.titles:
        raise CourseKitError(f"{request.into_name} is no export of Brightspace's", _HINT)
    wanted = request.column or request.scores.assignment
    found = [
        (at, parts)
        for at, title in enumerate(table.titles)
        if (parts := _POINTS.fullmatch(title)) and wanted in (title, parts["item"])
    ]
    if len(found) != 1:
        raise CourseKitError(
            f"{table.name} has {len(found)} columns {wanted!r}; it has: {', '.join(table.titles)}",
            "name one of them, with --column TITLE",
        )
    [(column, parts)] = found
    rows, notes = matched(request.scores.students, _people(table, columns), request.into_name)
    values = {(row, column): points_text(one.score or 0.0) for row, one in rows.items()}
    return Exported(
        {"": table.filled(values)},
        (
            *waiting_notes(request.scores),
            *notes,
            *other_maximum(request, parts["most"] or ""),
        ),
    )


def _people(table: LmsTable, columns: list[int]) -> list[LmsPerson]:
    """Everybody in the file; Brightspace writes a sign before an id, so that it stays text."""
    rows = zip(*(table.texts(at) for at in columns), strict=True)
    people = []
    for row, texts in enumerate(rows):
        ids = frozenset(text.removeprefix("#") for text in texts) - {""}
        if ids:
            people.append(LmsPerson(row, texts[-1], ids, ids))
    return people
