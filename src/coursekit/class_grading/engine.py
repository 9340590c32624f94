"""What grades the jobs of a run: worker processes of this machine, or those of many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from coursekit.class_grading.results import FailedGrading
from coursekit.grading.job import Graded, Job
from coursekit.processes.plain_files import OpenFolder
from coursekit.sandbox.limits import Limits

# How often a grading that failed for no fault of the submission's is tried.
MAX_TRIES = 3
# So many results are yielded, and written, at once. Meanwhile no worker gets its next job, and no
# other program can write to the gradebook.
MOST_TOGETHER = 50


@dataclass(eq=False)
class Task:
    """A job, and where its submission is.

    Attributes:
        job: the job.
        open_folder: opens the submitted folder.
        tries: how often a worker has had it.
        worker: the one that has, or had it last.

    """

    job: Job
    open_folder: Callable[[], OpenFolder]
    tries: int = 0
    worker: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        job: the job.
        outcome: what it gave, or why it failed.
        log: what was said meanwhile.

    """

    job: Job
    outcome: Graded | FailedGrading
    log: str = ""


@dataclass(frozen=True)
class Work:
    """What an engine has to know of a run.

    Attributes:
        bundle: the bundle's JSON data.
        made_from: a digest of all that results follow from, beside submissions and salt.
        results: the folder for results.
        temporary: the folder for temporary files.
        jobs: how many there are, or as many as there can be workers for.
        limits: what a submission may use.
        max_seconds: what one job may take; a worker that takes longer is replaced.

    """

    bundle: dict[str, Any]
    made_from: str
    results: Path
    temporary: Path
    jobs: int
    limits: Limits
    max_seconds: float


class Engine(Protocol):
    """Grades jobs side by side, on whatever it has."""

    def grade(self, tasks: Iterator[Task]) -> Iterator[list[Ended]]:
        """Yield how jobs ended, as they end; their results are then in the folder for results.

        What has ended meanwhile is yielded together, for it costs less to write it together; at
        most `MOST_TOGETHER`, or one for each worker.

        Args:
            tasks: the jobs. Each is in the journal when it is taken.

        """


# Starts an engine, which is ended with the block.
StartEngine = Callable[[Work], AbstractContextManager[Engine]]
