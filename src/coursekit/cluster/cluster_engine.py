"""The engine of ``coursekit grade --cluster``: many machines' workers, reached through Dask.

Dask carries bytes to the worker that is named, and tells who is there. Which worker grades what
is decided here, and what was sent is in the run's journal alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from math import inf
from pathlib import Path

from coursekit.class_grading.engine import MAX_TRIES, Ended, StartEngine, Task, Work
from coursekit.class_grading.results import FailedGrading, result_file
from coursekit.cluster.addresses import read_address
from coursekit.cluster.admission import Trial, make_trials, refuse_no_sandbox, why_not_admitted
from coursekit.cluster.connection import Answer, ConnectionLost, Present
from coursekit.cluster.job_queue import JobQueue
from coursekit.cluster.kept_connection import KeptConnection
from coursekit.cluster.messages import (
    BUNDLE,
    HELLO,
    bundle_message,
    hello_message,
    job_message,
    refused_message,
    result_of,
)
from coursekit.cluster.packing import pack_folder
from coursekit.cluster.remote_worker import RemoteWorker, Sent, State
from coursekit.cluster.security import read_member
from coursekit.cluster.wire import Message
from coursekit.command_runner import Say
from coursekit.course.student_names import escaped
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.machine_errors import in_words
from coursekit.processes.whole_files import write_whole

# One is graded while the next one is on its way.
_IN_FLIGHT = 2
# Submissions that are on their way or waiting, all together.
_MOST_BYTES = 512 * 10**6
# How often is asked who is there.
_LOOK_SECONDS = 1.0
# What a worker may take for something small, while another run's last job is still graded there.
_SMALL_SECONDS = 120.0
# How long a run goes on without any worker, or without a scheduler.
_MOST_WAIT_SECONDS = 600.0
# How long a second opinion waits for another machine, where there was one before.
_ONE_HOST_SECONDS = 60.0
# After how long without a worker that is said.
_WAIT_TOLD_SECONDS = 5.0


def cluster_engine(
    course: Path, assignment: str, address: str, certificate: Path, graded_twice: float, say: Say
) -> StartEngine:
    """Return what connects to a cluster, and lets go of it after the block.

    Args:
        course: the course folder.
        assignment: the assignment that is graded.
        address: the scheduler's address.
        certificate: the coordinator's certificate file.
        graded_twice: the share of submissions that two machines grade, from 0 to 1.
        say: shows a line.

    Raises:
        CourseKitError: if the address or the certificate cannot be used.

    """
    connection = KeptConnection(read_address(address), read_member(certificate))

    @contextlib.contextmanager
    def start(work: Work) -> Iterator[ClusterEngine]:
        level = str(work.bundle["settings"].get("StudentKernel", {}).get("level", ""))
        refuse_no_sandbox(level)
        trials = make_trials(course, assignment)
        try:
            connection.connect()
            yield ClusterEngine(connection, work, trials, level, graded_twice, say)
        finally:
            connection.close()

    return start


class ClusterEngine:
    """Grades on the workers of a cluster.

    Args:
        connection: the connection to the scheduler.
        work: what is known of the run.
        trials: the known answers that a worker must judge rightly before it grades.
        level: the level of the sandbox that the course asks for; "" for the strongest.
        graded_twice: the share of submissions that two machines grade, from 0 to 1.
        say: shows a line.

    """

    def __init__(
        self,
        connection: KeptConnection,
        work: Work,
        trials: list[Trial],
        level: str,
        graded_twice: float,
        say: Say,
    ) -> None:
        self._connection = connection
        self._work = work
        self._trials = trials
        self._level = level
        self._graded_twice = graded_twice
        self._say = say
        self._workers: dict[str, RemoteWorker] = {}
        self._bundle = bundle_message(work)
        self._looked = self._had_two = -inf
        self._told_of_one = False
        self._bytes = 0
        self._jobs = JobQueue(iter(()), 0)

    def grade(self, tasks: Iterator[Task]) -> Iterator[list[Ended]]:
        """Yield how jobs ended, as they end; see `Engine`.

        Raises:
            InfrastructureError: if two machines judge differently, or if there is no worker for
                a long time.

        """
        address = self._connection.address
        jobs = self._jobs = JobQueue(tasks, self._graded_twice)
        last_admitted, waits = time.monotonic(), False
        while not jobs.is_done:
            ended: list[Ended] = []
            try:
                self._connection.connect_again(_MOST_WAIT_SECONDS)
                ended += self._look()
                for worker in self._admitted():
                    ended += self._hand_out(worker)
                for answer in self._connection.live.answers(0 if ended else _LOOK_SECONDS):
                    ended += self._take(answer)
            except ConnectionLost:
                self._say(f"the connection to {address} is lost; connecting again")
                for worker in self._workers.values():
                    ended += _lost(worker, jobs, its_fault=False)
                self._workers.clear()
                self._bytes = 0
                self._connection.close()
            if ended:
                yield ended
            if self._admitted() or any(worker.trials for worker in self._workers.values()):
                last_admitted, waits = time.monotonic(), False
                continue
            if not waits and time.monotonic() - last_admitted > _WAIT_TOLD_SECONDS:
                waits = True
                self._say(f"waiting for a worker that can grade, at {address}")
            if time.monotonic() - last_admitted > _MOST_WAIT_SECONDS:
                raise InfrastructureError(
                    f"no worker has graded at {address} for {_MOST_WAIT_SECONDS:.0f} s",
                    "start one, with: coursekit cluster worker; then run the same command again, "
                    "which goes on",
                )

    def _admitted(self) -> list[RemoteWorker]:
        return [one for one in self._workers.values() if one.state is State.ADMITTED]

    def _look(self) -> Iterator[Ended]:
        """See who has come, who is gone, and who has not answered in time."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        present = {one.address: one for one in self._connection.live.workers()}
        self._looked = time.monotonic()
        for address, one in present.items():
            if address not in self._workers:
                self._greet(one)
        for address, worker in list(self._workers.items()):
            if address not in present:
                self._say(f"{worker} is gone")
                yield from self._drop(worker, its_fault=True)
                del self._workers[address]
            elif any(sent.deadline < self._looked for sent in worker.sent.values()):
                yield from self._refuse(worker, "it does not answer any more")
        usable = (one for one in self._workers.values() if one.state is not State.REFUSED)
        if len({worker.host for worker in usable}) > 1:
            self._had_two = self._looked
        if self._looked - self._had_two > _ONE_HOST_SECONDS:
            for ended in self._jobs.without_second_opinions():
                if not self._told_of_one:
                    self._told_of_one = True
                    self._say("only one machine grades, so nothing is graded twice")
                yield ended

    def _greet(self, one: Present) -> None:
        """Begin the admission of a worker."""
        worker = self._workers[one.address] = RemoteWorker(one.address, one.name)
        if one.is_open:
            worker.state = State.REFUSED
            self._say(f"{worker} is not used: it has an open dashboard")
            return
        self._send(worker, HELLO, hello_message())

    def _send(
        self,
        worker: RemoteWorker,
        about: Task | Trial | str,
        message: Message,
    ) -> None:
        waits_for = len(worker.sent) + 1
        seconds = _SMALL_SECONDS + waits_for * self._work.max_seconds
        key = self._connection.live.send(worker.address, message)
        size = len(message.content)
        worker.sent[key] = Sent(about, size, time.monotonic() + seconds)
        self._bytes += size

    def _hand_out(self, worker: RemoteWorker) -> Iterator[Ended]:
        """Give a worker what it is to grade next."""
        while len(worker.sent) < _IN_FLIGHT and (self._bytes < _MOST_BYTES or not worker.sent):
            task = self._jobs.next_for(worker, idle=not worker.sent)
            if task is None:
                return
            try:
                with task.open_folder() as folder:
                    packed, shown = pack_folder(folder), str(folder.path)
            except (CourseKitError, OSError) as error:
                told = in_words(error) or InfrastructureError(str(error))
                failed = FailedGrading.of(told, passing=False)
                yield self._jobs.refused(task, Ended(task.job, failed))
                continue
            try:
                self._send(worker, task, job_message(task.job, packed, shown, self._work.made_from))
            except ConnectionLost:
                yield from _only(self._jobs.lost(task, worker, its_fault=False))
                raise

    def _take(self, answer: Answer) -> Iterator[Ended]:
        """Go on after an answer."""
        worker = next((one for one in self._workers.values() if answer.key in one.sent), None)
        if worker is None:
            return
        sent = worker.sent.pop(answer.key)
        self._bytes -= sent.size
        if answer.message is None:
            if isinstance(sent.about, Task):
                its_fault = bool(answer.problem)
                yield from _only(self._jobs.lost(sent.about, worker, its_fault=its_fault))
            if answer.problem:
                yield from self._refuse(worker, answer.problem)
        elif answer.message.data.get("lacks"):
            # Another run has used it meanwhile.
            if isinstance(sent.about, Task):
                yield from _only(self._jobs.lost(sent.about, worker, its_fault=False))
            self._send(worker, BUNDLE, self._bundle)
            if isinstance(sent.about, Trial):
                self._try(worker, sent.about)
        elif isinstance(sent.about, Task):
            yield from self._take_result(worker, sent.about, answer.message)
        elif isinstance(sent.about, Trial):
            yield from self._take_trial(worker, sent.about, answer.message)
        elif sent.about == HELLO:
            if why := why_not_admitted(answer.message.data, self._level):
                yield from self._refuse(worker, why)
                return
            self._send(worker, BUNDLE, self._bundle)
            worker.trials = len(self._trials)
            for trial in self._trials:
                self._try(worker, trial)

    def _try(self, worker: RemoteWorker, trial: Trial) -> None:
        """Send a known answer."""
        self._send(
            worker, trial, job_message(trial.job, trial.packed, trial.folder, self._work.made_from)
        )

    def _take_trial(
        self,
        worker: RemoteWorker,
        trial: Trial,
        message: Message,
    ) -> Iterator[Ended]:
        """Look at what a worker gave for a known answer."""
        if worker.state is State.REFUSED:
            return
        ended = result_of(trial.job, message)
        if ended and 0 < worker.failures_with(ended.outcome) < MAX_TRIES:
            self._try(worker, trial)
            return
        why = "its result cannot be read" if ended is None else trial.why_not(ended.outcome)
        if why:
            yield from self._refuse(worker, why)
            return
        worker.trials -= 1
        if not worker.trials:
            worker.state = State.ADMITTED
            self._say(f"{worker} grades")

    def _take_result(
        self,
        worker: RemoteWorker,
        task: Task,
        message: Message,
    ) -> Iterator[Ended]:
        """Keep a result, and say how its job ended if it has."""
        if not self._jobs.is_wanted(task):
            return
        ended = result_of(task.job, message)
        if ended is None:
            yield from _only(self._jobs.lost(task, worker, its_fault=False))
            why = "its result is not about the submission that it was given"
            yield from self._refuse(worker, why)
            return
        said = f"graded by {worker}\n{ended.log}"
        told = self._jobs.ended(task, worker, Ended(ended.job, ended.outcome, said))
        if told:
            if message.content:
                write_whole(result_file(self._work.results, task.job), message.content)
            yield told
        if worker.failures_with(ended.outcome) == MAX_TRIES:
            # It would go through the whole class, and be faster than the others.
            assert isinstance(ended.outcome, FailedGrading)
            yield from self._refuse(worker, f"it cannot grade: {ended.outcome.message}")

    def _refuse(self, worker: RemoteWorker, why: str) -> Iterator[Ended]:
        """Use a worker no longer, and tell both sides why."""
        if worker.state is State.REFUSED:
            return
        worker.state, worker.trials = State.REFUSED, 0
        self._say(f"{worker} is not used: {escaped(why)}")
        yield from self._drop(worker, its_fault=False)
        # Nobody waits for the answer.
        self._connection.live.send(worker.address, refused_message(why))

    def _drop(self, worker: RemoteWorker, *, its_fault: bool) -> Iterator[Ended]:
        for key, sent in worker.sent.items():
            self._connection.live.forget(key)
            self._bytes -= sent.size
        yield from _lost(worker, self._jobs, its_fault=its_fault)


def _lost(worker: RemoteWorker, jobs: JobQueue, *, its_fault: bool) -> Iterator[Ended]:
    """Take back what a worker has to grade."""
    tasks = worker.tasks
    worker.sent.clear()
    for place, task in enumerate(tasks):
        # Only the first one has been begun.
        yield from _only(jobs.lost(task, worker, its_fault=its_fault and not place))


def _only(ended: Ended | None) -> Iterator[Ended]:
    if ended:
        yield ended
