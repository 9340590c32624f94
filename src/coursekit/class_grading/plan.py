"""Which submissions a run grades, and why, and which it leaves; nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.errors import CourseKitError
from coursekit.grading.job import Job
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.graded_submission import bundle_of, job_of
from coursekit.nbgrader_seam.submitted_folder import open_and_digest, why_graded


@dataclass(frozen=True)
class Planned:
    """A submission of the run.

    Attributes:
        folder: its path, as nbgrader lists it.
        student: the student's id.
        why: why it is graded, in words; "" if it is not.
        jobs: a job for each of its notebooks.
        by_other_tests: whether it is left although its tests have changed since.
        problem: why it cannot be opened; its earlier result stands if it is not graded.

    """

    folder: str
    student: str
    why: str
    jobs: tuple[Job, ...]
    by_other_tests: bool
    problem: CourseKitError | None = None

    @property
    def state(self) -> str:
        """Why it is graded, or why it is not."""
        left = "graded before by other tests" if self.by_other_tests else "graded already"
        return self.why or left


def plan(converter: Any) -> Iterator[Planned]:
    """Yield every submission that the converter has listed, in the students' order."""
    form = converter._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True)
    for folder, notebooks in sorted(converter.assignments.items()):
        found = re.match(form, folder)
        assert found is not None  # the list was made from this form
        assignment, student = found["assignment"], found["student"]
        converter.notebooks = sorted(notebooks)
        open_and_digest(converter, assignment, student)
        jobs = tuple(
            job_of(converter, assignment, Path(path).stem, student) for path in converter.notebooks
        )
        why = why_graded(converter, assignment, student)
        opened = converter.coursedir.handed_in
        problem = opened if isinstance(opened, CourseKitError) else None
        by_other_tests = not why and any(_by_other_tests(converter, job) for job in jobs)
        yield Planned(folder, student, why, jobs, by_other_tests, problem)


def _by_other_tests(converter: Any, job: Job) -> bool:
    """Whether today's gradebook has none of the test cells that a verdict is by."""
    course = Path(converter.coursedir.root)
    verdict = find_verdict(course, job.student, job.assignment, job.notebook)
    return verdict is not None and verdict.tests not in bundle_of(converter).tests
