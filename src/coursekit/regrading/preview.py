"""Grade every submission with today's tests in a copy of the course."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import Assignment, find_assignment
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook import (
    GRADEBOOK,
    Rows,
    Scores,
    copy_gradebook,
    database_url,
    read_rows,
    read_scores,
)
from coursekit.grading.nbgrader_run import LOG, read_verdict, run_nbgrader, submission_error
from coursekit.judge.verdict import NotebookVerdict
from coursekit.processes.plain_files import copy_plain_files
from coursekit.regrading.comparison import Comparison
from coursekit.release.changed_cells import refuse_changed_cells, students_with_submissions
from coursekit.release.pipeline import build_folder, told_of_the_course
from coursekit.repair.finding.candidate_files import find_candidates

SALTS = "salts.json"
TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class Preview:
    """How today's tests would change the scores of an assignment's submissions.

    Attributes:
        assignment: the assignment in the course.
        copied: the same in the copy, where everything was graded again.
        compared: the graded submissions, before and now, in the students' order.
        left: why each of the others was not graded again, by student.
        failed: why grading a submission failed in the copy, by student.
        by_hand: scores given by hand, which continue to count, by student and test cell.
        rows: the gradebook's rows before the preview.

    """

    assignment: Assignment
    copied: Assignment
    compared: tuple[Comparison, ...]
    left: dict[str, str]
    failed: dict[str, str]
    by_hand: dict[str, dict[str, float]]
    rows: Rows

    @property
    def changed(self) -> list[Comparison]:
        """The submissions whose score changes."""
        return [comparison for comparison in self.compared if comparison.score_changes]


def preview(course: Path, name: str, say: Say) -> Preview:
    """Find out whose score today's tests change; write only to ``build/regrade/<name>/``.

    Each submission is graded with the salt of its earlier verdict, so that only
    the tests can change its score.

    Raises:
        CourseKitError: if there is no such assignment, or no graded submission.
        GateError: if cells in students' notebooks would change.
        InfrastructureError: if the assignment cannot be generated, or if all
            submissions fail to be graded.

    """
    assignment = find_assignment(course, name)
    database = course / GRADEBOOK
    students = sorted(students_with_submissions(assignment))
    if not students or not database.is_file():
        raise CourseKitError(
            f"no submission of {name} is in {course / 'submitted'} and {database}",
            f"grade submissions first, with: nbgrader autograde {name}",
        )
    rows = read_rows(database)
    copied = _copy(assignment)
    say(f"{name}: generating it with today's tests, in {copied.course}")
    with told_of_the_course(course, copied.course):
        _nbgrader(copied.course, "generate_assignment", name, "--force")
    refuse_changed_cells(assignment, copied)
    scores = read_scores(copied.course / GRADEBOOK, name, assignment.notebook)
    left = {who: why for who in students if (why := _why_left(assignment, who, scores.get(who)))}
    graded = [who for who in students if who not in left]
    if not graded:
        raise CourseKitError(
            f"no submission of {name} has been graded yet",
            f"grade with today's tests, with: nbgrader autograde {name}",
        )
    earlier = {who: _earlier_verdict(assignment, who) for who in graded}
    for who in graded:
        place = Path("submitted", who, name)
        copy_plain_files(course / place, copied.course / place)
    failed = _grade(copied, earlier, say)
    today = read_scores(copied.course / GRADEBOOK, name, assignment.notebook)
    return Preview(
        assignment,
        copied,
        tuple(
            Comparison(
                who,
                _certain(scores[who]),
                _certain(today[who]),
                earlier[who],
                read_verdict(copied.course, who, name, assignment.notebook),
            )
            for who in graded
            if who not in failed
        ),
        left,
        failed,
        {who: scores[who].by_hand for who in graded},
        rows,
    )


def _copy(assignment: Assignment) -> Assignment:
    """Copy what generating and grading the assignment need, submissions not yet included."""
    course, name = assignment.course, assignment.name
    folder = build_folder(course, f"regrade/{name}")
    for part in ("source", "grader_tests"):
        shutil.copytree(course / part / name, folder / part / name)
    for settings in course.glob("nbgrader_config.*"):
        shutil.copy(settings, folder)
    copy_gradebook(course / GRADEBOOK, folder / GRADEBOOK)
    (folder / "release").mkdir()
    for release in (course / "release").glob("*/"):
        # Other versions, which submissions may have been made from, are only read.
        if release.name != name:
            (folder / "release" / release.name).symlink_to(release)
    return Assignment(folder, name)


def _nbgrader(course: Path, *arguments: str, watch: Callable[[], None] | None = None) -> None:
    """Run nbgrader in the copy, with the copy's gradebook in place of the configured one."""
    run_nbgrader(
        course,
        *arguments,
        f"--CourseDirectory.root={course}",
        f"--CourseDirectory.db_url={database_url(course / GRADEBOOK)}",
        watch=watch,
    )


def _why_left(assignment: Assignment, student: str, scores: Scores | None) -> str:
    """Why a submission cannot be graded again; "" if it can."""
    handed_in = assignment.course / "submitted" / student / assignment.name
    graded = assignment.course / "autograded" / student / assignment.name
    notebook = f"{assignment.notebook}.ipynb"
    if not find_candidates(handed_in, notebook)[0]:
        return "its notebook is not in submitted/"
    if scores is None or None in scores.automatic.values() or not (graded / notebook).is_file():
        return "not graded yet"
    if _text(handed_in / TIMESTAMP) != _text(graded / TIMESTAMP):
        return "submitted again, and not graded yet"
    return ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


def _earlier_verdict(assignment: Assignment, student: str) -> NotebookVerdict | None:
    try:
        return read_verdict(assignment.course, student, assignment.name, assignment.notebook)
    except (InfrastructureError, ValueError, KeyError, TypeError, AttributeError):
        # It is missing or cannot be read: the submission is graded with a new salt.
        return None


def _grade(
    copied: Assignment, earlier: dict[str, NotebookVerdict | None], say: Say
) -> dict[str, str]:
    """Grade all submissions in the copy with their earlier salts; return whose failed, and why."""
    course, name, students = copied.course, copied.name, list(earlier)
    salts = {who: verdict.salt for who, verdict in earlier.items() if verdict}
    (course / SALTS).write_text(json.dumps(salts), encoding="utf-8")
    done: set[str] = set()

    def graded(who: str) -> bool:
        path = course / "autograded" / who / name / f"{copied.notebook}.verdict.json"
        return path.is_file()

    def watch() -> None:
        for who in students:
            if who not in done and graded(who):
                done.add(who)
                say(f"{name}: graded in the copy {len(done)} of {len(students)}: {who}")

    try:
        _nbgrader(
            course, "autograde", name, f"--JudgeAnswers.salts_file={course / SALTS}", watch=watch
        )
    except InfrastructureError:
        if not any(graded(who) for who in students):
            raise
    return {
        who: submission_error(course, who, name) or f"see {course / LOG}"
        for who in students
        if not graded(who)
    }


def _certain(scores: Scores) -> dict[str, float]:
    return {cell: score for cell, score in scores.automatic.items() if score is not None}
