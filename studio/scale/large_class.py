"""A class of any size that has handed in, and what grading one of its submissions gives."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from coursekit.class_grading.grade_class import grade_class
from coursekit.class_grading.wish import Wish
from coursekit.course.assignment import Assignment, find_assignment
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Graded, Job
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import LOG, read_verdict
from coursekit.release.pipeline import copy_course, generate

ASSIGNMENT = "residual-networks-v2a"
_MODEL = "model"


@dataclass(frozen=True)
class OneGrading:
    """What really grading one right submission gave.

    Attributes:
        notebook: the graded notebook.
        verdict: its verdict.

    """

    notebook: str
    verdict: NotebookVerdict

    def of(self, job: Job) -> Graded:
        """Return the same for another job."""
        verdict = replace(self.verdict, student=job.student, digest=job.digest, salt=job.salt)
        return Graded(self.notebook, verdict.as_json())


def make_course(course: Path, folder: Path) -> Assignment:
    """Make a copy of the course with a release and a gradebook; return its assignment.

    The pictures beside the notebook are left out: a class of 100,000 would take 50 GB.
    """
    folder.mkdir()
    copy_course(course, folder)
    assignment = find_assignment(folder, ASSIGNMENT)
    shutil.rmtree(assignment.source.parent / "images")
    generate(assignment)
    return assignment


def grade_one(assignment: Assignment, folder: Path, console: Console) -> OneGrading:
    """Grade one right submission in a copy of the course; return what that gave.

    Raises:
        InfrastructureError: if it could not be graded.

    """
    shutil.copytree(assignment.course, folder)
    model = Assignment(folder, assignment.name)
    submit(model, _MODEL, fill_in(released(model), solution_cells(model), graded_only=True))
    if grade_class(folder, Wish(assignment.name, workers=1), console):
        raise InfrastructureError(
            f"one submission could not be graded; see {folder / LOG}",
            "see whether this machine can grade at all, with: make demo",
        )
    return graded_of(model, _MODEL)


def graded_of(assignment: Assignment, student: str) -> OneGrading:
    """Return what grading a student's submission has left in ``autograded/``."""
    place = (assignment.course, student, assignment.name, assignment.notebook)
    verdict = read_verdict(*place)
    graded = assignment.course / "autograded" / student / assignment.name
    notebook = (graded / f"{assignment.notebook}.ipynb").read_text(encoding="utf-8")
    return OneGrading(notebook, verdict)


def hand_in(assignment: Assignment, count: int) -> None:
    """Hand in the solution for so many students."""
    right = fill_in(released(assignment), solution_cells(assignment), graded_only=True)
    first = submit(assignment, _name(0), right)
    text = first.read_bytes()
    submitted = assignment.course / "submitted"
    for number in range(1, count):
        path = submitted / _name(number) / assignment.name / first.name
        path.parent.mkdir(parents=True)
        path.write_bytes(text)


def _name(number: int) -> str:
    return f"student-{number:06}"
