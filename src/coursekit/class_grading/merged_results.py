"""What shards have graded: read from their folders, and taken if it still counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from coursekit.class_grading.engine import MOST_TOGETHER, Ended, Task, Work
from coursekit.class_grading.journal import RESULTS, TASKS, read_jobs, read_run
from coursekit.class_grading.plan import Planned
from coursekit.class_grading.results import FailedGrading, find_result
from coursekit.course.student_names import escaped
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.grading.job import Graded, Job

_NAMED = 5
_GONE = FailedGrading(
    "its result was removed from the shard's folder meanwhile",
    "run that shard again",
    passing=False,
)


class ShardResults:
    """The results that lie in the folders of shards.

    Args:
        assignment: the assignment that was graded.
        folders: the shards' folders.

    """

    def __init__(self, assignment: str, folders: list[Path]) -> None:
        self.assignment = assignment
        self._folders = folders
        self._salts: dict[Job, int] = {}
        self._where: dict[Job, Path] = {}
        self._missing: list[str] = []

    def begin(self, made_from: str) -> None:
        """Find out which results there are.

        Args:
            made_from: a digest of everything but the submissions that results follow from.

        Raises:
            CourseKitError: if a shard was graded by other tests, releases or settings.

        """
        for folder in self._folders:
            if read_run(folder).get("made_from") != made_from:
                raise CourseKitError(
                    f"{folder} was graded by other tests, releases or settings than this course's",
                    "run the command of that shard again, with this course as it is now",
                )
        for folder in self._folders:
            for job in read_jobs(folder):
                found = find_result(folder / RESULTS, job)
                key = replace(job, salt=0)
                # What failed in one shard may have been graded in another one.
                if found and (isinstance(found[0], Graded) or key not in self._salts):
                    self._salts[key] = job.salt
                    self._where[job] = folder / RESULTS

    def graded(self, planned: Planned, converter: Any) -> Planned | None:
        """Return a submission of which all is graded as it is now, with the jobs that did so.

        Args:
            planned: what is to be graded.
            converter: nbgrader's; it learns with which salt each student was graded.

        """
        salts = [self._salts.get(replace(job, salt=0)) for job in planned.jobs]
        if len(set(salts)) != 1 or (salt := salts[0]) is None:
            self._missing.append(escaped(planned.student))
            return None
        converter.salts[planned.student] = salt
        return replace(planned, jobs=tuple(replace(job, salt=salt) for job in planned.jobs))

    @property
    def missing(self) -> list[CourseKitError]:
        """What is told at the end about submissions that no shard has graded as they are now."""
        if not self._missing:
            return []
        left = len(self._missing) - _NAMED
        more = f" and {left} more" if left > 0 else ""
        return [
            InfrastructureError(
                "not in these folders as they are now, and not written: "
                + ", ".join(self._missing[:_NAMED])
                + more,
                "run the shards that have not ended again, or grade what is left here, "
                f"with: coursekit grade {self.assignment}",
            )
        ]

    @contextmanager
    def engine(self, work: Work) -> Iterator[ShardResults]:
        """Be the engine of a run."""
        yield self

    def grade(self, tasks: Iterator[Task]) -> Iterator[list[Ended]]:
        """Yield how jobs ended, wherever that was; see `Engine`."""
        while some := list(islice(tasks, MOST_TOGETHER)):
            found = {task.job: find_result(self._where[task.job], task.job) for task in some}
            yield [Ended(job, *(each or (_GONE, ""))) for job, each in found.items()]


def find_shards(folders: list[Path]) -> list[ShardResults]:
    """Return the results of shards, by assignment.

    Args:
        folders: the folders of shards, or folders that hold such.

    Raises:
        CourseKitError: if there are no shards in one of them.

    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        shards = [path.parent for path in sorted({*folder.glob(TASKS), *folder.glob(f"*/{TASKS}")})]
        if not shards:
            what = "holds no results of shards" if folder.is_dir() else "is no folder"
            raise CourseKitError(
                f"{folder} {what}",
                "name the folder that was --out for: coursekit grade ASSIGNMENT --shard I/N",
            )
        for shard in shards:
            found.setdefault(str(read_run(shard).get("assignment", "")), []).append(shard)
    return [ShardResults(name, shards) for name, shards in sorted(found.items())]
