"""Submissions that are written together: the same rows as by nbgrader's own steps, or none."""

from __future__ import annotations

import gc
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode, writes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook, Student
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from rich.console import Console
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from coursekit.class_grading.gradebook_writer import write_submissions
from coursekit.class_grading.journal import read_jobs
from coursekit.class_grading.plan import Planned
from coursekit.class_grading.results import FailedGrading
from coursekit.class_grading.run import Run
from coursekit.class_grading.wish import Wish
from coursekit.gradebook.address import database_url
from coursekit.grading.job import Graded, Job
from coursekit.nbgrader_seam import commands
from coursekit.nbgrader_seam.course_folder import open_submission
from coursekit.nbgrader_seam.graded_submission import bundle_of
from coursekit.nbgrader_seam.submitted_folder import open_and_digest
from coursekit.repair.finding.submission_digest import submission_digest
from studio.scale.stub_engine import StubEngine

ASSIGNMENT = "a1"
NOTEBOOKS = ("First", "Second")
DUE, LATE = "2026-01-31 23:59:59 UTC", "2026-02-02 23:59:59 UTC"
# The points of the test cell in each notebook, the timestamp, and whether a human was there first.
CLASS: dict[str, tuple[list[float], str, bool]] = {
    "ada": ([2, 1], "", False),
    "bob": ([1, 2], LATE, False),
    "eve": ([0, 2], "", True),
    'Zoë, "=1+1"': ([2, 2], DUE, False),
}
ROWS = """
SELECT s.student_id, s.timestamp, n.name, sn.late_submission_penalty, c.name, g.auto_score,
       g.manual_score, g.extra_credit, g.needs_manual_grade, o.auto_comment, o.manual_comment
FROM submitted_assignment s JOIN submitted_notebook sn ON sn.assignment_id = s.id
JOIN notebook n ON n.id = sn.notebook_id JOIN base_cell c ON c.notebook_id = n.id
LEFT JOIN grade g ON g.notebook_id = sn.id AND g.cell_id = c.id
LEFT JOIN comment o ON o.notebook_id = sn.id AND o.cell_id = c.id
ORDER BY s.student_id, n.name, c.name, c.type
"""


def _cell(cell: NotebookNode, name: str, **marks: object) -> NotebookNode:
    usual = {"grade": False, "solution": False, "task": False, "locked": False}
    cell.metadata["nbgrader"] = {"grade_id": name, "schema_version": 3, **usual, **marks}
    return cell


def _notebook(score: float) -> NotebookNode:
    """A graded notebook: an answer, its test cell, an essay, and a task."""
    test = new_code_cell("", outputs=[new_output("execute_result", {"text/plain": str(score)})])
    cells = [
        _cell(new_code_cell("answer = 1"), "answer", solution=True),
        _cell(test, "test", grade=True, points=2),
        _cell(new_markdown_cell("words"), "essay", grade=True, solution=True, points=3),
        _cell(new_markdown_cell("task"), "task", task=True, points=1),
    ]
    notebook: NotebookNode = new_notebook(cells=cells)
    return notebook


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A class that has handed in; a human has graded one of them before."""
    for student, (_, timestamp, _) in CLASS.items():
        folder = tmp_path / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        for name in NOTEBOOKS:
            (folder / f"{name}.ipynb").write_text(writes(_notebook(0)))
        if timestamp:
            (folder / "timestamp.txt").write_text(timestamp)
    with Gradebook(_url(tmp_path)) as gradebook:
        gradebook.add_assignment(ASSIGNMENT, duedate=datetime(2026, 1, 31, 23, 59, 59))
        for name in NOTEBOOKS:
            place = (name, ASSIGNMENT)
            gradebook.add_notebook(*place)
            gradebook.add_grade_cell("test", *place, max_score=2, cell_type="code")
            gradebook.add_source_cell("test", *place, cell_type="code", source="", locked=True)
            gradebook.add_grade_cell("essay", *place, max_score=3, cell_type="markdown")
            gradebook.add_solution_cell("answer", *place)
            gradebook.add_solution_cell("essay", *place)
            gradebook.add_task_cell("task", *place, max_score=1, cell_type="markdown")
        for student, (_, _, by_hand) in CLASS.items():
            if by_hand:
                gradebook.add_student(student)
                gradebook.add_submission(ASSIGNMENT, student)
                for cell in ("test", "essay"):
                    grade = gradebook.find_grade(cell, "Second", ASSIGNMENT, student)
                    grade.manual_score, grade.extra_credit = 1, 0.5
                gradebook.find_comment("essay", "First", ASSIGNMENT, student).manual_comment = "No."
        gradebook.db.commit()
    return tmp_path


def _url(course: Path) -> str:
    return database_url(course / "gradebook.db")


def _converter(course: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(course)
    commands.install()
    app = AutogradeApp()
    app.initialize(["--LateSubmissionPlugin.penalty_method=zero", "--log-level=CRITICAL"])
    app.coursedir.assignment_id = ASSIGNMENT
    converter = Autograde(coursedir=app.coursedir, parent=app)
    converter.exporter = converter.exporter_class(parent=converter)
    # The steps before these graded it.
    converter.sanitize_preprocessors = []
    converter.autograde_preprocessors = [SaveAutoGrades, AssignLatePenalties]
    converter.salts, converter.failed, converter.refused = {}, [], []
    converter.run_salt = 7
    return converter


def _graded(converter: Any) -> dict[str, dict[Job, Graded | FailedGrading]]:
    """What grading gave, by folder."""
    found: dict[str, dict[Job, Graded | FailedGrading]] = {}
    for student, (scores, _, _) in CLASS.items():
        folder = converter.coursedir.format_path("submitted", student, ASSIGNMENT)
        with open_submission(converter.coursedir, folder) as opened:
            digest = submission_digest(opened)
        found[folder] = {
            Job(ASSIGNMENT, name, student, digest, 7): Graded(writes(_notebook(score)), "{}\n")
            for name, score in zip(NOTEBOOKS, scores, strict=True)
        }
    return found


def _by_nbgrader(course: Path, converter: Any) -> None:
    """Write the same with nbgrader's own steps, each in transactions of its own."""
    for student, (scores, timestamp, _) in CLASS.items():
        with Gradebook(_url(course)) as gradebook:
            gradebook.update_or_create_student(student)
            more = {"timestamp": timestamp} if timestamp else {}
            gradebook.update_or_create_submission(ASSIGNMENT, student, **more)
        for name, score in zip(NOTEBOOKS, scores, strict=True):
            about = {"notebook": name, "assignment": ASSIGNMENT, "student": student}
            resources = {"nbgrader": {**about, "db_url": _url(course)}}
            for step in (SaveAutoGrades, AssignLatePenalties):
                step(parent=converter).preprocess(_notebook(score), resources)


def _rows(course: Path) -> list[tuple[Any, ...]]:
    with Gradebook(_url(course)) as gradebook:
        rows = [tuple(row) for row in gradebook.db.execute(text(ROWS))]
        assert {one.id for one in gradebook.db.query(Student)} == {row[0] for row in rows}
        return rows


def test_what_is_written_together_are_the_rows_that_nbgrader_writes(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(course / "gradebook.db", course / "other.db")
    converter = _converter(course, monkeypatch)
    bundle_of(converter)
    flushes: list[object] = []

    def note(session: Session, context: object) -> None:
        flushes.append(context)

    event.listen(Session, "after_flush", note)
    ended = dict(write_submissions(converter, _graded(converter), _nobody_waits))
    event.remove(Session, "after_flush", note)
    assert len(ended) == len(CLASS) and set(ended.values()) == {None}
    found = _rows(course)
    # Together: only what is late needs sums on the way.
    assert len(flushes) <= 1 + 3 * len(NOTEBOOKS)
    shutil.move(course / "other.db", course / "gradebook.db")
    _by_nbgrader(course, converter)
    assert found == _rows(course)
    assert {row[2]: row[3] for row in found if row[0] == "bob"} == {"First": 1, "Second": 2}
    assert {row[6] for row in found if row[0] == "eve" and row[2] == "Second"} == {1, None}


def test_one_that_cannot_be_written_costs_no_other_its_scores(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converter = _converter(course, monkeypatch)
    graded = _graded(converter)
    (course / "submitted" / "bob" / ASSIGNMENT / "First.ipynb").write_text("{}")
    ended = dict(write_submissions(converter, graded, _nobody_waits))
    failed = {Path(folder).parent.name: str(why) for folder, why in ended.items() if why}
    assert failed.keys() == {"bob"} and "was changed while it was being graded" in failed["bob"]
    assert [str(one) for one in converter.failed] == [failed["bob"]]
    scores = {row[0]: row[5] for row in _rows(course) if row[2] == "First" and row[4] == "test"}
    assert scores == {"ada": 2, "bob": None, "eve": 0, 'Zoë, "=1+1"': 2}
    graded_now = {path.parents[1].name for path in course.glob("autograded/*/*/First.ipynb")}
    assert graded_now == CLASS.keys() - {"bob"}


def test_a_class_of_any_size_is_planned_while_it_is_graded(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 100
    one = shutil.move(course / "submitted" / "ada", course / "one")
    shutil.rmtree(course / "submitted")
    for at in range(number):
        shutil.copytree(one, course / "submitted" / f"student {at:03}")
    opened: list[str] = []

    def counted(converter: Any, *names: str) -> None:
        opened.append(names[1])
        open_and_digest(converter, *names)

    monkeypatch.setattr("coursekit.class_grading.plan.open_and_digest", counted)
    seen: list[tuple[int, int]] = []

    class Watched(StubEngine):
        def send(self, job: Job) -> None:
            if self.sent in (0, number * len(NOTEBOOKS) - 1):
                assert job in read_jobs(course / "build" / "grading" / ASSIGNMENT)
                kept = sum(type(one) is Planned for one in gc.get_objects())
                seen.append((len(opened), kept))
            super().send(job)

    engine = Watched(4, 0, lambda job: Graded(writes(_notebook(2)), '{"cells": []}'))
    converter = _converter(course, monkeypatch)
    converter.init_notebooks()
    Run(course, Wish(ASSIGNMENT), Console(quiet=True), engine.start).convert_all(converter)
    first, last = seen
    # The first jobs do not wait for the whole class, and what was written is let go.
    assert first[0] < number == last[0] and last[1] < number
    tests = [row for row in _rows(course) if row[4] == "test"]
    new = [row for row in tests if row[0].startswith("student")]
    assert [row[5] for row in new] == [2] * number * len(NOTEBOOKS)


def _nobody_waits() -> None:
    raise AssertionError("no other program holds the gradebook")
