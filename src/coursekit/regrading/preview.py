"""Grade every submission with today's tests in a copy of the course."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import Assignment, find_assignment
from coursekit.course.student_names import escaped, why_no_student
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.address import GRADEBOOK, configured_url, database_url, without_password
from coursekit.gradebook.copying import copy_into_file
from coursekit.gradebook.database import is_missing
from coursekit.gradebook.scores import Rows, Scores, read_rows, read_scores
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import (
    LOG,
    find_verdict,
    of_its_own,
    read_verdict,
    run_grading,
    submission_error,
)
from coursekit.processes.plain_files import CHECKPOINTS, copy_plain_files, open_folder
from coursekit.regrading.comparison import Comparison
from coursekit.release.changed_cells import refuse_changed_cells, students_with_submissions
from coursekit.release.pipeline import build_folder, generate, told_of_the_course
from coursekit.repair.finding.candidate_files import find_candidates
from coursekit.repair.finding.submission_digest import submission_digest

SALTS = "salts.json"


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
    url = configured_url(course)
    everybody = sorted(students_with_submissions(assignment))
    refused = {
        escaped(who): f"the name of its folder {why}"
        for who in everybody
        if (why := why_no_student(who))
    }
    students = [who for who in everybody if not why_no_student(who)]
    if not students or is_missing(url):
        raise CourseKitError(
            f"no submission of {name} is in {course / 'submitted'} and {without_password(url)}",
            f"grade submissions first, with: nbgrader autograde {name}",
        )
    rows = read_rows(url)
    copied = _copy(assignment, url)
    say(f"{name}: generating it with today's tests, in {copied.course}")
    with told_of_the_course(course, copied.course):
        generate(copied, *of_its_own(copied.course))
    refuse_changed_cells(assignment, copied)
    scores = read_scores(database_url(copied.course / GRADEBOOK), name, assignment.notebook)
    earlier: dict[str, NotebookVerdict] = {}
    left: dict[str, str] = {}
    for who in students:
        verdict = find_verdict(course, who, name, assignment.notebook)
        why = _why_left(assignment, who, scores.get(who), verdict)
        if verdict is None or why:
            left[who] = why
        else:
            earlier[who] = verdict
    graded = list(earlier)
    if not graded:
        raise CourseKitError(
            f"no submission of {name} can be graded again:\n"
            + "\n".join(f"{who}: {why}" for who, why in left.items()),
            f"grade with today's tests, with: nbgrader autograde {name}",
        )
    for who in graded:
        place = ("submitted", who, name)
        with open_folder(course / place[0], *place[1:]) as folder:
            copy_plain_files(folder, copied.course.joinpath(*place), within=CHECKPOINTS)
            copy_plain_files(folder, copied.course.joinpath(*place))
    failed = refused | _grade(copied, earlier, say)
    today = read_scores(database_url(copied.course / GRADEBOOK), name, assignment.notebook)
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


def _copy(assignment: Assignment, url: str) -> Assignment:
    """Copy what generating and grading the assignment need, submissions not yet included."""
    course, name = assignment.course, assignment.name
    folder = build_folder(course, f"regrade/{name}")
    for part in ("source", "grader_tests"):
        shutil.copytree(course / part / name, folder / part / name)
    for settings in course.glob("nbgrader_config.*"):
        shutil.copy(settings, folder)
    copy_into_file(url, folder / GRADEBOOK)
    (folder / "release").mkdir()
    for release in (course / "release").glob("*/"):
        # Other versions, which submissions may have been made from, are only read.
        if release.name != name:
            (folder / "release" / release.name).symlink_to(release)
    return Assignment(folder, name)


def _why_left(
    assignment: Assignment, student: str, scores: Scores | None, verdict: NotebookVerdict | None
) -> str:
    """Why it would not be seen what the tests alone change in a submission's score, or ""."""
    notebook = f"{assignment.notebook}.ipynb"
    try:
        with open_folder(assignment.course / "submitted", student, assignment.name) as folder:
            if not find_candidates(folder, notebook)[0]:
                return "its notebook is not in submitted/"
            digest = submission_digest(folder)
    except InfrastructureError as error:
        return error.message
    graded = assignment.course / "autograded" / student / assignment.name / notebook
    if scores is None or None in scores.automatic.values() or not graded.is_file():
        return "not graded yet"
    if verdict is None:
        return "its verdict is missing or damaged, so that nothing tells what was graded"
    return "" if verdict.digest == digest else "handed in again since it was graded"


def _grade(copied: Assignment, earlier: dict[str, NotebookVerdict], say: Say) -> dict[str, str]:
    """Grade all submissions in the copy with their earlier salts; return whose failed, and why."""
    course, name, students = copied.course, copied.name, list(earlier)
    salts = {who: verdict.salt for who, verdict in earlier.items()}
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
        run_grading(
            course,
            name,
            *of_its_own(course),
            f"--JudgeAnswers.salts_file={course / SALTS}",
            watch=watch,
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
