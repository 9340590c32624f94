"""Which submissions a run grades, and why, and which it leaves; nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.class_grading.shard import Shard
from coursekit.errors import CourseKitError
from coursekit.gradebook.scores import graded_notebooks
from coursekit.grading.job import Job
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.graded_submission import bundle_of, job_of
from coursekit.nbgrader_seam.submitted_folder import is_excluded, open_and_digest, why_graded


@dataclass(frozen=True)
class Planned:
    """A submission of the run.

    Attributes:
        folder: its path, as nbgrader lists it.
        student: the student's id.
        why: why it is graded, in words; "" if it is not.
        jobs: a job for each of its notebooks.
        expected: whether `Plan.expected` counts it.
        by_other_tests: whether it is left although its tests have changed since.
        problem: why it cannot be opened; its earlier result stands if it is not graded.

    """

    folder: str
    student: str
    why: str
    jobs: tuple[Job, ...]
    expected: bool
    by_other_tests: bool
    problem: CourseKitError | None = None

    @property
    def state(self) -> str:
        """Why it is graded, or why it is not."""
        left = "graded before by other tests" if self.by_other_tests else "graded already"
        return self.why or left


class Plan:
    """The submissions that the converter has listed, in the students' order.

    Each is looked at when it is its turn, so that the first ones are graded while the last ones
    have not been opened yet.

    Args:
        converter: nbgrader's.
        shard: the part of the class that counts; None for all of it.

    Attributes:
        expected: how many submissions are to be graded, as far as that can be known before
            they are opened.

    """

    def __init__(self, converter: Any, shard: Shard | None = None) -> None:
        self._converter = converter
        self._listed = sorted(converter.assignments.items())
        if shard:
            self._listed = shard.part(self._listed)
        coursedir = converter.coursedir
        self._form = re.compile(
            converter._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True)
        )
        self._graded = graded_notebooks(coursedir.db_url, coursedir.assignment_id)
        self.expected = sum(self._is_expected(*each) for each in self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def __iter__(self) -> Iterator[Planned]:
        converter = self._converter
        for folder, notebooks in self._listed:
            assignment, student = self._of(folder)
            converter.notebooks = sorted(notebooks)
            open_and_digest(converter, assignment, student)
            names = [Path(path).stem for path in converter.notebooks]
            jobs = tuple(job_of(converter, assignment, name, student) for name in names)
            why = why_graded(converter, assignment, student, self._graded)
            opened = converter.coursedir.handed_in
            problem = opened if isinstance(opened, CourseKitError) else None
            by_other_tests = not why and any(_by_other_tests(converter, job) for job in jobs)
            expected = self._is_expected(folder, notebooks)
            yield Planned(folder, student, why, jobs, expected, by_other_tests, problem)

    def _of(self, folder: str) -> tuple[str, str]:
        """The assignment and the student that a folder is of."""
        found = self._form.match(folder)
        assert found is not None  # the list was made from this form
        return found["assignment"], found["student"]

    def _is_expected(self, folder: str, notebooks: list[str]) -> bool:
        """Whether a submission is to be graded for all that is known before it is opened."""
        assignment, student = self._of(folder)
        if is_excluded(self._converter, student):
            return False
        return (
            self._converter.force
            or not all((student, Path(path).stem) in self._graded for path in notebooks)
            or not Path(self._converter._format_dest(assignment, student)).is_dir()
        )


def _by_other_tests(converter: Any, job: Job) -> bool:
    """Whether today's gradebook has none of the test cells that a verdict is by."""
    course = Path(converter.coursedir.root)
    verdict = find_verdict(course, job.student, job.assignment, job.notebook)
    return verdict is not None and verdict.tests not in bundle_of(converter).tests
