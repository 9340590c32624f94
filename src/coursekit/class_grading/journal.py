"""What a run of grading was about to do: enough to go on after anything has ended it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from coursekit.errors import CourseKitError
from coursekit.grading.job import Job
from coursekit.processes.temporary_files import temporary_place

TASKS, RESULTS = "tasks.jsonl", "results"
SCHEMA = 1
_TEMPORARY = "coursekit-grade-"


class Journal:
    """A run's journal: its salt, what it is made from, and each job before it is begun.

    Whether a submission's result is in the gradebook is not written down here: the gradebook
    says so. A run that was finished leaves no journal, unless it is kept for its results.

    Args:
        folder: where it is kept; it is held open by one process at a time.
        assignment: whose submissions are graded.
        kept: whether a run that was finished leaves it, with all results.

    Attributes:
        salt: the run's salt.
        made_from: a digest of everything but the submissions that results follow from.
        goes_on: whether it goes on with a run that was not finished.
        temporary: the folder for the workers' temporary files.

    """

    def __init__(self, folder: Path, assignment: str, *, kept: bool = False) -> None:
        self._folder = folder
        self._assignment = assignment
        self._kept = kept
        self.salt = 0
        self.made_from = ""
        self.goes_on = False
        self.temporary = Path()

    @property
    def results(self) -> Path:
        """The folder of the results that are not in the gradebook yet."""
        return self._folder / RESULTS

    @contextlib.contextmanager
    def open(self, made_from: str) -> Iterator[None]:
        """Begin a run, or go on with one; if the block ends by itself, the run is finished.

        Args:
            made_from: a digest of everything but the submissions that results follow from.

        Raises:
            CourseKitError: if another process grades the same assignment.

        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CourseKitError(
                    f"another command grades {self._assignment} right now",
                    "wait for it, or end it with Ctrl-C where it runs; then run the command again",
                ) from None
            self._begin(made_from)
            try:
                yield
            finally:
                shutil.rmtree(self.temporary, ignore_errors=True)
            if not self._kept:
                shutil.rmtree(self._folder, ignore_errors=True)

    def begin_jobs(self, jobs: Iterable[Job]) -> None:
        """Note jobs before any of them is sent to a worker."""
        self._add(*({"job": asdict(job)} for job in jobs))

    def _begin(self, made_from: str) -> None:
        self.made_from = made_from
        earlier = read_run(self._folder)
        if earlier:
            # A run that was killed could not clear away.
            left = Path(earlier["temporary"])
            if left.name.startswith(_TEMPORARY):
                shutil.rmtree(left, ignore_errors=True)
        same = {"schema": SCHEMA, "assignment": self._assignment, "made_from": made_from}
        self.goes_on = earlier.items() >= same.items()
        if not self.goes_on:
            shutil.rmtree(self.results, ignore_errors=True)
            (self._folder / TASKS).unlink(missing_ok=True)
        self.results.mkdir(exist_ok=True)
        self.salt = earlier["salt"] if self.goes_on else secrets.randbits(63)
        # A path of its own in the usual place: those of sockets must be short.
        self.temporary = Path(temporary_place(), f"{_TEMPORARY}{secrets.token_hex(4)}")
        self._add({"run": {**same, "salt": self.salt, "temporary": str(self.temporary)}})
        # A kernel with a user id of its own passes through it to the folder of its own.
        self.temporary.mkdir(mode=0o711)

    def _add(self, *entries: dict[str, Any]) -> None:
        """Write entries so that they are on the disk before anything follows from them."""
        with (self._folder / TASKS).open("ab") as file:
            file.writelines(json.dumps(entry).encode() + b"\n" for entry in entries)
            file.flush()
            os.fsync(file.fileno())


def read_run(folder: Path) -> dict[str, Any]:
    """Return how the last process began a run; {} if there was not one."""
    found: dict[str, Any] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / TASKS).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # the last line may have been cut short
                found = json.loads(line).get("run", found)
    return found


def read_jobs(folder: Path) -> list[Job]:
    """Return the jobs that were begun in a run, in order; some may have been begun twice."""
    found = []
    for line in (folder / TASKS).read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if "job" in entry:
                found.append(Job(**entry["job"]))
    return found
