"""A learning platform's own CSV: fill one column, and leave every other byte as it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coursekit.class_scores import GRADED, NOTHING, StudentScore
from coursekit.errors import CourseKitError
from coursekit.gradebook.students import Student

_MARK = b"\xef\xbb\xbf"
_SEPARATORS = (b",", b";", b"\t")


@dataclass(frozen=True)
class Field:
    """A field: its text, and where its bytes are."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class LmsTable:
    """A file of a learning platform.

    Attributes:
        name: its name, for messages.
        content: its bytes.
        head: the fields of its first row.
        rows: those of the others, but for empty lines.

    """

    name: str
    content: bytes
    head: tuple[Field, ...]
    rows: tuple[tuple[Field, ...], ...]

    @property
    def titles(self) -> list[str]:
        """The titles of its columns."""
        return [field.text.strip() for field in self.head]

    def texts(self, column: int) -> list[str]:
        """Return a column's text in each row; "" where a row is too short."""
        return [row[column].text.strip() if column < len(row) else "" for row in self.rows]

    def column(self, name: str) -> int:
        """Return the number of the column of that title; -1 without one."""
        return self.titles.index(name) if name in self.titles else -1

    def filled(self, values: Mapping[tuple[int, int], str]) -> bytes:
        """Return its bytes with other values in some fields, by row and column.

        Raises:
            CourseKitError: if a row has no such column.

        """
        short = [row for row, column in values if column >= len(self.rows[row])]
        if short:
            first = self.rows[short[0]][0].text
            raise CourseKitError(
                f"{self.name}: the row of {first!r} has too few columns",
                "download the file again, and change nothing in it",
            )
        places = [(self.rows[row][column], value) for (row, column), value in values.items()]
        pieces, at = [], 0
        for field, value in sorted(places, key=lambda place: place[0].start):
            pieces += [self.content[at : field.start], value.encode()]
            at = field.end
        return b"".join([*pieces, self.content[at:]])


def read_table(content: bytes, name: str, hint: str) -> LmsTable:
    """Return a table.

    Raises:
        CourseKitError: if the file cannot be read as one.

    """
    if not content:
        raise CourseKitError("there is no file of the learning platform to fill", hint)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        raise CourseKitError(f"{name} is not a CSV file in UTF-8", hint) from None
    found = max((_fields(content, separator) for separator in _SEPARATORS), key=_width)
    rows = [row for row in found if any(field.text.strip() for field in row)]
    if not rows or len(rows[0]) < 2:
        raise CourseKitError(f"{name} has no columns", hint)
    return LmsTable(name, content, tuple(rows[0]), tuple(map(tuple, rows[1:])))


def _width(rows: Sequence[Sequence[Field]]) -> int:
    return len(rows[0]) if rows else 0


def _fields(content: bytes, separator: bytes) -> list[list[Field]]:
    one = re.compile(
        rb'("[^"]*(?:""[^"]*)*"(?=%b|\r|\n|\Z)|[^%b\r\n]*)(%b|\r\n|\r|\n|\Z)' % ((separator,) * 3)
    )
    at = len(_MARK) if content.startswith(_MARK) else 0
    rows: list[list[Field]] = [[]]
    while found := one.match(content, at):
        text = found[1].decode("utf-8")
        if text.startswith('"') and text.endswith('"') and len(text) > 1:
            text = text[1:-1].replace('""', '"')
        rows[-1].append(Field(text, found.start(1), found.end(1)))
        at = found.end()
        if at == len(content) and found[2] != separator:
            break
        if found[2] != separator:
            rows.append([])
    return rows


@dataclass(frozen=True)
class LmsPerson:
    """Somebody in a file of a learning platform.

    Attributes:
        row: their place in the file.
        name: what the file calls them, for messages.
        lms_ids: what the platform knows them by.
        ids: what the institution knows them by, such as a login.

    """

    row: int
    name: str
    lms_ids: frozenset[str]
    ids: frozenset[str]


def matched(
    students: Sequence[StudentScore], people: Sequence[LmsPerson], name: str
) -> tuple[dict[int, StudentScore], tuple[str, ...]]:
    """Find each student's row: by the platform's id in the gradebook, or by the student's own.

    Nothing is guessed: a student with two rows, or a row with two students, has none.

    Args:
        students: the class.
        people: those in the file.
        name: the file's name, for the notes.

    Returns:
        The students with a score by row, and notes on everybody who is left out.

    """
    rows = {
        one.student.id: [person for person in people if _is(person, one.student)]
        for one in students
    }
    taken = Counter(person.row for found in rows.values() for person in found)
    found, unmatched, doubtful = {}, [], []
    for one in students:
        places = rows[one.student.id]
        if not places:
            if one.status != NOTHING:
                unmatched.append(one.student.id)
        elif len(places) > 1 or taken[places[0].row] > 1:
            doubtful.append(one.student.id)
        elif one.status == GRADED:
            found[places[0].row] = one
    alone = [person.name for person in people if person.row not in taken]
    told = {
        f"handed in, but in no row of {name}": unmatched,
        f"more than one row of {name}, or one row for several, so left out": doubtful,
        f"in {name}, but nobody here": alone,
    }
    return found, tuple(f"{what}: {', '.join(who)}" for what, who in told.items() if who)


def _is(person: LmsPerson, student: Student) -> bool:
    """Whether either id is theirs; if the two lead to two rows, it is neither."""
    lms_id = student.lms_user_id.strip()
    if lms_id:
        return lms_id in person.lms_ids or student.id in person.ids
    return student.id in person.ids | person.lms_ids
