"""Which student of the course a platform's person is: a roster in a CSV file, or the gradebook."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coursekit.collecting.platforms import Who
from coursekit.collecting.record import IN_PLACE, Collected
from coursekit.course.student_names import escaped, why_no_student
from coursekit.errors import CourseKitError
from coursekit.gradebook.students import Student

# What the columns are called, in small letters, in rosters that people write and that platforms
# export. The first of the first kind that a row fills in is the student's id in the course.
_STUDENT = (
    "student",
    "student_id",
    "sis login id",
    "username",
    "sid",
    "id number",
    "email address",
    "email",
)
_LMS = ("lms_id", "lms_user_id", "id", "identifier")
_OTHER_IDS = ("sis user id", "orgdefinedid")
_NAME = ("name", "full name")
_FIRST = ("first_name", "first name")
_LAST = ("last_name", "last name", "surname")
_EMAIL = ("email", "email address")
_GROUP = ("group",)
# In Canvas's own file, this column holds names.
_CANVAS, _CANVAS_NAME = "sis login id", "student"
# Moodle's worksheet says "Participant 123", in its own language.
_NUMBER = re.compile(r"^\D*\s(\d+)$")
# What an export puts before what a spreadsheet would compute.
_QUOTED = re.compile(r"^'(?=[=+\-@])")
_MAX_BYTES = 200
_MAX_WORDS = 8


@dataclass(frozen=True)
class Known:
    """A student of the course, as a roster has them.

    Attributes:
        student: the id in the course.
        lms_ids: ids of the platform's.
        ids: other ids.
        name: first and last name, or "".
        first_name: the first name, or "".
        last_name: the last name, or "".
        email: the address, or "".
        group: a group that hands in together, or "".

    """

    student: str
    lms_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    group: str = ""


@dataclass(frozen=True)
class Found:
    """Who a person is.

    Attributes:
        students: ids in the course; several for a group, none if that cannot be told.
        how: by what they were found, in a word.
        by: the id by which they were found, or "".
        problem: why nobody was found, in words.
        several: whether somebody fits, but it is unclear who.

    """

    students: tuple[str, ...] = ()
    how: str = ""
    by: str = ""
    problem: str = ""
    several: bool = False


class Roster:
    """Students by their ids, groups and names."""

    def __init__(self, people: Iterable[Known], origin: str) -> None:
        self.origin = origin
        self.people = {one.student: one for one in people}
        self._steps: dict[str, dict[str, set[str]]] = {
            kind: defaultdict(set) for kind in ("id", "other id", "group", "name")
        }
        for one in self.people.values():
            for kind, texts in (
                ("id", one.lms_ids),
                ("other id", (*one.ids, one.student)),
                ("group", (one.group,)),
                ("name", name_keys(one.name)),
            ):
                for text in filter(None, map(_folded, texts)):
                    self._steps[kind][text].add(one.student)

    def find(self, who: Who) -> Found:
        """Return who a person is: an id decides before a group, and a group before a name."""
        ids = [_folded(one) for one in who.ids]
        for kind, texts in (
            ("id", ids),
            ("other id", ids),
            ("group", [*ids, _folded(who.name)]),
            ("name", list(name_keys(who.name))),
        ):
            found = {student for text in texts for student in self._steps[kind].get(text, ())}
            if len(found) > 1 and kind != "group":
                names = ", ".join(sorted(found))
                fits = f"{self.origin} has {len(found)} students for {who}: {names}"
                return Found(problem=fits, several=True)
            if found:
                # Canvas names a group's hand-in after the group, with the id of one of them.
                team = _folded(self.people[min(found)].group)
                if kind != "group" and team and name_keys(team) & name_keys(who.name):
                    kind, found = "group", self._steps["group"][team]
                by = next((one for one in who.ids if _folded(one) in self._steps[kind]), "")
                return Found(tuple(sorted(found)), kind.removeprefix("other "), by)
        return Found(problem=f"{who} is not in {self.origin}")


def name_keys(name: str) -> frozenset[str]:
    """Return what a name looks like in any order of its words, without signs."""
    words = [
        "".join(sign for sign in word if unicodedata.category(sign)[0] in "LMN")
        for word in _folded(name).replace(",", " ").split()
    ]
    words = [word for word in words if word][:_MAX_WORDS]
    return frozenset("".join(words[start:] + words[:start]) for start in range(len(words)))


def why_no_folder(student: str) -> str:
    """Return why a text cannot be a student's id here, in words; "" if it can."""
    if not student:
        return "is empty"
    if "/" in student or student in (".", ".."):
        return "can be no folder's name"
    if len(student.encode(errors="surrogateescape")) > _MAX_BYTES:
        return "is too long"
    return why_no_student(student)


def from_gradebook(students: Iterable[Student]) -> Roster:
    """Return the roster of those whom the gradebook knows."""
    return Roster(
        (
            Known(
                one.id,
                (one.lms_user_id,),
                (one.email,),
                f"{one.first_name} {one.last_name}",
                one.first_name,
                one.last_name,
                one.email,
            )
            for one in students
        ),
        "the gradebook",
    )


def from_records(rows: Iterable[Collected], platform: str) -> Roster:
    """Return the roster of those whose submissions came from a platform before."""
    ids: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.platform == platform and row.result in IN_PLACE and row.lms_id:
            ids.setdefault(row.student, {})[row.lms_id] = None
    return Roster((Known(who, tuple(found)) for who, found in ids.items()), "earlier downloads")


def read_roster(path: Path) -> Roster:
    """Read a roster from a CSV file.

    Raises:
        CourseKitError: if it cannot be read, or names no students.

    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CourseKitError(f"{path}: there is no such file", "check the path, with: ls") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # as spreadsheets on Windows save it
    lines = text.splitlines()
    first = lines[0] if lines else ""
    separator = max(",;\t", key=first.count)
    try:
        rows = list(csv.DictReader(text.splitlines(keepends=True), delimiter=separator))
    except csv.Error as error:
        raise _no_roster(path, str(error)) from None
    people: dict[str, Known] = {}
    for number, row in enumerate(rows, 2):
        one = _known({str(key).strip().casefold(): value for key, value in row.items()})
        if not one.student:
            continue
        if reason := why_no_folder(one.student):
            raise CourseKitError(
                f"{path}, row {number}: the student {escaped(one.student)!r} {reason}",
                "correct that row, then collect again",
            )
        before = people.get(one.student)
        if before:
            ids = dict.fromkeys((*before.lms_ids, *one.lms_ids))
            one = Known(**{**vars(before), "lms_ids": tuple(ids)})
        people[one.student] = one
    if not people:
        raise _no_roster(path, "no row has a student")
    return Roster(people.values(), path.name)


def _no_roster(path: Path, reason: str) -> CourseKitError:
    return CourseKitError(
        f"{path} is no roster: {reason}",
        "write a CSV file whose first line is: student,lms_id,name",
    )


def _known(row: Mapping[str, object]) -> Known:
    def cell(columns: Iterable[str]) -> str:
        return next((value for column in columns if (value := _cell(row.get(column)))), "")

    canvas = _CANVAS in row
    own = [column for column in _STUDENT if not (canvas and column == _CANVAS_NAME)]
    first, last = cell(_FIRST), cell(_LAST)
    name = cell((_CANVAS_NAME, *_NAME) if canvas else _NAME) or f"{first} {last}".strip()
    return Known(
        cell(own),
        tuple(filter(None, (_NUMBER.sub(r"\1", _cell(row.get(column))) for column in _LMS))),
        tuple(filter(None, (_cell(row.get(column)) for column in (*own, *_OTHER_IDS)))),
        name,
        first,
        last,
        cell(_EMAIL),
        cell(_GROUP),
    )


def _cell(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    # Brightspace puts "#" before an id.
    return _QUOTED.sub("", text).removeprefix("#")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()
