"""The worker processes: start them, give each a job, hear how it ended, replace the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import wait
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, Self

import psutil

from coursekit.class_grading.engine import MAX_TRIES, Ended, Task, Work
from coursekit.class_grading.results import FailedGrading, find_result
from coursekit.errors import CourseKitError
from coursekit.processes.line import Server, receive, send, start_process
from coursekit.sandbox.limits import MEGABYTE, Limits

# What a worker needs besides what its student's code may use: a judge, and what is forked.
OWN_BYTES = 10**9
# What a worker has for its temporary files and its processes when it is ended.
_ENDING_SECONDS = 15
ENDED = FailedGrading(
    "the process that graded it ended",
    "grade it again; if that fails too, look for a lack of memory, with: dmesg",
    passing=True,
)


class Worker:
    """One process that grades.

    Args:
        bundle: the bundle's JSON data.
        results: the folder for results.
        temporary: the folder for temporary files.
        cores: the numbers of its cores; [] for all.

    """

    def __init__(
        self, bundle: dict[str, Any], results: Path, temporary: Path, cores: list[int]
    ) -> None:
        self._begin = {
            "bundle": bundle,
            "results": str(results),
            "temporary": str(temporary),
            "cores": cores,
        }
        self.task: Task | None = None
        self.since = 0.0
        self.server = self._start()

    def _start(self) -> Server:
        server = start_process("coursekit.class_grading")
        with suppress(OSError):  # it has ended already: that is heard later
            send(server.line, self._begin)
        return server

    def take(self, task: Task) -> None:
        """Give the worker a job.

        Raises:
            CourseKitError: if the submission cannot be opened.

        """
        task.tries, task.worker = task.tries + 1, self
        with task.open_folder() as folder:
            self.task, self.since = task, time.monotonic()
            with suppress(OSError):  # it has just ended: its line says so
                send(self.server.line, {"job": asdict(task.job), "folder": str(folder.path)})
                send_handle(self.server.line, folder.fileno(), self.server.process.pid)

    def hear(self) -> FailedGrading | None:
        """Return why its job failed; None if its result is written. A dead worker is replaced."""
        try:
            told = receive(self.server.line)
        except (EOFError, OSError):
            self.replace()
            return ENDED
        return FailedGrading(**told["failed"]) if "failed" in told else None

    def replace(self) -> None:
        """End the process, and start another."""
        self.server.close()
        self.server = self._start()

    def end(self) -> None:
        """End the process; it clears away what it has made."""
        self.server.process.send_signal(signal.SIGTERM)

    def wait_for_end(self, deadline: float) -> None:
        """Wait until it has ended, and end it by force after that."""
        with suppress(subprocess.TimeoutExpired):
            self.server.process.wait(max(deadline - time.monotonic(), 0))
        self.server.close()


def end_all(workers: Sequence[Worker]) -> None:
    """End workers side by side: all are told before one is waited for."""
    for worker in workers:
        worker.end()
    deadline = time.monotonic() + _ENDING_SECONDS
    for worker in workers:
        worker.wait_for_end(deadline)


class Workers:
    """Grades many jobs side by side.

    Args:
        number: how many processes.
        work: what they have to know of the run.

    """

    def __init__(self, number: int, work: Work) -> None:
        self._results = work.results
        self._max_seconds = work.max_seconds
        self._workers = [
            Worker(work.bundle, work.results, work.temporary, cores)
            for cores in cores_of_each(number)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        end_all(self._workers)

    def grade(self, tasks: Iterator[Task]) -> Iterator[list[Ended]]:
        """Yield how jobs ended, as they end; see `Engine`.

        A worker has its next job before the end of its last one is yielded.
        """
        again: deque[Task] = deque()
        while True:
            ended: list[Ended] = []
            for worker in self._workers:
                if worker.task is None:
                    ended += self._give(worker, tasks, again)
            busy = {worker.server.line: worker for worker in self._workers if worker.task}
            if not busy:
                if ended:
                    yield ended
                return
            # What has ended in the meantime is heard; nobody waits for more if there is some.
            for line in wait(list(busy), 0 if ended else self._seconds_left()):
                worker = busy[line]  # type: ignore[index]
                ended += self._end_of(worker, worker.hear(), again)
                ended += self._give(worker, tasks, again)
            for worker in self._workers:
                if worker.task and time.monotonic() - worker.since > self._max_seconds:
                    worker.replace()
                    ended += self._end_of(worker, ENDED, again)
            if ended:
                yield ended

    def _give(self, worker: Worker, tasks: Iterator[Task], again: deque[Task]) -> Iterator[Ended]:
        """Give an idle worker its next job; yield those whose submission cannot be opened."""
        while task := self._next(worker, tasks, again):
            try:
                worker.take(task)
                return
            except CourseKitError as error:
                worker.task = None
                yield Ended(task.job, FailedGrading.of(error, passing=False))

    def _next(self, worker: Worker, tasks: Iterator[Task], again: deque[Task]) -> Task | None:
        """A job that another worker failed at, or a new one, or at last one of its own."""
        for task in again:
            if task.worker is not worker:
                again.remove(task)
                return task
        new = next(tasks, None)
        return new or (again.popleft() if again else None)

    def _end_of(
        self, worker: Worker, failed: FailedGrading | None, again: deque[Task]
    ) -> list[Ended]:
        """How a worker's job ended; nothing if it is to be tried again."""
        task, worker.task = worker.task, None
        assert task is not None
        found = find_result(self._results, task.job)
        outcome, log = (failed or ENDED, "") if failed or not found else found
        if isinstance(outcome, FailedGrading) and outcome.passing and task.tries < MAX_TRIES:
            again.append(task)
            return []
        return [Ended(task.job, outcome, log)]

    def _seconds_left(self) -> float:
        since = min(worker.since for worker in self._workers if worker.task)
        return max(since + self._max_seconds - time.monotonic(), 0.1)


def local_workers(wanted: int, work: Work) -> Workers:
    """Start the engine of this machine.

    Args:
        wanted: how many workers; 0 for as many as there are cores and memory for.
        work: what they have to know of the run.

    """
    return Workers(min(wanted or workers_here(work.limits), work.jobs), work)


def workers_here(limits: Limits) -> int:
    """Return how many workers this machine has cores and memory for.

    Each may need all that a submission may use: where the memory runs out, the system ends
    some process, which may be the kernel of another student.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    each = OWN_BYTES + (limits.total_megabytes + limits.disk_megabytes) * MEGABYTE
    return max(1, min(cores or 1, int(psutil.virtual_memory().available // each)))


def cores_of_each(number: int) -> list[list[int]]:
    """Which cores each worker has: what one student's code computes slows down no other's.

    Without that, a submission of a hundred busy processes makes another one's calls take too
    long. Where the system has no such setting, no cores are named.
    """
    if not hasattr(os, "sched_getaffinity"):
        return [[]] * number
    cores = sorted(os.sched_getaffinity(0))
    return [cores[at::number] or [cores[at % len(cores)]] for at in range(number)]
