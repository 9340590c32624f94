"""One run of grading: what is graded, by an engine, and written by this process alone.

If anything ends it, the same command goes on: see `journal`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

from rich.console import Console

from coursekit.class_grading.attempt import attempt
from coursekit.class_grading.engine import Ended, StartEngine, Task, Work
from coursekit.class_grading.gradebook_writer import write_submission
from coursekit.class_grading.journal import Journal
from coursekit.class_grading.merged_results import ShardResults
from coursekit.class_grading.plan import Planned, plan
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
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.failures import in_one_line
from coursekit.nbgrader_seam.graded_submission import bundle_of
from coursekit.nbgrader_seam.submitted_folder import open_handed_in
from coursekit.sandbox.settings import StudentKernel


class Run:
    """One run: has everything graded, and writes each result when it is there.

    Args:
        course: the course's folder.
        wish: what was asked for.
        console: where it says what it does.
        start_engine: starts what grades; None for the workers of this machine.
        merged: results that are there already and only written; None if there are none.

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

    def convert_all(self, converter: Any) -> None:
        """Take the place of nbgrader's loop over all submissions.

        Raises:
            NbGraderException: if a submission could not be graded.

        """
        if self._wish.dry_run:
            self._tell(self._found(converter))
            return
        bundle = bundle_of(converter)
        sent = self._for_workers(bundle)
        made_from = _digest(bundle, sent)
        journal = self._journal()
        with journal.open(made_from):
            converter.run_salt = journal.salt
            found = self._found(converter)
            converter.refused += [each.problem for each in found if each.problem and not each.why]
            planned = [each for each in found if self._is_left(converter, each, journal)]
            if self._merged:
                planned = self._merged.graded(planned, made_from, converter)
            self._tell_beginning(found, planned, journal)
            with GradingProgress(self._console, len(planned)) as progress:
                self._grade(converter, planned, sent, journal, progress)
        if self._wish.shard:
            self._tell_of_shard(self._wish.shard, journal)

    def _journal(self) -> Journal:
        name, shard = self._wish.assignment, self._wish.shard
        if shard:
            return Journal(shard.folder(self._wish.out), name, kept=True)
        return Journal(self._course / "build" / "grading" / name, name)

    def _found(self, converter: Any) -> list[Planned]:
        """The class, or this shard's part of it."""
        found = list(plan(converter))
        return self._wish.shard.part(found) if self._wish.shard else found

    def _grade(
        self,
        converter: Any,
        planned: list[Planned],
        sent: dict[str, Any] | None,
        journal: Journal,
        progress: GradingProgress,
    ) -> None:
        """Grade what is planned; write, or keep, each submission as soon as all of it is graded."""
        by_job = {job: each for each in planned for job in each.jobs}
        waiting = {each.student: len(each.jobs) for each in planned}
        ready: dict[str, dict[Job, Graded | FailedGrading]] = {}
        for ended in self._ended(converter, by_job, sent, journal):
            submission = by_job[ended.job]
            if ended.log:
                converter.log.info("%s\n%s", submission.folder, ended.log.rstrip())
            results = ready.setdefault(submission.student, {})
            results[ended.job] = ended.outcome
            if self._wish.shard:
                write_result(journal.results, ended.job, ended.outcome, ended.log)
            waiting[submission.student] -= 1
            if waiting[submission.student]:
                continue
            graded = ready.pop(submission.student)
            if self._wish.shard:
                self._show(submission, graded, progress)
                continue
            self._write(converter, submission, graded, progress)
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
            found = find_result(journal.results, job) if journal.goes_on else None
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
        work = Work(
            sent,
            journal.results,
            journal.temporary,
            len(left),
            StudentKernel(parent=converter).limits(self._wish.assignment),
            _most_seconds(converter),
        )
        start = self._start_engine or partial(local_workers, self._wish.workers)
        with start(work) as engine:
            yield from engine.grade(starmap(Task, opening.items()), journal.begin_job)

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

    def _show(
        self,
        submission: Planned,
        results: dict[Job, Graded | FailedGrading],
        progress: GradingProgress,
    ) -> None:
        """Show how a submission ended that is not written here."""
        failed = [one for one in results.values() if isinstance(one, FailedGrading)]
        if failed:
            progress.failed(submission.student, failed[0].message)
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

    def _tell_of_shard(self, shard: Shard, journal: Journal) -> None:
        """Say where a shard's results are, and what comes next."""
        self._say(f"{self._wish.assignment}: {shard} is in {journal.results.parent}")
        self._say(
            "hint: when all shards have ended, write their results with: "
            f"coursekit merge {self._wish.out}"
        )

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
