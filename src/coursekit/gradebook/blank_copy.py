"""A copy of a gradebook that knows what is asked for, and nobody who answered."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection
from pathlib import Path

from nbgrader.api import Gradebook

from coursekit.gradebook.address import database_url
from coursekit.gradebook.copying import copy_into_file


def copy_without_students(url: str, target: Path, assignments: Collection[str]) -> None:
    """Copy a gradebook without its students, their scores and all other assignments.

    Args:
        url: the gradebook's address.
        target: the copy, a file.
        assignments: those that the copy is to know.

    """
    copy_into_file(url, target)
    with Gradebook(database_url(target)) as gradebook:
        for student in [student.id for student in gradebook.students]:
            gradebook.remove_student(student)
        for name in [str(assignment.name) for assignment in gradebook.assignments]:
            if name not in assignments:
                gradebook.remove_assignment(name)
    with contextlib.closing(sqlite3.connect(target)) as connection:
        # What was removed stays in the file until the whole file is written again.
        connection.execute("VACUUM")
