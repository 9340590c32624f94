"""What a format is given, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coursekit.class_scores import GRADED, NOTHING, ClassScores, StudentScore


@dataclass(frozen=True)
class Request:
    """What is to be exported.

    Attributes:
        scores: the class's scores.
        into: the file of the learning platform that is to be filled; b"" without one.
        into_name: its name.
        column: which of its columns; "" for the one that is called like the assignment.
        pages: the feedback pages, by student and name.
        now: when.

    """

    scores: ClassScores
    into: bytes = b""
    into_name: str = ""
    column: str = ""
    pages: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    now: datetime | None = None


@dataclass(frozen=True)
class Exported:
    """What a format makes of it.

    Attributes:
        files: the files by name; a format of a single file calls it "".
        notes: what somebody has to know who uses them.

    """

    files: dict[str, bytes]
    notes: tuple[str, ...] = ()


def graded(scores: ClassScores) -> list[StudentScore]:
    """Return those who have a score."""
    return [one for one in scores.students if one.status == GRADED]


def waiting_notes(scores: ClassScores) -> tuple[str, ...]:
    """Return who handed in and has no score, in words."""
    left: dict[str, list[str]] = {}
    for one in scores.students:
        if one.status not in (GRADED, NOTHING):
            left.setdefault(one.status, []).append(one.student.id)
    return tuple(f"no score, {status}: {', '.join(who)}" for status, who in left.items())


def file_name(student: str, ending: str) -> str:
    """Return a student's file, whatever the student is called."""
    return f"{student.replace('%', '%25').replace('/', '%2F')}{ending}"
