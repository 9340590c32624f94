"""Which worker grades which job next: new ones, repeated ones, and second opinions.

It knows nothing of how workers are reached. A job has ended when one result is there, or two
that agree if a second opinion was wanted of it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from coursekit.class_grading.engine import MAX_TRIES, Ended, Task
from coursekit.class_grading.results import FailedGrading
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Graded, Job
from coursekit.judge.verdict import NotebookVerdict

_ALL = 2.0**64
_GONE = FailedGrading(
    "the worker that graded it was lost",
    "grade it again; if workers are lost again, look at their machines",
    passing=True,
)


class Grader(Protocol):
    """A worker, as far as it matters here.

    Attributes:
        name: its name, for people.
        host: the machine that it is on.

    """

    @property
    def name(self) -> str: ...
    @property
    def host(self) -> str: ...


@dataclass(eq=False)
class _Open:
    """A job that has been handed out and has not ended.

    Attributes:
        task: the job, and where its submission is.
        holders: the workers that grade it now.
        first: the first result, and who gave it, while a second opinion is waited for.

    """

    task: Task
    holders: list[Grader] = field(default_factory=list)
    first: tuple[Ended, Grader] | None = None


class JobQueue:
    """The jobs of a run, handed out to workers.

    Args:
        tasks: the jobs.
        graded_twice: the share of jobs that two machines grade, from 0 to 1.

    """

    def __init__(self, tasks: Iterator[Task], graded_twice: float) -> None:
        self._tasks = tasks
        self._graded_twice = graded_twice
        self._again: deque[_Open] = deque()
        self._opinions: deque[_Open] = deque()
        self._open: dict[Job, _Open] = {}
        self._finished = False

    @property
    def is_done(self) -> bool:
        """Whether all jobs have ended."""
        return self._finished and not self._open

    def next_for(self, worker: Grader, *, idle: bool) -> Task | None:
        """Return the job that a worker is to grade next; None if it has to wait.

        Args:
            worker: the worker.
            idle: whether it has no job at all.

        """
        found = self._waiting_for(worker, idle)
        if found:
            found.holders.append(worker)
            return found.task
        return None

    def _waiting_for(self, worker: Grader, idle: bool) -> _Open | None:
        for waiting in (self._again, self._opinions):
            for one in waiting:
                if not self._is_same_host(one, worker):
                    waiting.remove(one)
                    return one
        task = None if self._finished else next(self._tasks, None)
        if task is None:
            self._finished = True
            if self._again:
                return self._again.popleft()
            return self._overtaken_by(worker) if idle else None
        self._open[task.job] = _Open(task)
        return self._open[task.job]

    def _is_same_host(self, one: _Open, worker: Grader) -> bool:
        """Whether a job was on a worker's machine before, and is to be graded on another one."""
        earlier = one.first[1] if one.first else one.task.worker
        return earlier is not None and earlier.host == worker.host

    def _overtaken_by(self, worker: Grader) -> _Open | None:
        """The job that another worker has had for the longest time: whoever is first counts.

        So that the last jobs of a run do not wait for a slow machine.
        """
        for one in self._open.values():
            alone = len(one.holders) == 1 and one.holders[0] is not worker
            if alone and not self._is_same_host(one, worker):
                return one
        return None

    def is_wanted(self, task: Task) -> bool:
        """Return whether a job that was handed out has not ended meanwhile."""
        return task.job in self._open

    def ended(self, task: Task, worker: Grader, ended: Ended) -> Ended | None:
        """Take a result; return how the job ended, or None if it has not, or had before.

        Args:
            task: the job that was handed out.
            worker: who gave the result.
            ended: the result.

        Raises:
            InfrastructureError: if two machines disagree.

        """
        one = self._open.get(task.job)
        if one is None:
            return None  # another one was faster
        self._let_go(one, worker)
        outcome = ended.outcome
        if isinstance(outcome, FailedGrading):
            return self._failed(one, worker, ended)
        if one.first is None:
            if not _is_chosen(task.job, self._graded_twice):
                return self._close(one, ended)
            one.first = ended, worker
        if one.first[1].host == worker.host:
            self._ask_again(one)
            return None
        first = one.first[0].outcome
        assert isinstance(first, Graded)
        _compare(task.job, (first, one.first[1]), (outcome, worker))
        return self._close(one, ended)

    def refused(self, task: Task, ended: Ended) -> Ended:
        """End a job whose submission cannot be opened."""
        return self._close(self._open[task.job], ended)

    def lost(self, task: Task, worker: Grader, *, its_fault: bool) -> Ended | None:
        """Take a job back from a worker; return how it ended if it has been tried often enough.

        Args:
            task: the job.
            worker: the worker.
            its_fault: whether the job may be the reason that the worker was lost.

        """
        one = self._open.get(task.job)
        if one is None or worker not in one.holders:
            return None
        self._let_go(one, worker)
        if its_fault:
            return self._failed(one, worker, Ended(task.job, _GONE))
        self._ask_again(one)
        return None

    def without_second_opinions(self) -> Iterator[Ended]:
        """End the jobs that wait for another machine, where there is only one."""
        while self._opinions:
            one = self._opinions.popleft()
            assert one.first is not None
            yield self._close(one, one.first[0])

    def _failed(self, one: _Open, worker: Grader, ended: Ended) -> Ended | None:
        """A try that gave no result: try again, or end the job."""
        assert isinstance(ended.outcome, FailedGrading)
        task = one.task
        task.tries, task.worker = task.tries + 1, worker
        if one.holders or (ended.outcome.passing and task.tries < MAX_TRIES):
            self._ask_again(one)
            return None
        # What one machine has found counts, if no other one comes to an end.
        return self._close(one, one.first[0] if one.first else ended)

    def _ask_again(self, one: _Open) -> None:
        """Have a job graded by another worker, unless one does so already."""
        waiting = self._opinions if one.first else self._again
        if not one.holders and one not in waiting:
            waiting.append(one)

    def _let_go(self, one: _Open, worker: Grader) -> None:
        if worker in one.holders:
            one.holders.remove(worker)

    def _close(self, one: _Open, ended: Ended) -> Ended:
        for waiting in (self._again, self._opinions):
            if one in waiting:
                waiting.remove(one)
        del self._open[one.task.job]
        return ended


def _is_chosen(job: Job, share: float) -> bool:
    """Whether a job is one of those that are graded twice; the salt makes it unpredictable."""
    digest = hashlib.sha256(f"{job.student}\0{job.digest}\0{job.salt}".encode(errors="replace"))
    return int.from_bytes(digest.digest()[:8], "big") < share * _ALL


def _compare(job: Job, one: tuple[Graded, Grader], other: tuple[Graded, Grader]) -> None:
    """Find two results to be the same judgement.

    Raises:
        InfrastructureError: if they are not.

    """
    results = [NotebookVerdict.from_json(graded.verdict) for graded, _ in (one, other)]
    if results[0].judgement == results[1].judgement:
        return
    scores = [f"{sum(cell.score for cell in verdict.cells):g} points" for verdict in results]
    names = [f"{worker.name} on {worker.host}" for _, worker in (one, other)]
    raise InfrastructureError(
        f"two machines graded {job.student}'s {job.assignment} differently: "
        f"{names[0]} gave {scores[0]}, {names[1]} gave {scores[1]}",
        f"find out which one is right, with: coursekit grade {job.assignment} --student "
        f"{job.student} --force; end the worker of the other one, and grade again with --force "
        "what it has graded, which nbgrader.log names",
    )
