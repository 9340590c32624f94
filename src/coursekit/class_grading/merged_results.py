"""What shards have graded: read from their folders, and taken if it still counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from coursekit.class_grading.engine import Ended, Task, Work
from coursekit.class_grading.journal import RESULTS, TASKS, read_jobs, read_run
from coursekit.class_grading.plan import Planned
from coursekit.class_grading.results import FailedGrading, find_result
from coursekit.course.student_names import escaped
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.grading.job import Graded, Job

_NAMED = 5


class ShardResults:
    """The results that lie in the folders of shards.

    Args:
        assignment: the assignment that was graded.
        folders: the shards' folders.

    """

    def __init__(self, assignment: str, folders: list[Path]) -> None:
        self.assignment = assignment
        self._folders = folders
        self._found: dict[Job, tuple[Graded | FailedGrading, str]] = {}

    def graded(self, planned: list[Planned], made_from: str, converter: Any) -> list[Planned]:
        """Return those of which all is graded as it is now; those left are told at the end.

        Args:
            planned: what is to be graded.
            made_from: a digest of everything but the submissions that results follow from.
            converter: nbgrader's; it learns with which salt each student was graded.

        Raises:
            CourseKitError: if a shard was graded by other tests, releases or settings.

        """
        for folder in self._folders:
            if read_run(folder).get("made_from") != made_from:
                raise CourseKitError(
                    f"{folder} was graded by other tests, releases or settings than this course's",
                    "run the command of that shard again, with this course as it is now",
                )
        with_salt = self._read()
        there, missing = [], []
        for each in planned:
            salts = [with_salt.get(replace(job, salt=0)) for job in each.jobs]
            if len(set(salts)) == 1 and (salt := salts[0]) is not None:
                converter.salts[each.student] = salt
                jobs = tuple(replace(job, salt=salt) for job in each.jobs)
                there.append(replace(each, jobs=jobs))
            else:
                missing.append(escaped(each.student))
        if missing:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            converter.refused.append(
                InfrastructureError(
                    "not in these folders as they are now, and not written: "
                    + ", ".join(missing[:_NAMED])
                    + more,
                    "run the shards that have not ended again, or grade what is left here, "
                    f"with: coursekit grade {self.assignment}",
                )
            )
        return there

    def _read(self) -> dict[Job, int]:
        """Read all results; return the salt of each job, by the job without its salt."""
        salts: dict[Job, int] = {}
        for folder in self._folders:
            for job in read_jobs(folder):
                found = find_result(folder / RESULTS, job)
                key = replace(job, salt=0)
                # What failed in one shard may have been graded in another one.
                if found and (isinstance(found[0], Graded) or key not in salts):
                    salts[key] = job.salt
                    self._found[job] = found
        return salts

    @contextmanager
    def engine(self, work: Work) -> Iterator[ShardResults]:
        """Be the engine of a run."""
        yield self

    def grade(self, tasks: Iterator[Task], begin: Callable[[Job], None]) -> Iterator[Ended]:
        """Yield how each job ended, wherever that was; see `Engine`."""
        for task in tasks:
            yield Ended(task.job, *self._found[task.job])


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
