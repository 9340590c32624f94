"""``coursekit grade``: grade all submissions of an assignment that are to be graded.

Worker processes grade; only this process writes the gradebook and ``autograded/``, with
nbgrader's own steps, one submission after the other. If anything ends it, the same command
goes on: see `journal`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from rich.console import Console

from coursekit.class_grading.engine import StartEngine
from coursekit.class_grading.merged_results import ShardResults
from coursekit.class_grading.run import Run
from coursekit.class_grading.wish import Wish
from coursekit.command_runner import line_printer
from coursekit.course.assignment import find_assignment
from coursekit.nbgrader_run import LOG
from coursekit.nbgrader_seam import commands
from coursekit.nbgrader_seam.failures import INTERRUPTED, start
from coursekit.nbgrader_seam.submitted_folder import close_submission

# What a worker needs besides what its student's code may use: a judge, and what is forked.
OWN_BYTES = 10**9


def grade_class(
    course: Path,
    wish: Wish,
    console: Console,
    start_engine: StartEngine | None = None,
    merged: ShardResults | None = None,
) -> int:
    """Grade; return the exit status: 0, or 1 if a submission could not be graded.

    Args:
        course: the course's folder.
        wish: what was asked for.
        console: where it says what it does.
        start_engine: starts what grades; None for the workers of this machine.
        merged: results that are there already and only written; None to have all graded.

    Raises:
        CourseKitError: if nothing can be graded.

    """
    find_assignment(course, wish.assignment)
    commands.install()
    say = line_printer(console)
    with contextlib.chdir(course), _logged(course / LOG) as log:
        app = AutogradeApp(log=log)
        app.initialize([*(["--force"] if wish.force else []), *wish.settings])
        app.coursedir.assignment_id = wish.assignment
        app.coursedir.student_id = wish.student
        converter = Autograde(coursedir=app.coursedir, parent=app)
        run = Run(course, wish, console, start_engine, merged)
        converter.convert_all = run.convert_all
        converter.writes = wish.shard is None and not wish.dry_run
        converter.runs_code = start_engine is None and merged is None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # SQLAlchemy's, of how nbgrader uses it
                start(converter)
        except SystemExit:
            say(f"\n{INTERRUPTED}")
            raise
        except NbGraderException as error:
            say(f"\n{error}".rstrip())
            say(f"hint: the whole log is in {course / LOG}")
            return 1
        finally:
            close_submission(app.coursedir)
        return 0


class _Log(logging.FileHandler):
    """A log that is silent where nothing can be written: what failed is told elsewhere."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Leave the record out."""


@contextlib.contextmanager
def _logged(path: Path) -> Iterator[logging.Logger]:
    """Give a log that is a file: on the terminal there is the progress."""
    log = logging.Logger("coursekit grade", logging.INFO)
    handler = _Log(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("[%(name)s | %(levelname)s] %(message)s"))
    # nbgrader's gradebook writes tracebacks into this one.
    other = logging.getLogger("tornado.application")
    before = other.propagate
    for one in (log, other):
        one.addHandler(handler)
    other.propagate = False
    try:
        yield log
    finally:
        other.removeHandler(handler)
        other.propagate = before
        handler.close()
