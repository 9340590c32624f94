"""Fill the grades of a Moodle assignment's grading worksheet.

Its titles are in the language of whoever downloaded it. What does not change is the order of
the columns: the person's number is at the end of the first one, and the grade stands before the
maximum.
"""

from __future__ import annotations

import re

from coursekit.csv_text import points_text
from coursekit.errors import CourseKitError
from coursekit.exporting.canvas_gradebook import other_maximum
from coursekit.exporting.lms_table import LmsPerson, LmsTable, matched, read_table
from coursekit.exporting.output import Exported, Request, waiting_notes

_HINT = (
    "download it in Moodle (the assignment, Download grading worksheet), and name it with "
    "--into FILE"
)
_PARTICIPANT = re.compile(r"\D*(\d+)")
_NUMBER = re.compile(r"\d+(?P<point>[.,])?\d*")
_NO_GRADE = ("", "-")


def moodle_worksheet(request: Request) -> Exported:
    """Return the worksheet with grades.

    The times of the last change stay as they are: Moodle passes over rows that were graded
    there since.

    Raises:
        CourseKitError: if it is no grading worksheet.

    """
    table = read_table(request.into, request.into_name, _HINT)
    numbers = [_PARTICIPANT.fullmatch(text) for text in table.texts(0)]
    if not numbers or None in numbers:
        raise CourseKitError(f"{request.into_name} is no grading worksheet of Moodle", _HINT)
    column = _grade_column(table, request.column)
    people = [
        LmsPerson(
            row,
            " ".join(field.text for field in table.rows[row][:2]),
            frozenset([number[1]] if number else []),
            # Which details of a person are shown, the site decides; they stand before the grade.
            frozenset(field.text.strip() for field in table.rows[row][1:column]) - {""},
        )
        for row, number in enumerate(numbers)
    ]
    found, notes = matched(request.scores.students, people, request.into_name)
    maximum = table.texts(column + 1)[0]
    parts = _NUMBER.fullmatch(maximum)
    point = (parts and parts["point"]) or "."
    values = {}
    for row, one in found.items():
        text = points_text(one.score or 0.0).replace(".", point)
        values[row, column] = f'"{text}"' if "," in text else text
    return Exported(
        {"": table.filled(values)},
        (*waiting_notes(request.scores), *notes, *other_maximum(request, maximum)),
    )


def _grade_column(table: LmsTable, title: str) -> int:
    """The column of grades: numbers or nothing, before a column with one number in every row."""
    width = min(map(len, (table.head, *table.rows)))
    found = [
        at
        for at in range(1, width - 1)
        if len(most := set(table.texts(at + 1))) == 1
        and _NUMBER.fullmatch(most.pop())
        and all(text in _NO_GRADE or _NUMBER.fullmatch(text) for text in table.texts(at))
    ]
    if title:
        found = [at for at in range(1, width - 1) if table.titles[at] == title]
    if len(found) != 1:
        raise CourseKitError(
            f"it is not clear which column of {table.name} has the grades; it has: "
            f"{', '.join(table.titles)}",
            "name it, with --column TITLE",
        )
    return found[0]
