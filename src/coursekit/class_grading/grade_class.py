"""``coursekit grade``: grade all submissions of an assignment that are to be graded.

Worker processes grade; only this process writes the gradebook and ``autograded/``, with
nbgrader's own steps, one submission after the other. If anything ends it, the same command
goes on: see `journal`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

import psutil
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from rich.console import Console

from coursekit.class_grading.attempt import attempt
from coursekit.class_grading.gradebook_writer import write_submission
from coursekit.class_grading.journal import Journal
from coursekit.class_grading.plan import Planned, plan
from coursekit.class_grading.progress import GradingProgress
from coursekit.class_grading.results import FailedGrading, read_result, result_file
from coursekit.class_grading.workers import Ended, Task, Workers
from coursekit.command_runner import line_printer
from coursekit.course.assignment import find_assignment
from coursekit.course.student_names import escaped
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Bundle, Graded, Job
from coursekit.grading.judge_answers import JudgeAnswers
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import LOG, find_verdict
from coursekit.nbgrader_seam import commands
from coursekit.nbgrader_seam.failures import INTERRUPTED, in_one_line, start
from coursekit.nbgrader_seam.graded_submission import bundle_of
from coursekit.nbgrader_seam.submitted_folder import close_submission, open_handed_in
from coursekit.sandbox.limits import MEGABYTE, Limits
from coursekit.sandbox.settings import StudentKernel

# What a worker needs besides what its student's code may use: a judge, and what is forked.
OWN_BYTES = 10**9


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line.

    Attributes:
        assignment: the assignment's name.
        student: one student's id, or a pattern.
        workers: how many; 0 for as many as the machine has cores and memory for.
        force: whether submissions are graded that have been graded already.
        dry_run: whether only to say what would be graded.
        settings: further settings of nbgrader's, such as ``--JudgeAnswers.run_all=True``.

    """

    assignment: str
    student: str = "*"
    workers: int = 0
    force: bool = False
    dry_run: bool = False
    settings: tuple[str, ...] = ()


def grade_class(course: Path, wish: Wish, console: Console) -> int:
    """Grade; return the exit status: 0, or 1 if a submission could not be graded.

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
        run = _Run(course, wish, console)
        converter.convert_all = run.convert_all
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


def workers_here(limits: Limits) -> int:
    """Return how many workers this machine has cores and memory for.

    Each may need all that a submission may use: where the memory runs out, the system ends
    some process, which may be the kernel of another student.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    each = OWN_BYTES + (limits.total_megabytes + limits.disk_megabytes) * MEGABYTE
    return max(1, min(cores or 1, int(psutil.virtual_memory().available // each)))


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


class _Run:
    """One run: has everything graded, and writes each result when it is there."""

    def __init__(self, course: Path, wish: Wish, console: Console) -> None:
        self._course = course
        self._wish = wish
        self._console = console
        self._say = line_printer(console)

    def convert_all(self, converter: Any) -> None:
        """Take the place of nbgrader's loop over all submissions.

        Raises:
            NbGraderException: if a submission could not be graded.

        """
        if self._wish.dry_run:
            self._tell(list(plan(converter)))
            return
        bundle = bundle_of(converter)
        sent = self._for_workers(bundle)
        journal = Journal(self._course / "build" / "grading" / self._wish.assignment)
        with journal.open(_digest(bundle, sent)):
            converter.run_salt = journal.salt
            found = list(plan(converter))
            converter.refused += [each.problem for each in found if each.problem and not each.why]
            planned = [each for each in found if self._is_left(converter, each, journal)]
            self._tell_beginning(found, planned, journal)
            with GradingProgress(self._console, len(planned)) as progress:
                self._grade(converter, planned, sent, journal, progress)

    def _grade(
        self,
        converter: Any,
        planned: list[Planned],
        sent: dict[str, Any] | None,
        journal: Journal,
        progress: GradingProgress,
    ) -> None:
        """Grade what is planned, and write each submission as soon as all of it is graded."""
        by_job = {job: each for each in planned for job in each.jobs}
        waiting = {each.student: len(each.jobs) for each in planned}
        ready: dict[str, dict[Job, Graded | FailedGrading]] = {}
        for ended in self._ended(converter, by_job, sent, journal):
            submission = by_job[ended.job]
            if ended.log:
                converter.log.info("%s\n%s", submission.folder, ended.log.rstrip())
            results = ready.setdefault(submission.student, {})
            results[ended.job] = ended.outcome
            waiting[submission.student] -= 1
            if waiting[submission.student]:
                continue
            self._write(converter, submission, ready.pop(submission.student), progress)
            for job in submission.jobs:
                result_file(journal.results, job).unlink(missing_ok=True)

    def _ended(
        self,
        converter: Any,
        by_job: dict[Job, Planned],
        sent: dict[str, Any] | None,
        journal: Journal,
    ) -> Iterator[Ended]:
        """How each job ended: first those that an interrupted run has left graded."""
        left = []
        for job in by_job:
            found = read_result(journal.results, job) if journal.goes_on else None
            if found and isinstance(found[0], Graded):
                yield Ended(job, *found)
            else:
                left.append(job)
        if not left:
            return
        opening = {
            job: partial(open_handed_in, converter.coursedir, by_job[job].folder) for job in left
        }
        if sent is None:
            for job, open_folder in opening.items():
                yield Ended(job, attempt(job, open_folder, bundle_of(converter), converter.log))
            return
        limits = StudentKernel(parent=converter).limits(self._wish.assignment)
        number = min(self._wish.workers or workers_here(limits), len(left))
        with Workers(
            number, sent, journal.results, journal.temporary, _most_seconds(converter)
        ) as workers:
            yield from workers.grade(starmap(Task, opening.items()), journal.begin_job)

    def _for_workers(self, bundle: Bundle) -> dict[str, Any] | None:
        """The bundle as workers get it; None if they cannot, and this process has to grade."""
        try:
            return bundle.as_data()
        except InfrastructureError as error:
            self._say(f"{self._wish.assignment}: one submission after the other: {error.message}")
            return None

    def _write(
        self,
        converter: Any,
        submission: Planned,
        results: dict[Job, Graded | FailedGrading],
        progress: GradingProgress,
    ) -> None:
        """Write one submission, and show how it ended."""
        failed = write_submission(converter, submission.folder, results, progress.waits)
        if failed:
            progress.failed(submission.student, in_one_line(failed, converter))
        else:
            progress.graded(submission.student, *_score(results.values()))

    def _is_left(self, converter: Any, submission: Planned, journal: Journal) -> bool:
        """Whether a submission is to be graded and this run has not done so already."""
        if journal.goes_on and any(
            result_file(journal.results, job).exists() for job in submission.jobs
        ):
            # It may have ended between the files and the scores.
            return True
        if not submission.why:
            return False
        if not (journal.goes_on and self._wish.force):
            return True
        return not all(_is_written(self._course, job) for job in submission.jobs)

    def _tell_beginning(
        self, found: list[Planned], planned: list[Planned], journal: Journal
    ) -> None:
        if journal.goes_on:
            self._say(f"{self._wish.assignment}: going on with a run that was interrupted")
        if found and not planned:
            self._say(f"{self._wish.assignment}: nothing to grade; all submissions are graded")
        self._tell_of_other_tests(found)

    def _tell(self, found: list[Planned]) -> None:
        """Say what would be graded, and why."""
        for each in found:
            self._say(f"{escaped(each.student)}: {each.state}")
        counted = Counter(each.state for each in found)
        self._say(
            f"{self._wish.assignment}: "
            + (", ".join(f"{n} {state}" for state, n in counted.items()) or "no submission")
        )
        self._tell_of_other_tests(found)

    def _tell_of_other_tests(self, found: list[Planned]) -> None:
        """Say how many submissions keep scores that earlier tests gave, and what to do."""
        many = sum(each.by_other_tests for each in found)
        if many:
            name = self._wish.assignment
            left = f"{many} submissions were graded before by other tests and keep their scores"
            if many == 1:
                left = "1 submission was graded before by other tests and keeps its score"
            self._say(f"{name}: {left}")
            self._say(
                "hint: grade all again with --force, or see first whose score today's tests "
                f"change, with: coursekit regrade {name}"
            )


def _score(results: Iterable[Graded | FailedGrading]) -> tuple[float, float]:
    """What all notebooks of a submission earned, and what they are worth."""
    graded = [one for one in results if isinstance(one, Graded)]
    verdicts = [NotebookVerdict.from_json(one.verdict) for one in graded]
    cells = [cell for verdict in verdicts for cell in verdict.cells]
    return sum(cell.score for cell in cells), sum(cell.points for cell in cells)


def _is_written(course: Path, job: Job) -> bool:
    """Whether exactly this job's result is in ``autograded/``."""
    verdict = find_verdict(course, job.student, job.assignment, job.notebook)
    return verdict is not None and (verdict.salt, verdict.digest) == (job.salt, job.digest)


def _digest(bundle: Bundle, sent: dict[str, Any] | None) -> str:
    """A digest of all that results follow from, beside submissions and salt."""
    if sent is None:
        return secrets.token_hex()  # nobody can say whether it is the same again
    made_from = hashlib.sha256(json.dumps(sent, sort_keys=True).encode())
    for assignment in sorted(bundle.asked):
        for path in sorted((bundle.releases / assignment).rglob("*")):
            if path.is_file():
                made_from.update(f"{path}\0".encode() + path.read_bytes())
    return made_from.hexdigest()


def _most_seconds(converter: Any) -> float:
    """What one grading may take at most, even on a machine that does other things too."""
    assignment = converter.coursedir.assignment_id
    judging = JudgeAnswers(parent=converter)
    tests = max(len(cells.tests) for cells in bundle_of(converter).asked[assignment].values())
    submission = StudentKernel(parent=converter).limits(assignment).submission_seconds
    return submission + judging.repair_timeout + (tests + 1) * judging.judge_patience
