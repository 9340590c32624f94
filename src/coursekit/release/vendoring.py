"""Write what a notebook needs into the student's folder: the library and the checks' record."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.assignment_file import read_assignment_file
from coursekit.course.hidden_tests import hidden_tests, is_test
from coursekit.course.library import STUDENT_LIBRARY, library_content, library_files
from coursekit.course.solution import python_text
from coursekit.release.recording import recorded
from resnets_utils.checks.reference import RECORD


def complete_release(*, assignment: str, **others: Any) -> None:
    """Write the student library and the record into ``release/<assignment>/``.

    nbgrader calls this, in the course folder, after it has written a release.

    Raises:
        CourseKitError: if the solution does not pass its checks, or a setting is wrong.

    """
    made = Assignment(Path.cwd(), assignment)
    release = made.release.parent
    shutil.rmtree(release / STUDENT_LIBRARY, ignore_errors=True)
    for name, content in library_content(needed_files(made)).items():
        path = release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (release / RECORD).write_text(recorded(made), encoding="utf-8")


def needed_files(assignment: Assignment) -> list[str]:
    """Return the files of the student library that an assignment needs."""
    cells = [cell for cell in read_notebook(assignment.source).cells if cell.cell_type == "code"]
    tests = [cell.source for cell in cells if is_test(cell)]
    return library_files(
        [python_text(cell.source) for cell in cells],
        [*tests, *hidden_tests(assignment.tests).values()],
        read_assignment_file(assignment.source.parent).library,
    )
