"""Make releases: normalise, generate, and pass every gate before ``release/`` changes."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import (
    SETTINGS,
    Assignment,
    assignments,
    find_assignment,
    read_notebook,
    refuse_other_folder,
)
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.course.normal_form import normalise, notebook_text
from coursekit.errors import GateError
from coursekit.grading.nbgrader_run import read_verdict, run_nbgrader
from coursekit.judge.verdict import NotebookVerdict
from coursekit.release.changed_cells import refuse_changed_cells, students_with_submissions
from coursekit.release.leaks import find_leaks
from coursekit.release.mistakes import refuse_mistakes
from coursekit.release.recording import recorded
from resnets_utils.checks.check_result import Outcome

COURSE_FILES = ("source", "grader_tests", *SETTINGS)


def release_all(course: Path, names: list[str], *, check: bool, say: Say) -> None:
    """Release assignments of a course.

    Args:
        course: the course folder.
        names: the assignments; all of them if the list is empty.
        check: change nothing in the course; only prove that ``source/`` is normalised and
            that ``release/`` is what it generates.
        say: shows a line of progress.

    Raises:
        GateError: if a gate is not passed; it names file, cell and remedy.
        CourseKitError: if a source cannot be read, or nbgrader fails.

    """
    chosen = [find_assignment(course, name) for name in names] or assignments(course)
    for assignment in chosen:
        _release(assignment, check=check, say=say)


def _release(assignment: Assignment, *, check: bool, say: Say) -> None:
    say(f"{assignment.name}: looking for mistakes")
    refuse_mistakes(assignment)
    say(f"{assignment.name}: normalising {assignment.source.name}")
    normalise_source(assignment, check=check)
    say(f"{assignment.name}: trying every check on the solution")
    recorded(assignment)
    trial = build_folder(assignment.course, f"gates/{assignment.name}")
    copy_course(assignment.course, trial)
    tried = Assignment(trial, assignment.name)
    say(f"{assignment.name}: generating twice")
    generate(tried)
    first = trial / "first"
    shutil.copytree(tried.release.parent, first)
    generate(tried)
    _same_folders(first, tried.release.parent, "two releases of the same source differ")
    if not check:
        refuse_changed_cells(assignment, tried)
    say(f"{assignment.name}: looking for leaks")
    leaks = find_leaks(tried, tried.release.parent)
    if leaks:
        raise GateError(
            "the release would show what should be hidden:\n" + "\n".join(leaks),
            "keep solutions between solution markers and hidden tests in grader_tests/",
        )
    say(f"{assignment.name}: grading the solution and the blank release")
    submit(tried, "solution", fill_in(released(tried), solution_cells(tried)))
    submit(tried, "blank", released(tried))
    run_nbgrader(trial, "autograde", assignment.name, our_own=True)
    check_solution(read_verdict(trial, "solution", assignment.name, assignment.notebook))
    check_blank(read_verdict(trial, "blank", assignment.name, assignment.notebook))
    if check:
        _same_folders(
            tried.release.parent,
            assignment.release.parent,
            "release/ is not what source/ generates",
        )
        say(f"{assignment.name}: release/ is up to date, all gates passed")
        return
    # nbgrader itself writes the release, and the cells into the gradebook.
    generate(assignment)
    _same_folders(
        first, assignment.release.parent, "the release differs from the one that passed the gates"
    )
    say(f"{assignment.name}: released, all gates passed")
    if students_with_submissions(assignment):
        say(
            f"{assignment.name}: submissions exist; to see how changed tests would change scores: "
            f"coursekit regrade {assignment.name}"
        )


def build_folder(course: Path, name: str) -> Path:
    """Return an empty folder ``build/<name>`` in the course."""
    folder = course / "build" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def copy_course(course: Path, target: Path) -> None:
    """Copy what instructors write, without submissions and what nbgrader made."""
    refuse_other_folder(course)
    for name in COURSE_FILES:
        if (course / name).is_dir():
            shutil.copytree(course / name, target / name)
        elif (course / name).is_file():
            shutil.copy(course / name, target / name)


def generate(assignment: Assignment) -> None:
    """Let nbgrader generate the release."""
    run_nbgrader(assignment.course, "generate_assignment", assignment.name, "--force")


def normalise_source(assignment: Assignment, *, check: bool) -> None:
    """Bring the source notebook to its normal form.

    Raises:
        GateError: with ``check``, if it is not in that form.

    """
    before = assignment.source.read_text(encoding="utf-8")
    notebook = read_notebook(assignment.source)
    normalise(notebook)
    after = notebook_text(notebook)
    if before == after:
        return
    if check:
        raise GateError(
            f"{assignment.source} is not normalised (outputs, metadata, cell ids or spaces)",
            "run: coursekit release",
        )
    # A rename is all or nothing: an interruption keeps the old file.
    draft = assignment.source.with_suffix(".draft")
    draft.write_text(after, encoding="utf-8")
    os.replace(draft, assignment.source)


def check_solution(verdict: NotebookVerdict) -> None:
    """Raise unless the solution earns full marks.

    Raises:
        GateError: naming the cell, the check and the reason.

    """
    for cell in verdict.cells:
        for check in cell.checks:
            if check.outcome is not Outcome.PASSED:
                raise GateError(
                    f"source/{verdict.assignment}/{verdict.notebook}.ipynb, cell {cell.grade_id}: "
                    f"the solution does not pass "
                    f"{check.name!r}: {check.reason}",
                    f"correct the solution in source/{verdict.assignment}, or the check",
                )


def check_blank(verdict: NotebookVerdict) -> None:
    """Raise unless every check of the blank release reads *not attempted*.

    Raises:
        GateError: naming the cell and the check.

    """
    for cell in verdict.cells:
        for check in cell.checks:
            if check.outcome is not Outcome.NOT_ATTEMPTED:
                why = f": {check.reason}" if check.reason else ""
                raise GateError(
                    f"source/{verdict.assignment}/{verdict.notebook}.ipynb, cell {cell.grade_id}: "
                    f"left as released, {check.name!r} reads {check.outcome}{why}",
                    "keep the solution between ### BEGIN SOLUTION and ### END SOLUTION, and "
                    "use the function in each check",
                )


def _same_folders(one: Path, other: Path, what: str) -> None:
    names = {
        path.relative_to(folder)
        for folder in (one, other)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in sorted(names):
        if not (one / name).exists() or not (other / name).exists():
            raise GateError(f"{what}: {name} is in only one of the two", "run: coursekit release")
        if not filecmp.cmp(one / name, other / name, shallow=False):
            raise GateError(f"{what}: {name}", "run: coursekit release")
