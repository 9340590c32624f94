"""An engine that grades nothing: its workers take their time, and each gives the same result."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from coursekit.class_grading.engine import MOST_TOGETHER, Ended, Task, Work
from coursekit.class_grading.results import write_result
from coursekit.grading.job import Graded, Job

# Each worker has a job, and another one waits there for it.
JOBS_OF_A_WORKER = 2


@dataclass
class StubEngine:
    """Many workers without a thread or a process.

    Args:
        workers: how many there are.
        seconds: what each of them takes for a job.
        graded: says what a job gives.

    Attributes:
        first: when the first job was sent, by the monotonic clock; 0 before.
        sent: how many jobs were sent.
        taken: how many results the coordinator has taken.

    """

    workers: int
    seconds: float
    graded: Callable[[Job], Graded]
    first: float = 0.0
    sent: int = 0
    taken: int = 0
    _due: list[tuple[float, int, Job]] = field(default_factory=list)
    _free: list[float] = field(default_factory=list)

    @contextmanager
    def start(self, work: Work) -> Iterator[StubEngine]:
        """Be the engine of a run."""
        self._results = work.results
        self._free = [time.monotonic()] * self.workers
        yield self

    def grade(self, tasks: Iterator[Task]) -> Iterator[list[Ended]]:
        """Yield how jobs ended, when their workers have had their time for them; see `Engine`."""
        while True:
            while len(self._due) < JOBS_OF_A_WORKER * self.workers and (task := next(tasks, None)):
                self.send(task.job)
            if not self._due:
                return
            time.sleep(max(self._due[0][0] - time.monotonic(), 0))
            yield [self._end() for _ in range(min(self.waiting, MOST_TOGETHER))]

    def _end(self) -> Ended:
        """End the job that has been due for the longest time."""
        _, _, job = heapq.heappop(self._due)
        outcome = self.graded(job)
        write_result(self._results, job, outcome, "")
        self.taken += 1
        return Ended(job, outcome)

    def send(self, job: Job) -> None:
        """Give a job to the worker that is free first."""
        now = time.monotonic()
        self.first = self.first or now
        self.sent += 1
        due = max(heapq.heappop(self._free), now) + self.seconds
        heapq.heappush(self._free, due)
        heapq.heappush(self._due, (due, self.sent, job))

    @property
    def waiting(self) -> int:
        """How many jobs have ended and wait for the coordinator."""
        now = time.monotonic()
        return sum(due <= now for due, _, _ in self._due.copy())

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        now = time.monotonic()
        return self.workers - sum(free > now for free in self._free.copy())
