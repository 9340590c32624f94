"""The autograders that are compared: the course that each of them grades, and how it is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursekit.course.assignment import (
    Assignment,
    cells_by_grade_id,
    find_assignment,
    read_notebook,
)
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.course.normal_form import notebook_text
from coursekit.course.test_cells import TEST_CELL_PREFIX
from coursekit.errors import InfrastructureError
from coursekit.gradebook.address import GRADEBOOK, database_url
from coursekit.gradebook.asked_cells import asked_cells
from coursekit.gradebook.scores import read_scores
from coursekit.release.pipeline import copy_course, generate
from coursekit.sandbox.levels import strongest
from coursekit.sandbox.settings import UNSAFE_VARIABLE

# The asserting tests beside this module ask about the functions of this assignment.
ASSIGNMENT = "residual-networks-v2a"
_ASSERTING_TESTS = Path(__file__).parent / "asserting_tests"
_AUTOGRADE = (sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT)
_COURSEKIT = "import sys; from coursekit.cli import main; sys.exit(main())"
_GRADE = (sys.executable, "-c", _COURSEKIT, "grade", ASSIGNMENT, "--workers")


def kit_course(course: Path, folder: Path) -> None:
    """Make a copy of the course with its release and its gradebook."""
    copy_course(course, folder)
    generate(find_assignment(folder, ASSIGNMENT))


def stock_course(course: Path, folder: Path) -> None:
    """Make a course without the kit's settings: the same notebook with asserting tests."""
    notebook = read_notebook(find_assignment(course, ASSIGNMENT).source)
    for grade_id, text in asserting_tests().items():
        cells_by_grade_id(notebook)[grade_id].source = text
    source = folder / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    original = find_assignment(course, ASSIGNMENT).source
    (source / original.name).write_text(notebook_text(notebook), encoding="utf-8")
    generate(Assignment(folder, ASSIGNMENT))


def asserting_tests() -> dict[str, str]:
    """Return the text of each test cell as an instructor writes it for stock nbgrader."""
    return {
        f"{TEST_CELL_PREFIX}{path.stem}": path.read_text(encoding="utf-8")
        for path in sorted(_ASSERTING_TESTS.glob("*.py"))
    }


def hand_in(assignment: Assignment, count: int, *, whole: bool) -> list[str]:
    """Submit the solution for so many students; return their names.

    No two submissions have the same text: so no grader saves time by knowing one again.
    """
    students = [f"student-{number:03}" for number in range(1, count + 1)]
    for student in students:
        answers = {
            grade_id: f"# {student}\n{text}"
            for grade_id, text in solution_cells(assignment).items()
        }
        filled_in = fill_in(released(assignment), answers, graded_only=not whole)
        submit(assignment, student, filled_in)
    return students


def gradebook_marks(assignment: Assignment) -> dict[str, float]:
    """Return each student's share of the points, from a gradebook."""
    url = database_url(assignment.course / GRADEBOOK)
    notebook = assignment.notebook
    asked = asked_cells(url)[assignment.name][notebook]
    points = sum(most for _, most in asked.tests.values())
    return {
        student: sum(score or 0 for score in scores.automatic.values()) / points
        for student, scores in read_scores(url, assignment.name, notebook).items()
    }


@dataclass(frozen=True)
class Grader:
    """One way to grade.

    Attributes:
        name: what the table calls it.
        command: what it runs in the course folder.
        make_course: copies what it needs of a course into an empty folder.
        marks: reads each student's share of the points, after grading.
        workers: how many submissions it grades at a time.
        whole: whether submissions go on to training and the cells after it.

    """

    name: str
    command: tuple[str, ...]
    make_course: Callable[[Path, Path], None]
    marks: Callable[[Assignment], Mapping[str, float]] = gradebook_marks
    workers: int = 1
    whole: bool = False


STOCK = Grader("nbgrader autograde, stock", _AUTOGRADE, stock_course)
AUTOGRADE = Grader("nbgrader autograde, the kit", _AUTOGRADE, kit_course)


def parallel(workers: int) -> Grader:
    """Return ``coursekit grade`` with a number of workers."""
    name = f"coursekit grade --workers {workers}"
    return Grader(name, (*_GRADE, str(workers)), kit_course, workers=workers)


def refuse_wrong_marks(grader: Grader, assignment: Assignment, students: Sequence[str]) -> None:
    """Raise unless every student has full marks.

    Raises:
        InfrastructureError: naming the first who has not.

    """
    marks = grader.marks(assignment)
    for student in students:
        if marks.get(student) != 1:
            got = f"{marks[student]:.0%} of the points" if student in marks else "no score"
            raise InfrastructureError(
                f"{grader.name}: {student}'s right submission got {got}, "
                "so the time that this took says nothing",
                "see what grading loses, with: make demo",
            )


def environment(folder: Path) -> Mapping[str, str]:
    """Return the environment variables of a grader: no settings of this user's count."""
    # nbgrader calls alembic by name, which is in the same folder as this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    settings = str(folder / "no-settings")
    found = {
        **os.environ,
        "PATH": path,
        "JUPYTER_CONFIG_DIR": settings,
        "PYTHONIOENCODING": "utf-8",
    }
    # The submissions are our own; without a sandbox they may run, too.
    if not strongest().sandboxed:
        found[UNSAFE_VARIABLE] = "1"
    return found
