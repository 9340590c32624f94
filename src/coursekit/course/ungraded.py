"""What is kept of a submission that could not be graded: why, until it is graded."""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from coursekit.processes.whole_files import write_whole

SCHEMA = 1
_FOLDER, _FILE = "build/ungraded", "ungraded.json"


@dataclass(frozen=True)
class Ungraded:
    """Why a submission has no score: grading itself failed (*infrastructure*).

    Attributes:
        assignment: the assignment's name.
        student: the student's id.
        reason: what happened.
        hint: what to do next.

    """

    assignment: str
    student: str
    reason: str
    hint: str = ""


def note_ungraded(course: Path, found: Ungraded) -> None:
    """Keep why a submission could not be graded, if the disk allows it."""
    path = _place(course, found.assignment, found.student) / _FILE
    text = json.dumps({"schema": SCHEMA, **asdict(found)}, indent=1, ensure_ascii=False) + "\n"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8", "surrogateescape"), 0o600)


def forget_ungraded(course: Path, assignment: str, student: str) -> None:
    """Forget what was kept of a submission: it is graded now."""
    shutil.rmtree(_place(course, assignment, student), ignore_errors=True)


def why_ungraded(course: Path, assignment: str, student: str) -> Ungraded | None:
    """Return why a submission could not be graded; None if nothing is kept that can be read."""
    path = _place(course, assignment, student) / _FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        return Ungraded(**data) if data.pop("schema") == SCHEMA else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _place(course: Path, assignment: str, student: str) -> Path:
    # A folder: with an ending, a student's name could be too long for a file's.
    return course / _FOLDER / assignment / student
