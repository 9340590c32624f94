"""Grade one submission in Gradescope's container: ``python -m coursekit.exporting.gradescope_run``.

A submission that could not be graded leaves no results, and the exit status is 1: no score
stands for it, neither 0 nor that of an earlier one. What is printed, only instructors see.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

import psutil
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from traitlets.config import Config

from coursekit.class_grading.grade_class import grade_class
from coursekit.class_grading.wish import Wish
from coursekit.class_scores import BY_HAND, GRADED, class_scores
from coursekit.command_runner import line_printer, run_command
from coursekit.course.assignment import Assignment, assignments
from coursekit.errors import InfrastructureError
from coursekit.exporting.gradescope_results import results_json
from coursekit.gradebook.address import GRADEBOOK, database_url
from coursekit.gradebook.student_grades import open_gradebook
from coursekit.nbgrader_run import LOG, of_its_own
from coursekit.processes.plain_files import copy_plain_files, open_folder
from coursekit.processes.temporary_files import temporary_folder
from coursekit.processes.whole_files import write_whole
from coursekit.sandbox.doctor import doctor
from coursekit.sandbox.limits import MEGABYTE, Limits
from coursekit.sandbox.settings import UNSAFE_VARIABLE

ROOT = Path("/autograder")
_STUDENT = "submission"
# The time of handing in is Gradescope's, and no file of the student's.
_NOT_COPIED = {"timestamp.txt"}
# What grading needs besides the student's code, and what that needs at least.
_OWN_MEGABYTES = 1500
_LEAST_MEGABYTES = 1000
_SHOWN_OF_LOG = 20_000
_LIMITS_OF_CONTAINERS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def grade_submission(root: Path, console: Console) -> int:
    """Grade what was handed in; return 0.

    Args:
        root: Gradescope's folder.
        console: for what instructors see.

    Raises:
        CourseKitError: if it cannot be graded. Then there are no results.

    """
    started = time.monotonic()
    results = root / "results" / "results.json"
    results.unlink(missing_ok=True)
    os.environ.pop(UNSAFE_VARIABLE, None)
    doctor(console)
    settings = ["--StudentKernel.level=", "--StudentKernel.unsafe=False"]
    left = _megabytes_left()
    if left < Limits().total_megabytes:
        settings.append(f"--StudentKernel.total_megabytes={left}")
    with temporary_folder("coursekit-gradescope-") as folder:
        course = folder / "course"
        shutil.copytree(root / "source" / "course", course)
        [assignment] = assignments(course)
        with open_folder(root, "submission") as handed_in:
            copy_plain_files(
                handed_in,
                course / "submitted" / _STUDENT / assignment.name,
                lambda inside: str(inside) not in _NOT_COPIED,
            )
        settings += of_its_own(course)
        wish = Wish(assignment.name, workers=1, settings=tuple(settings))
        if grade_class(course, wish, console):
            # The folder goes when this ends.
            line_printer(console)((course / LOG).read_text("utf-8", "replace")[-_SHOWN_OF_LOG:])
            raise InfrastructureError("the submission has no score", "read what is said above")
        content = _results(assignment, time.monotonic() - started)
    results.parent.mkdir(exist_ok=True)
    write_whole(results, content)
    return 0


def _results(assignment: Assignment, seconds: float) -> bytes:
    settings = Config()
    settings.CourseDirectory.root = str(assignment.course)
    coursedir = CourseDirectory(config=settings)
    with open_gradebook(database_url(assignment.course / GRADEBOOK)) as gradebook:
        [one] = class_scores(gradebook, coursedir, assignment.name, (_STUDENT,)).students
    if one.status not in (GRADED, BY_HAND):
        raise InfrastructureError(
            f"the submission has no score: {one.status}", "rerun the autograder in Gradescope"
        )
    return results_json(one, seconds)


def _megabytes_left() -> int:
    """The memory that is left for a submission in this container.

    Raises:
        InfrastructureError: if it is too little for any.

    """
    whole = psutil.virtual_memory().total
    for path in _LIMITS_OF_CONTAINERS:
        with contextlib.suppress(OSError, ValueError):
            whole = min(whole, int(path.read_text()))
    left: int = whole // MEGABYTE - _OWN_MEGABYTES
    if left < _LEAST_MEGABYTES:
        raise InfrastructureError(
            f"this container has {whole // MEGABYTE} MB of memory, which is too little",
            "choose the largest container size in the assignment's settings in Gradescope",
        )
    return left


if __name__ == "__main__":
    sys.exit(run_command(lambda console: grade_submission(ROOT, console)))
