"""Graded submissions, a changed hidden test, a preview, and the writing of it.

Beside the test cell is a question that is graded by hand. The course lies in a folder whose name
means something to a shell, to patterns for files and in a URL.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from command_in_process import generate, run_nbgrader
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from one_core import one_core
from small_course import CHANGED_HIDDEN, NAME, small_course
from test_own_assignments import FOLDER

from coursekit.cli import main
from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.course.normal_form import notebook_text
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.address import database_url
from coursekit.gradebook.scores import Rows, read_rows, take_scores
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import read_verdict
from coursekit.processes.plain_files import open_folder
from coursekit.regrading.preview import Preview, preview
from coursekit.regrading.regrade import report
from coursekit.regrading.writing import write
from coursekit.repair.finding.submission_digest import submission_digest

pytestmark = pytest.mark.slow

# Four are graded by nbgrader; the others are their likes, so that the test stays short.
# As a pattern, it means other names.
ODD = "[b]lank*?{student_id}%d"
LIKES = {"right": 2, "wrong-names": 3, "no-relu": 2, ODD: 1}
BEFORE = {"right": 6, "wrong-names": 3, "no-relu": 6, ODD: 0}
# Today the hidden test asks for the order of layers instead of their names.
AFTER = {"right": 6, "wrong-names": 6, "no-relu": 3, ODD: 0}
BY_HAND = "no-relu-2"
NO_VERDICT = "wrong-names-3"
LATE = "wrong-names-2"
# What is graded by hand, and who has got points and words for it.
QUESTION = "why"
ANSWERED = ("right-1", "no-relu-1")


def kind(student: str) -> str:
    return student.rpartition("-")[0]


STUDENTS = sorted(f"{name}-{number + 1}" for name, many in LIKES.items() for number in range(many))
GRADED = [student for student in STUDENTS if student != NO_VERDICT]
CHANGED = [student for student in GRADED if BEFORE[kind(student)] != AFTER[kind(student)]]


@dataclass
class Class:
    """A graded class, and what was in the course before and after each step."""

    assignment: Assignment
    shown: Preview
    before: dict[Path, bytes]
    previewed: dict[Path, bytes]
    written: dict[Path, bytes]
    rows: Rows
    rows_written: Rows
    said: list[str]


def url(assignment: Assignment) -> str:
    return database_url(assignment.course / "scores.db")


def open_gradebook(assignment: Assignment) -> Gradebook:
    return Gradebook(url(assignment))


def files(course: Path) -> dict[Path, bytes]:
    """Everything in the course but working folders, nbgrader's log and the copied library."""
    left_out = {"build", "nbgrader.log", "resnets_utils"}
    return {
        path.relative_to(course): path.read_bytes()
        for path in sorted(course.rglob("*"))
        if path.is_file() and not left_out & set(path.relative_to(course).parts)
    }


def ask_a_question(assignment: Assignment) -> None:
    """Add one that is graded by hand to the source."""
    notebook = read_notebook(assignment.source)
    cell = new_markdown_cell("Why is X added?", id=QUESTION)
    cell.metadata["nbgrader"] = {
        **{"grade": True, "solution": True, "locked": False, "task": False},
        **{"grade_id": QUESTION, "points": 2, "schema_version": 3},
    }
    notebook.cells.append(cell)
    assignment.source.write_text(notebook_text(notebook), encoding="utf-8")


def grade_by_hand(assignment: Assignment) -> None:
    """Points, extra credit and words for the question."""
    with open_gradebook(assignment) as gradebook:
        for student in ANSWERED:
            where = (QUESTION, assignment.notebook, assignment.name, student)
            grade = gradebook.find_grade(*where)
            assert grade.needs_manual_grade and grade.auto_score is None
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.5, 0.5, False
            gradebook.find_comment(*where).manual_comment = "So that gradients pass."
        gradebook.db.commit()


def judged(submission: Any) -> Any:
    """The grade of the one test cell."""
    [grade] = [grade for grade in submission.grades if grade.name != QUESTION]
    return grade


def hand_in(assignment: Assignment, original: Assignment) -> None:
    """Four submissions that nbgrader grades."""
    solution = solution_cells(assignment)
    wrong = {
        answer.name: answer.code
        for answer in known_answers(original, "wrong_answers.toml")
        if answer.function == "identity_block"
    }
    names = solution["identity_block"].replace('bn_name + "2c"', '"mine"')
    assert names != solution["identity_block"]
    answers = {
        "right": solution,
        "wrong-names": {"identity_block": names},
        "no-relu": {"identity_block": wrong["no ReLU at the end"]},
        ODD: {},
    }
    for name, cells in answers.items():
        student = f"{name}-1"
        said = {QUESTION: "Gradients pass by."} if student in ANSWERED else {}
        folder = submit(assignment, student, fill_in(released(assignment), cells | said)).parent
        # It is not read, and not copied for the preview; that it was there counts.
        (folder / "link").symlink_to("nowhere")


def add_likes(assignment: Assignment) -> None:
    """Give each graded student two more with the same submission, score and verdict."""
    for student in STUDENTS:
        first = f"{kind(student)}-1"
        if student == first:
            continue
        for folder in ("submitted", "autograded"):
            shutil.copytree(
                assignment.course / folder / first / assignment.name,
                assignment.course / folder / student / assignment.name,
                symlinks=True,
            )
        with open_gradebook(assignment) as gradebook:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(assignment.name, student)
            grade = judged(
                gradebook.find_submission_notebook(assignment.notebook, assignment.name, student)
            )
            grade.auto_score, grade.needs_manual_grade = BEFORE[kind(student)], False
            # Left blank, it is worth nothing, and waits for nobody.
            question = gradebook.find_grade(QUESTION, assignment.notebook, assignment.name, student)
            question.auto_score = None if first in ANSWERED else 0
            if student == BY_HAND:
                grade.manual_score, grade.extra_credit = 5.5, 1
            gradebook.db.commit()
    (place(assignment, "autograded", NO_VERDICT).with_suffix(".verdict.json")).unlink()
    # Late, which costs the whole score, and graded as it was handed in.
    for folder in ("submitted", "autograded"):
        stamp = place(assignment, folder, LATE).with_name("timestamp.txt")
        stamp.write_text("2026-11-20 12:00:00 UTC\n")
    graded_as_it_is(assignment, LATE)
    with open_gradebook(assignment) as gradebook:
        gradebook.find_assignment(assignment.name).duedate = datetime(2026, 11, 1)
        late = gradebook.find_submission_notebook(assignment.notebook, assignment.name, LATE)
        late.late_submission_penalty = BEFORE[kind(LATE)]
        gradebook.db.commit()


def graded_as_it_is(assignment: Assignment, student: str) -> None:
    """Let the verdict be of what lies in submitted/ now."""
    path = place(assignment, "autograded", student).with_suffix(".verdict.json")
    verdict = NotebookVerdict.from_json(path.read_text())
    with open_folder(place(assignment, "submitted", student).parent) as folder:
        digest = submission_digest(folder)
    path.write_text(replace(verdict, digest=digest).as_json())


def place(assignment: Assignment, folder: str, student: str) -> Path:
    return assignment.course / folder / student / assignment.name / f"{assignment.notebook}.ipynb"


def add_others(assignment: Assignment) -> None:
    """Three who were not graded, or not what they hand in now, and one whose file is broken."""
    right = released(assignment)
    submit(assignment, "not-graded", right)
    for student in ("again", "broken"):
        for folder in ("submitted", "autograded"):
            shutil.copytree(
                place(assignment, folder, "right-1").parent,
                place(assignment, folder, student).parent,
                symlinks=True,
            )
        with open_gradebook(assignment) as gradebook:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(assignment.name, student)
            grade = judged(
                gradebook.find_submission_notebook(assignment.notebook, assignment.name, student)
            )
            grade.auto_score, grade.needs_manual_grade = 6, False
            gradebook.db.commit()
    # As learning platforms give it out: a new file and no timestamp.
    again = place(assignment, "submitted", "again")
    again.write_text(again.read_text().replace("identity_block", "another_block"))
    place(assignment, "submitted", "broken").write_text("{ this is no notebook")
    place(assignment, "submitted", "A\nb").parent.mkdir(parents=True)
    graded_as_it_is(assignment, "broken")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Class:
    folder = tmp_path_factory.mktemp("regrade") / FOLDER
    folder.mkdir()
    small = small_course(folder, assignment)
    ask_a_question(small)
    with (small.course / "nbgrader_config.py").open("a") as settings:
        settings.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
        settings.write('c.CourseDirectory.db_url = "sqlite:///scores.db"\n')
    generate(small)
    hand_in(small, assignment)
    run_nbgrader(small.course, "autograde", small.name)
    grade_by_hand(small)
    add_likes(small)
    add_others(small)
    (small.tests / "identity_block.py").write_text(CHANGED_HIDDEN)
    before, rows = files(small.course), read_rows(url(small))
    said: list[str] = []
    with one_core():
        shown = preview(small.course, small.name, said.append)
    previewed = files(small.course)
    write(shown, said.append)
    return Class(
        small,
        shown,
        before,
        previewed,
        files(small.course),
        rows,
        read_rows(url(small)),
        said,
    )


def test_the_preview_lists_exactly_those_whose_score_changes(graded: Class) -> None:
    assert len(GRADED) == 7 and len(CHANGED) == 4
    assert [comparison.student for comparison in graded.shown.compared] == GRADED
    assert [comparison.student for comparison in graded.shown.changed] == CHANGED
    for comparison in graded.shown.compared:
        name = kind(comparison.student)
        assert sum(comparison.before.values()) == BEFORE[name]
        assert sum(comparison.after.values()) == AFTER[name]


def test_the_preview_says_by_how_much_and_by_which_check(graded: Class) -> None:
    lines = report(graded.shown)
    assert lines[0] == "score changes: 4 submissions"
    at = lines.index("  no-relu-2: 6 -> 3 (-3)")
    assert lines[at : at + 5] == [
        "  no-relu-2: 6 -> 3 (-3)",
        "    test_identity_block: 6 -> 3",
        "      the score given by hand continues to count: 5.5",
        "      layer names: removed, it was ✓ passed 3/3",
        "      order: a new check, ✗ failed 0/3",
    ]
    assert "score stays: 3 submissions" in lines
    assert "  right-1: the same score by other checks, unchanged" in lines
    assert "left alone: 3 submissions" in lines
    assert "  not-graded: not graded yet" in lines
    assert "  again: handed in again since it was graded" in lines
    missing = "its verdict is missing or damaged, so that nothing tells what was graded"
    assert f"  {NO_VERDICT}: {missing}" in lines
    at = lines.index("grading failed: 2 submissions")
    refused = "  A\\nb: the name of its folder contains a line end or another control character"
    assert lines[at + 1] == refused
    assert lines[at + 2].startswith("  broken: ")
    assert "cannot be read as a notebook" in lines[at + 2]
    assert lines[-1] == f"grade those left alone with: nbgrader autograde {NAME}"


def test_progress_is_shown(graded: Class) -> None:
    assert any("graded in the copy 7 of 8" in line for line in graded.said)
    assert any("wrote 4 of 4: wrong-names-2" in line for line in graded.said)


def test_an_earlier_salt_is_used_again(graded: Class) -> None:
    copied = graded.shown.copied
    for student in GRADED:
        place = Path("autograded", student, copied.name, f"{copied.notebook}.verdict.json")
        verdict = read_verdict(copied.course, student, copied.name, copied.notebook)
        assert f'"salt": {verdict.salt},' in graded.before[place].decode()


def test_the_preview_writes_nothing_in_the_course(graded: Class) -> None:
    assert graded.previewed == graded.before


def test_writing_changes_exactly_the_files_that_were_shown(graded: Class) -> None:
    changed = {
        path
        for path in graded.before.keys() | graded.written.keys()
        if graded.before.get(path) != graded.written.get(path)
    }
    small = graded.assignment
    assert changed == {
        Path("scores.db"),
        # Its stamp names the hidden tests; its cells are what they were.
        small.release.relative_to(small.course),
    } | {
        Path("autograded", student, small.name, f"{small.notebook}{ending}")
        for student in CHANGED
        for ending in (".ipynb", ".verdict.json")
    } | {
        # Where the score stays, what notes that it is by today's tests.
        Path("autograded", student, small.name, f"{small.notebook}.verdict.json")
        for student in GRADED
    }
    verdict = read_verdict(small.course, "no-relu-1", small.name, small.notebook)
    with open_folder(place(small, "submitted", "no-relu-1").parent) as folder:
        assert verdict.digest == submission_digest(folder)
    assert verdict.cells[0].checks[-1].name == "order" and verdict.cells[0].score == 3
    page = read_notebook(place(small, "autograded", "no-relu-1"))
    assert any("test_identity_block: failed, 3 of 6 points" in str(cell) for cell in page.cells)


def test_only_what_other_tests_graded_is_told_when_the_class_is_graded_again(
    graded: Class, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--course", str(graded.assignment.course), "grade", NAME]
    assert main([*given, "--dry-run"]) == 1  # of the name that no student can have
    said = capsys.readouterr().out
    assert "broken: graded before by other tests\n" in said
    assert "right-1: graded already\n" in said and "no-relu-1: graded already\n" in said
    assert re.search(
        rf"{NAME}: \d+ graded already, 1 it has changed since it was graded, 1 graded before", said
    )
    told = (
        f"{NAME}: 1 submission was graded before by other tests and keeps its score\n"
        "hint: grade all again with --force, or see first whose score today's tests change, "
        f"with: coursekit regrade {NAME}\n"
    )
    assert told in said
    # Nothing of it is graded unless somebody asks.
    before = files(graded.assignment.course)
    assert main([*given, "--student", "broken"]) == 0
    assert capsys.readouterr().out.endswith(told)
    assert files(graded.assignment.course) == before


def test_writing_changes_exactly_the_rows_that_were_shown(graded: Class) -> None:
    changed = {
        key
        for key in graded.rows.keys() | graded.rows_written.keys()
        if graded.rows.get(key) != graded.rows_written.get(key)
    }
    with open_gradebook(graded.assignment) as gradebook:
        found = {}
        for submission in gradebook.notebook_submissions(
            graded.assignment.notebook, graded.assignment.name
        ):
            grade = judged(submission)
            found[submission.student.id] = grade.auto_score
            assert (("grade", grade.id) in changed) == (submission.student.id in CHANGED)
            if submission.student.id == BY_HAND:
                # nbgrader asks for another look where a score by hand meets a new one.
                assert (grade.manual_score, grade.extra_credit) == (5.5, 1)
                assert grade.needs_manual_grade
            if submission.student.id == LATE:
                # The penalty goes with the score.
                assert ("submitted_notebook", submission.id) in changed
                assert submission.late_submission_penalty == AFTER[kind(LATE)] == 6
    assert len(changed) == len(CHANGED) + 1
    assert {student: found[student] for student in GRADED} == {
        student: AFTER[kind(student)] for student in GRADED
    }
    assert found[NO_VERDICT] == BEFORE[kind(NO_VERDICT)]
    assert (found["broken"], found["again"], found.get("not-graded")) == (6, 6, None)
    with open_gradebook(graded.assignment) as gradebook:
        source = gradebook.find_source_cell(
            "test_identity_block", graded.assignment.notebook, graded.assignment.name
        ).source
    assert "has_connections()" in source.partition("BEGIN HIDDEN")[2]


def test_what_was_graded_by_hand_counts_as_before(graded: Class) -> None:
    small = graded.assignment
    assert set(ANSWERED) & set(CHANGED) and set(ANSWERED) - set(CHANGED)
    with open_gradebook(small) as gradebook:
        for student in ANSWERED:
            where = (QUESTION, small.notebook, small.name, student)
            grade = gradebook.find_grade(*where)
            assert (grade.auto_score, grade.manual_score, grade.extra_credit) == (None, 1.5, 0.5)
            assert not grade.needs_manual_grade
            assert gradebook.find_comment(*where).manual_comment == "So that gradients pass."
            score = gradebook.find_submission(small.name, student).score
            assert score == AFTER[kind(student)] + 2


def test_nothing_is_written_over_what_somebody_graded_meanwhile(
    graded: Class, tmp_path: Path
) -> None:
    # The preview was made of the gradebook as it was before the scores were written.
    before = files(graded.assignment.course)
    with pytest.raises(CourseKitError, match="the gradebook changed while the preview was made"):
        write(graded.shown, print)
    assert files(graded.assignment.course) == before
    # A comment is a grader's work as well.
    shown = replace(graded.shown, rows=read_rows(url(graded.assignment)))
    comment(graded, "right-1", "well done")
    before = files(graded.assignment.course)
    with pytest.raises(CourseKitError, match="the gradebook changed while the preview was made"):
        write(shown, print)
    assert files(graded.assignment.course) == before


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (
            lambda graded: comment(graded, "right-2", "see me"),
            "1 other rows changed, other scores for no one",
        ),
        (
            lambda graded: score(graded, CHANGED[0], 1),
            f"0 other rows changed, other scores for {CHANGED[0]}",
        ),
    ],
)
def test_a_row_that_changes_while_scores_are_written_is_told(
    graded: Class, meanwhile: Callable[[Class], None], said: str
) -> None:
    # Once more there is a score to write.
    score(graded, CHANGED[0], 2)
    shown = replace(graded.shown, rows=read_rows(url(graded.assignment)))

    def after_the_first(line: str) -> None:
        if "wrote 1 of" in line:
            meanwhile(graded)

    with pytest.raises(InfrastructureError, match=said):
        write(shown, after_the_first)


def score(graded: Class, student: str, points: float) -> None:
    with open_gradebook(graded.assignment) as gradebook:
        found = gradebook.find_submission_notebook(
            graded.assignment.notebook, graded.assignment.name, student
        )
        judged(found).auto_score = points
        gradebook.db.commit()


def comment(graded: Class, student: str, text: str) -> None:
    with open_gradebook(graded.assignment) as gradebook:
        found = gradebook.find_submission_notebook(
            graded.assignment.notebook, graded.assignment.name, student
        )
        found.comments[0].manual_comment = text
        gradebook.db.commit()


def test_an_interruption_leaves_a_submissions_scores_as_they_were(
    graded: Class, tmp_path: Path
) -> None:
    # The copy of the preview holds today's scores; this one gets yesterday's of one student.
    today = graded.shown.copied.course / "gradebook.db"
    first = database_url(Path(shutil.copy(today, tmp_path)))
    small = graded.assignment
    place_of = (small.notebook, small.name, "no-relu-1")
    with Gradebook(first) as gradebook:
        judged(gradebook.find_submission_notebook(*place_of)).auto_score = 6
        gradebook.db.commit()
    rows = read_rows(first)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_scores(first, database_url(today), place_of, interrupt)
    assert read_rows(first) == rows
    assert len(take_scores(first, database_url(today), place_of, lambda: None)) == 1
    assert read_rows(first) != rows


def test_a_course_without_submissions_has_nothing_to_grade_again(
    tmp_path: Path, assignment: Assignment
) -> None:
    small = small_course(tmp_path, assignment)
    with pytest.raises(CourseKitError, match="no submission of small-block-v1"):
        preview(tmp_path, small.name, print)
    with pytest.raises(CourseKitError, match="no assignment 'small-block-v7'"):
        preview(tmp_path, "small-block-v7", print)
    assert not (tmp_path / "build").exists()
