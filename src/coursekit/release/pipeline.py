"""Make releases: normalise, generate, and pass every gate before ``release/`` changes."""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
from collections.abc import Iterator
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
from coursekit.errors import CourseKitError, GateError
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.nbgrader_run import of_its_own, read_verdict, run_nbgrader
from coursekit.release.changed_cells import refuse_changed_cells, students_with_submissions
from coursekit.release.leaks import find_leaks
from coursekit.release.loaded_files import cell_errors, lacking_files
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
    with told_of_the_course(assignment.course, trial):
        _pass_gates(assignment, Assignment(trial, assignment.name), check=check, say=say)
    if check:
        say(f"{assignment.name}: release/ is up to date, all gates passed")
        return
    # nbgrader itself writes the release, and the cells into the gradebook.
    generate(assignment)
    passed = trial / "release" / assignment.name
    for difference in differences(passed, assignment.release.parent):
        raise GateError(
            f"the release differs from the one that passed the gates: {difference}",
            f"run: coursekit release {assignment.name}",
        )
    say(f"{assignment.name}: released, all gates passed")
    if students_with_submissions(assignment):
        say(
            f"{assignment.name}: submissions exist; to see how changed tests would change scores: "
            f"coursekit regrade {assignment.name}"
        )


def _pass_gates(assignment: Assignment, tried: Assignment, *, check: bool, say: Say) -> None:
    """Generate a release in a copy of the course, and see that it passes every gate.

    Raises:
        GateError: with a line for everything that does not pass.

    """
    say(f"{tried.name}: generating twice")
    here = of_its_own(tried.course)
    generate(tried, *here)
    first = tried.course / "first"
    shutil.copytree(tried.release.parent, first)
    generate(tried, *here)
    found = [
        f"two releases of the same source differ: {difference}"
        for difference in differences(first, tried.release.parent)
    ]
    if check:
        found += [
            f"release/{tried.name} is not what source/ generates: {difference}"
            for difference in differences(tried.release.parent, assignment.release.parent)
        ]
    else:
        refuse_changed_cells(assignment, tried)
    say(f"{tried.name}: looking for leaks")
    found += find_leaks(tried, tried.release.parent)
    say(f"{tried.name}: grading the solution and the blank release")
    submit(tried, "solution", fill_in(released(tried), solution_cells(tried)))
    submit(tried, "blank", released(tried))
    everything = "--JudgeAnswers.run_all=True"
    run_nbgrader(tried.course, "autograde", tried.name, everything, *here, our_own=True)
    right = read_verdict(tried.course, "solution", tried.name, tried.notebook)
    found += solution_failures(right)
    # A cell that was stopped, or that ended the kernel, shows no error.
    found += [f"source/{tried.name}/{tried.source.name}: {remark}" for remark in right.remarks]
    found += blank_failures(read_verdict(tried.course, "blank", tried.name, tried.notebook))
    found += _failed_loading(tried)
    if found:
        raise GateError(
            f"{tried.name} does not pass the gates:\n" + "\n".join(found),
            "keep solutions between ### BEGIN SOLUTION and ### END SOLUTION, hidden tests in "
            "grader_tests/, and the notebook's files beside it in source/; then run: "
            f"coursekit release {tried.name}",
        )


def _failed_loading(tried: Assignment) -> list[str]:
    """Return a line for each cell that cannot have what it loads, where students open it."""
    notebook, folder = released(tried), tried.release.parent
    place = f"source/{tried.name}/{tried.source.name}, cell"
    run = read_notebook(tried.course / "autograded" / "solution" / tried.name / tried.release.name)
    return [
        *(
            f"{place} {cell}: with the solution, and the release's files alone, it ends in {error}"
            for cell, error in cell_errors(run, notebook)
        ),
        *(
            f"{place} {cell}: it shows or links {address}, which the release does not have"
            for cell, address in lacking_files(notebook, folder)
        ),
    ]


@contextlib.contextmanager
def told_of_the_course(course: Path, copied: Path) -> Iterator[None]:
    """Let the kit's errors name the course's own files where they name those of a copy.

    The next run makes the copy again: an edit there would be lost.
    """
    try:
        yield
    except CourseKitError as error:
        for name in COURSE_FILES:
            error.message = error.message.replace(f"{copied / name}", name)
            error.hint = error.hint.replace(f"{copied / name}", name)
        raise


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


def generate(assignment: Assignment, *settings: str) -> None:
    """Let nbgrader generate the release, with further settings of nbgrader's."""
    run_nbgrader(assignment.course, "generate_assignment", assignment.name, "--force", *settings)


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


def solution_failures(verdict: NotebookVerdict) -> list[str]:
    """Return a line for each check that the solution does not pass."""
    return [
        f"{_place(verdict, cell)}: the solution does not pass {check.name!r}: {check.reason}"
        for cell in verdict.cells
        for check in cell.checks
        if check.outcome is not Outcome.PASSED
    ]


def blank_failures(verdict: NotebookVerdict) -> list[str]:
    """Return a line for each check of the blank release that reads not *not attempted*."""
    return [
        f"{_place(verdict, cell)}: left as released, {check.name!r} reads {check.outcome}"
        + (f": {check.reason}" if check.reason else "")
        for cell in verdict.cells
        for check in cell.checks
        if check.outcome is not Outcome.NOT_ATTEMPTED
    ]


def _place(verdict: NotebookVerdict, cell: CellVerdict) -> str:
    return f"source/{verdict.assignment}/{verdict.notebook}.ipynb, cell {cell.grade_id}"


def differences(one: Path, other: Path) -> list[str]:
    """Return the files that two folders do not share byte for byte."""
    names = {
        path.relative_to(folder)
        for folder in (one, other)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = []
    for name in sorted(names):
        if not (one / name).exists() or not (other / name).exists():
            found.append(f"{name} is in only one of the two")
        elif not filecmp.cmp(one / name, other / name, shallow=False):
            found.append(str(name))
    return found
