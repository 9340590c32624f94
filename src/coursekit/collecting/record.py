"""What was collected for an assignment, as a CSV file: who came from which file.

It is a roster, too: `roster.read_roster` reads what is filled in there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from coursekit.csv_text import csv_text
from coursekit.processes.whole_files import write_whole

# What became of a hand-in that is now the submission.
NEW, REPLACED, UNCHANGED = "new", "replaced", "unchanged"
IN_PLACE = frozenset({NEW, REPLACED, UNCHANGED})


@dataclass(frozen=True)
class Collected:
    """One row.

    Attributes:
        student: the id in the course; "" if nobody knows whose it is.
        lms_id: the id on the platform, or "".
        name: the name on the platform, or "".
        platform: where it came from.
        late: "late" if the platform says so.
        handed_in: when it was handed in, in UTC, or "".
        order: the platform's number, higher for what was handed in later.
        result: what became of it.
        download: the download's file name.
        file: what it is called in the download.

    """

    student: str
    lms_id: str
    name: str
    platform: str
    late: str
    handed_in: str
    order: str
    result: str
    download: str
    file: str


def record_file(course: Path, assignment: str) -> Path:
    """Return where the record of an assignment is."""
    return course / "collected" / f"{assignment}.csv"


def read_record(path: Path) -> dict[str, Collected]:
    """Return the rows of those whose submissions were collected, by student."""
    # An order stands only in the row of a submission that was put in place.
    return {row.student: row for row in _rows(path) if row.student and row.result in IN_PLACE}


def platforms_of(folder: Path) -> dict[str, set[str]]:
    """Return the platforms that gave an id to somebody, by id, from all records of a course."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*.csv")):
        for row in _rows(path):
            found.setdefault(row.lms_id, set()).add(row.platform)
    return found


def _rows(path: Path) -> list[Collected]:
    if not path.is_file():
        return []
    names = [one.name for one in fields(Collected)]
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        return [
            Collected(*((row.get(name) or "").removeprefix("'") for name in names))
            for row in csv.DictReader(stream)
        ]


def write_record(path: Path, before: Mapping[str, Collected], rows: Iterable[Collected]) -> None:
    """Write the rows of this time, and those from before of students who are not among them."""
    now = list(rows)
    placed = {row.student for row in now if row.result in IN_PLACE}
    kept = [row for student, row in before.items() if student not in placed]
    ordered = sorted((*kept, *now), key=lambda one: (one.student, one.name, one.file))
    names = [one.name for one in fields(Collected)]
    text = csv_text([names, *(list(vars(row).values()) for row in ordered)])
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, text, 0o600)
