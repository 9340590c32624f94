"""Fill the assignment's column of the instructor's own Canvas gradebook."""

from __future__ import annotations

import re

from coursekit.csv_text import points_text
from coursekit.errors import CourseKitError
from coursekit.exporting.lms_table import LmsPerson, LmsTable, matched, read_table
from coursekit.exporting.output import Exported, Request, waiting_notes

_HINT = "download it in Canvas (Grades, Export entire gradebook), and name it with --into FILE"
_TITLE = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)", re.DOTALL)
_IDS = ("SIS User ID", "SIS Login ID", "Integration ID")
_POSSIBLE = "Points Possible"
_EXCUSED = "EX"


def canvas_gradebook(request: Request) -> Exported:
    """Return the gradebook with scores; who has none keeps what Canvas has.

    Raises:
        CourseKitError: if it is no Canvas gradebook, or has no such column.

    """
    table = read_table(request.into, request.into_name, _HINT)
    own = table.column("ID")
    if own < 0 or table.titles[0] not in ("Student", "LastName"):
        raise CourseKitError(f"{request.into_name} is no gradebook of Canvas", _HINT)
    column = _column(table, request.column or request.scores.assignment)
    possible = [row for row, text in enumerate(table.texts(0)) if _POSSIBLE in text]
    maximum = table.texts(column)[possible[0]] if possible else ""
    if "read only" in f"{table.titles[column]} {maximum}":
        raise CourseKitError(
            f"Canvas does not import the column {table.titles[column]!r}: it is read only",
            "name another column, with --column TITLE",
        )
    people = _people(table, own)
    found, notes = matched(request.scores.students, people, request.into_name)
    excused = [row for row in found if table.texts(column)[row].upper() == _EXCUSED]
    values = {
        (row, column): points_text(one.score or 0.0)
        for row, one in found.items()
        if row not in excused
    }
    if excused:
        notes += (f"excused in Canvas: {', '.join(found[row].student.id for row in excused)}",)
    return Exported(
        {"": table.filled(values)},
        (*waiting_notes(request.scores), *notes, *other_maximum(request, maximum)),
    )


def _people(table: LmsTable, own: int) -> list[LmsPerson]:
    columns = [at for name in _IDS if (at := table.column(name)) >= 0]
    people = []
    for row, fields in enumerate(table.rows):
        cells = [field.text.strip() for field in fields]
        ids = frozenset(cells[at] for at in columns if at < len(cells)) - {""}
        lms_ids = frozenset(cells[own : own + 1]) - {""}
        if ids | lms_ids:
            people.append(LmsPerson(row, cells[0], lms_ids, ids))
    return people


def _column(table: LmsTable, wanted: str) -> int:
    """The column of an assignment, by its title, its id, or both.

    An assignment that Canvas does not know would be made by importing the file.
    """
    found = [
        at
        for at, title in enumerate(table.titles)
        if (parts := _TITLE.fullmatch(title)) and wanted in (title, parts["title"], parts["id"])
    ]
    if len(found) != 1:
        titles = ", ".join(title for title in table.titles if _TITLE.fullmatch(title))
        raise CourseKitError(
            f"{table.name} has {len(found)} columns {wanted!r}; it has: {titles or 'none'}",
            "name one of them, with --column TITLE",
        )
    return found[0]


def other_maximum(request: Request, text: str) -> tuple[str, ...]:
    """Return a note if the platform's maximum, as text, is another one than the assignment's."""
    number = re.fullmatch(r"\d+(?:[.,]\d+)?", text.strip())
    if number is None or abs(float(text.replace(",", ".")) - request.scores.max_score) < 1e-6:
        return ()
    ours = points_text(request.scores.max_score)
    return (f"{request.into_name} has {text.strip()} points at most, the assignment {ours}",)
