"""One place at which a worker's machine grades: what it answers to the coordinator's messages.

It grades with the process of `class_grading.workers`, as a run on one machine does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from typing import NamedTuple

from coursekit.class_grading.engine import Task
from coursekit.class_grading.results import FailedGrading, result_file
from coursekit.class_grading.workers import ENDED, Worker, end_all
from coursekit.cluster.kit_versions import versions_here
from coursekit.cluster.messages import BUNDLE, HELLO, JOB, REFUSED
from coursekit.cluster.packing import unpack
from coursekit.cluster.wire import Message, from_bytes, to_bytes
from coursekit.command_runner import Say
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Job
from coursekit.machine_errors import in_words
from coursekit.processes.plain_files import OpenFolder
from coursekit.sandbox.levels import LEVELS

# Two coordinators may grade at the same time; each process keeps a kernel and a judge warm.
_MOST_RUNS = 2


class _Run(NamedTuple):
    """What grades the jobs of one bundle, where, and how long each may take."""

    worker: Worker
    place: Path
    max_seconds: float


class Service:
    """Answers messages one after the other, for as long as the worker serves.

    Args:
        place: a folder of the worker's own, which all services of a machine share.
        number: which of them this is.
        cores: the numbers of its cores; [] for all.
        say: shows a line to whoever has started the worker.

    """

    def __init__(self, place: Path, number: int, cores: list[int], say: Say) -> None:
        self._bundles = place / "bundles"
        self._own = place / str(number)
        self._cores = cores
        self._say = say
        # By their bundles' digests, the one that was used last at the end.
        self._runs: dict[str, _Run] = {}
        # The process ends with the thread that has started it, and Dask's own threads come and go.
        self._thread = ThreadPoolExecutor(1)
        self._ends, self._told_to_end = Pipe(duplex=False)

    def answer(self, sent: bytes) -> bytes:
        """Answer a message.

        Raises:
            ValueError: if it is not one.

        """
        return self._thread.submit(self._answer, sent).result()

    def end(self) -> None:
        """End what grades, and let nothing more be graded."""
        self._told_to_end.send_bytes(b"end")
        self._thread.submit(lambda: self._end_runs(list(self._runs)))

    def wait_for_end(self) -> None:
        """Wait until it has ended."""
        self._thread.shutdown()

    def _answer(self, sent: bytes) -> bytes:
        message = from_bytes(sent)
        kinds: dict[str, Callable[[Message], Message]] = {
            HELLO: self._hello,
            BUNDLE: self._take_bundle,
            JOB: self._grade,
            REFUSED: self._refused,
        }
        kind = kinds.get(str(message.data.get("kind")))
        if kind is None:
            raise ValueError(f"an unknown kind of message: {message.data.get('kind')!r}")
        return to_bytes(kind(message))

    def _hello(self, message: Message) -> Message:
        """Say what this machine is, before anything else comes."""
        levels = [level for level in LEVELS if level.sandboxed and not level.why_not()]
        return Message({"versions": versions_here(), "levels": [level.name for level in levels]})

    def _take_bundle(self, message: Message) -> Message:
        """Keep what a run's gradings have in common, and start the process that grades."""
        digest = str(message.data["digest"])
        if digest in self._runs:
            return Message({})
        releases = self._bundles / digest
        if not releases.exists():
            draft = self._own / "bundle"
            shutil.rmtree(draft, ignore_errors=True)
            unpack(message, draft)
            self._bundles.mkdir(exist_ok=True)
            with suppress(OSError):  # another service of this machine has been faster
                draft.rename(releases)
        while len(self._runs) >= _MOST_RUNS:
            self._end_runs([next(iter(self._runs))])
        # The paths of sockets must be short.
        place = self._own / digest[:8]
        for folder in (place, place / "results", place / "temporary"):
            # A kernel with a user id of its own passes through it to the folder of its own.
            folder.mkdir(mode=0o711, parents=True)
        bundle = {**message.data["bundle"], "releases": str(releases)}
        worker = Worker(bundle, place / "results", place / "temporary", self._cores)
        self._runs[digest] = _Run(worker, place, float(message.data["max_seconds"]))
        return Message({})

    def _grade(self, message: Message) -> Message:
        """Grade a submission; the content of the answer is its result, as a file has it."""
        digest = str(message.data["bundle"])
        run = self._runs.pop(digest, None)
        if run is None:
            return Message({"lacks": "bundle"})
        self._runs[digest] = run
        job = Job(**message.data["job"])
        submitted = self._own / "submitted"
        shutil.rmtree(submitted, ignore_errors=True)
        try:
            unpack(message, submitted)
            failed = self._have_graded(run, job, submitted, message.data["folder"])
        except OSError as error:
            told = in_words(error) or InfrastructureError(str(error), "")
            failed = FailedGrading.of(told, passing=True)
        finally:
            shutil.rmtree(submitted, ignore_errors=True)
        result = result_file(run.place / "results", job)
        try:
            return Message({"failed": asdict(failed)} if failed else {}, result.read_bytes())
        except OSError:
            return Message({"failed": asdict(failed or ENDED)})
        finally:
            result.unlink(missing_ok=True)

    def _have_graded(
        self, run: _Run, job: Job, submitted: Path, shown: str
    ) -> FailedGrading | None:
        descriptor = partial(os.open, submitted, os.O_RDONLY | os.O_DIRECTORY)
        # What is said of the folder names it as it is called where it was handed in.
        worker = run.worker
        worker.take(Task(job, lambda: OpenFolder(descriptor(), Path(shown))))
        ready = wait([worker.server.line, self._ends], run.max_seconds)
        if worker.server.line in ready:
            return worker.hear()
        if not ready:
            worker.replace()
        return ENDED

    def _refused(self, message: Message) -> Message:
        self._say(f"not used by the coordinator: {message.data['why']}")
        self._say("the worker waits for another run; end it with Ctrl-C")
        return Message({})

    def _end_runs(self, digests: list[str]) -> None:
        runs = [self._runs.pop(digest) for digest in digests]
        end_all([run.worker for run in runs])
        for run in runs:
            shutil.rmtree(run.place, ignore_errors=True)
