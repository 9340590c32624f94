"""What grading a job gave, as a file: written by a worker, read by the coordinator."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.grading.job import Graded, Job
from coursekit.processes.whole_files import write_whole


@dataclass(frozen=True)
class FailedGrading:
    """Why a submission could not be graded; it has no score.

    Attributes:
        message: what happened.
        hint: what to do next.
        passing: whether another try may end otherwise.

    """

    message: str
    hint: str
    passing: bool

    @classmethod
    def of(cls, error: CourseKitError, *, passing: bool) -> FailedGrading:
        """Return what an error has ended, in its words."""
        return cls(error.message, error.hint, passing)

    @property
    def error(self) -> InfrastructureError:
        """The same as an error."""
        return InfrastructureError(self.message, self.hint)


def result_file(results: Path, job: Job) -> Path:
    """Return where a job's result is: equal jobs have equal results."""
    key = json.dumps(asdict(job), sort_keys=True)
    return results / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.json"


def write_result(results: Path, job: Job, outcome: Graded | FailedGrading, log: str) -> None:
    """Write a job's result, whole or not at all.

    Raises:
        OSError: if it cannot be written.

    """
    kind = "graded" if isinstance(outcome, Graded) else "failed"
    text = json.dumps({kind: asdict(outcome), "log": log})
    write_whole(result_file(results, job), text.encode())


def find_result(results: Path, job: Job) -> tuple[Graded | FailedGrading, str] | None:
    """Return a job's result, and what was said while it was graded; None if it has not."""
    try:
        return read_result(result_file(results, job).read_bytes())
    except OSError:
        return None


def read_result(content: bytes) -> tuple[Graded | FailedGrading, str] | None:
    """Return the result that a file holds, and what was said meanwhile; None if it is damaged."""
    try:
        data = json.loads(content)
        if "graded" in data:
            return Graded(**data["graded"]), str(data["log"])
        return FailedGrading(**data["failed"]), str(data["log"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
