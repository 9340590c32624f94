"""One run of grading: what is graded, by an engine, and written by this process alone.

If anything ends it, the same command goes on: see `journal`.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rich.console import Console

from coursekit.class_grading.attempt import attempt
from coursekit.class_grading.engine import Ended, StartEngine, Task, Work
from coursekit.class_grading.gradebook_writer import Results, write_submissions
from coursekit.class_grading.journal import Journal
from coursekit.class_grading.merged_results import ShardResults
from coursekit.class_grading.plan import Plan, Planned
from coursekit.class_grading.progress import GradingProgress
from coursekit.class_grading.results import FailedGrading, find_result, result_file, write_result
from coursekit.class_grading.shard import Shard
from coursekit.class_grading.wish import Wish
from coursekit.class_grading.workers import local_workers
from coursekit.command_runner import line_printer
from coursekit.course.student_names import escaped
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Bundle, Graded, Job
from coursekit.grading.judge_answers import JudgeAnswers
from coursekit.judge.verdict import scores_in
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.failures import in_one_line
from coursekit.nbgrader_seam.graded_submission import bundle_of
from coursekit.nbgrader_seam.submitted_folder import open_handed_in
from coursekit.sandbox.settings import StudentKernel

# So many jobs are noted in the journal at a time, or as many as are found in so many seconds:
# a worker waits for them.
_MOST_NOTED, _NOTED_SECONDS = 64, 0.02


class Run:
    """One run: has everything graded, and writes each result when it is there.

    Args:
        course: the course's folder.
        wish: what was asked for.
        console: where it says what it does.
        start_engine: starts what grades; None for the workers of this machine.
        merged: results that are there already and only written; None to have all graded.

    """

    def __init__(
        self,
        course: Path,
        wish: Wish,
        console: Console,
        start_engine: StartEngine | None = None,
        merged: ShardResults | None = None,
    ) -> None:
        self._course = course
        self._wish = wish
        self._console = console
        self._start_engine = merged.engine if merged else start_engine
        self._merged = merged
        self._say = line_printer(console)
        self._by_other_tests = 0

    def convert_all(self, converter: Any) -> None:
        """Take the place of nbgrader's loop over all submissions.

        Raises:
            NbGraderException: if a submission could not be graded.

        """
        if self._wish.dry_run:
            self._tell(Plan(converter, self._wish.shard))
            return
        bundle = bundle_of(converter)
        sent = self._for_workers(bundle)
        made_from = _digest(bundle, sent)
        journal = self._journal()
        with journal.open(made_from):
            if journal.goes_on:
                self._say(f"{self._wish.assignment}: going on with a run that was interrupted")
            if self._merged:
                self._merged.begin(made_from)
            converter.run_salt = journal.salt
            plan = Plan(converter, self._wish.shard)
            with GradingProgress(self._console, plan.expected) as progress:
                self._grade(converter, plan, sent, journal, progress)
            if self._merged:
                converter.refused += self._merged.missing
            self._tell_what_was_left(plan, progress)
        if self._wish.shard:
            self._tell_of_shard(self._wish.shard, journal)

    def _journal(self) -> Journal:
        name, shard = self._wish.assignment, self._wish.shard
        if shard:
            return Journal(shard.folder(self._wish.out), name, kept=True)
        return Journal(self._course / "build" / "grading" / name, name)

    def _grade(
        self,
        converter: Any,
        plan: Plan,
        sent: dict[str, Any] | None,
        journal: Journal,
        progress: GradingProgress,
    ) -> None:
        """Grade what is planned; write, or keep, each submission as soon as all of it is graded."""
        planned = self._planned(converter, plan, journal, progress)
        by_job: dict[Job, Planned] = {}
        ready: dict[str, Results] = {}
        for some in self._ended(converter, planned, by_job, sent, journal):
            complete: list[tuple[Planned, Results]] = []
            for ended in some:
                submission = by_job.pop(ended.job)
                if ended.log:
                    converter.log.info("%s\n%s", submission.folder, ended.log.rstrip())
                if self._wish.shard:
                    write_result(journal.results, ended.job, ended.outcome, ended.log)
                results = ready.setdefault(submission.student, {})
                results[ended.job] = ended.outcome
                if len(results) == len(submission.jobs):
                    complete.append((submission, ready.pop(submission.student)))
            if self._wish.shard:
                for submission, results in complete:
                    _show(converter, submission, results, progress)
            else:
                self._write(converter, complete, journal, progress)

    def _planned(
        self, converter: Any, plan: Plan, journal: Journal, progress: GradingProgress
    ) -> Iterator[Planned]:
        """Yield what is to be graded; note what is not, and why."""
        for each in plan:
            if each.problem and not each.why:
                converter.refused.append(each.problem)
            self._by_other_tests += each.by_other_tests
            found = each if self._is_left(each, journal) else None
            if found and self._merged:
                found = self._merged.graded(found, converter)
            progress.expects(bool(found) - each.expected)
            if found:
                yield found

    def _ended(
        self,
        converter: Any,
        planned: Iterator[Planned],
        by_job: dict[Job, Planned],
        sent: dict[str, Any] | None,
        journal: Journal,
    ) -> Iterator[list[Ended]]:
        """How jobs ended: first those that an interrupted run has left graded.

        Args:
            converter: nbgrader's.
            planned: what is to be graded.
            by_job: is given each job that was begun and has not ended.
            sent: the bundle for workers; None if this process has to grade.
            journal: the run's.

        """
        done: deque[Job] = deque()
        tasks = _noted(self._tasks(converter, planned, by_job, journal, done), journal)
        if sent is None:
            for task in tasks:
                bundle = bundle_of(converter)
                yield [Ended(task.job, attempt(task.job, task.open_folder, bundle, converter.log))]
                yield from _drained(done, journal)
            yield from _drained(done, journal)
            return
        many = max(self._wish.workers, os.cpu_count() or 1)
        first = list(islice(tasks, many))
        yield from _drained(done, journal)
        if not first:
            return
        work = Work(
            sent,
            journal.made_from,
            journal.results,
            journal.temporary,
            len(first),
            StudentKernel(parent=converter).limits(self._wish.assignment),
            _most_seconds(converter),
        )
        start = self._start_engine or partial(local_workers, self._wish.workers)
        with start(work) as engine:
            for some in engine.grade(chain(first, tasks)):
                yield some
                yield from _drained(done, journal)
        yield from _drained(done, journal)

    def _tasks(
        self,
        converter: Any,
        planned: Iterator[Planned],
        by_job: dict[Job, Planned],
        journal: Journal,
        done: deque[Job],
    ) -> Iterator[Task]:
        """Yield what is left to grade; put aside what an interrupted run has left graded."""
        for each in planned:
            for job in each.jobs:
                by_job[job] = each
                found = find_result(journal.results, job) if journal.goes_on else None
                if found and isinstance(found[0], Graded):
                    done.append(job)
                else:
                    yield Task(job, partial(open_handed_in, converter.coursedir, each.folder))

    def _for_workers(self, bundle: Bundle) -> dict[str, Any] | None:
        """The bundle as workers get it; None if they cannot, and this process has to grade.

        Raises:
            InfrastructureError: if they cannot, and the results are made or used elsewhere.

        """
        try:
            return bundle.as_data()
        except InfrastructureError as error:
            if self._start_engine or self._wish.shard:
                raise
            self._say(f"{self._wish.assignment}: one submission after the other: {error.message}")
            return None

    def _write(
        self,
        converter: Any,
        complete: list[tuple[Planned, Results]],
        journal: Journal,
        progress: GradingProgress,
    ) -> None:
        """Write submissions, and show how each of them ended."""
        by_folder = {submission.folder: (submission, results) for submission, results in complete}
        graded = {folder: results for folder, (_, results) in by_folder.items()}
        for folder, failed in write_submissions(converter, graded, progress.waits):
            submission, results = by_folder[folder]
            if failed:
                progress.failed(submission.student, in_one_line(failed, converter))
            else:
                _show_score(submission, results, progress)
            for job in submission.jobs:
                result_file(journal.results, job).unlink(missing_ok=True)

    def _is_left(self, submission: Planned, journal: Journal) -> bool:
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

    def _tell_what_was_left(self, plan: Plan, progress: GradingProgress) -> None:
        if len(plan) and not progress.total:
            self._say(f"{self._wish.assignment}: nothing to grade; all submissions are graded")
        self._tell_of_other_tests()

    def _tell(self, plan: Plan) -> None:
        """Say what would be graded, and why."""
        counted: Counter[str] = Counter()
        for each in plan:
            self._say(f"{escaped(each.student)}: {each.state}")
            counted[each.state] += 1
            self._by_other_tests += each.by_other_tests
        self._say(
            f"{self._wish.assignment}: "
            + (", ".join(f"{n} {state}" for state, n in counted.items()) or "no submission")
        )
        self._tell_of_other_tests()

    def _tell_of_shard(self, shard: Shard, journal: Journal) -> None:
        """Say where a shard's results are, and what comes next."""
        self._say(f"{self._wish.assignment}: {shard} is in {journal.results.parent}")
        self._say(
            "hint: when all shards have ended, write their results with: "
            f"coursekit merge {self._wish.out}"
        )

    def _tell_of_other_tests(self) -> None:
        """Say how many submissions keep scores that earlier tests gave, and what to do."""
        many = self._by_other_tests
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


def _noted(tasks: Iterable[Task], journal: Journal) -> Iterator[Task]:
    """Note tasks in the journal, several at a time: nothing may be sent before the disk has it."""
    some: list[Task] = []
    began = time.monotonic()
    for task in tasks:
        some.append(task)
        if len(some) == _MOST_NOTED or time.monotonic() - began > _NOTED_SECONDS:
            journal.begin_jobs(one.job for one in some)
            yield from some
            some = []
            began = time.monotonic()
    if some:
        journal.begin_jobs(one.job for one in some)
        yield from some


def _drained(done: deque[Job], journal: Journal) -> Iterator[list[Ended]]:
    """Yield how jobs ended that an interrupted run has left graded."""
    while done:
        job = done.popleft()
        if found := find_result(journal.results, job):
            yield [Ended(job, *found)]


def _show(converter: Any, submission: Planned, results: Results, progress: GradingProgress) -> None:
    """Show how a submission ended that is not written here."""
    failed = [one for one in results.values() if isinstance(one, FailedGrading)]
    if failed:
        told = failed[0].error
        converter.failed.append(told)
        progress.failed(submission.student, in_one_line(told, converter))
    else:
        _show_score(submission, results, progress)


def _show_score(submission: Planned, results: Results, progress: GradingProgress) -> None:
    found = [scores_in(one.verdict) for one in results.values() if isinstance(one, Graded)]
    score, points = (sum(each) for each in zip(*found, strict=True))
    progress.graded(submission.student, score, points)


def _is_written(course: Path, job: Job) -> bool:
    """Whether exactly this job's result is in ``autograded/``."""
    verdict = find_verdict(course, job.student, job.assignment, job.notebook)
    return verdict is not None and (verdict.salt, verdict.digest) == (job.salt, job.digest)


def _digest(bundle: Bundle, sent: dict[str, Any] | None) -> str:
    """A digest of all that results follow from, beside submissions and salt.

    It is the same on another machine, wherever the course lies there.
    """
    if sent is None:
        return secrets.token_hex()  # nobody can say whether it is the same again
    made_from = hashlib.sha256(json.dumps({**sent, "releases": ""}, sort_keys=True).encode())
    for inside, path in bundle.released_files():
        made_from.update(f"{inside}\0".encode() + path.read_bytes())
    return made_from.hexdigest()


def _most_seconds(converter: Any) -> float:
    """What one grading may take at most, even on a machine that does other things too."""
    assignment = converter.coursedir.assignment_id
    judging = JudgeAnswers(parent=converter)
    tests = max(len(cells.tests) for cells in bundle_of(converter).asked[assignment].values())
    submission = StudentKernel(parent=converter).limits(assignment).submission_seconds
    return submission + judging.repair_timeout + (tests + 1) * judging.judge_patience
