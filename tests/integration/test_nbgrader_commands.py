"""Every nbgrader command that an instructor or a student is told to use, in a course of this kit.

Each works, or ends in a sentence that says what to use instead. The course has cells that are
graded by hand, late submissions, and a folder whose name means something in a URL.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command_in_process import generate, run_command
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from own_assignments import put_in_place

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.gradebook.scores import graded_notebooks, read_scores
from coursekit.nbgrader_run import read_verdict, run_nbgrader
from coursekit.nbgrader_seam.submission_exporter import SubmissionExporter
from coursekit.nbgrader_seam.submitted_folder import init_destination
from coursekit.sandbox.levels import strongest

pytestmark = pytest.mark.slow

NAME = "numbers-v1"
FOLDER = "Kurs %41 #1? [2026]"
BY_HAND: list[dict[str, Any]] = [
    {
        "cell_type": "markdown",
        "id": "essay",
        "metadata": {"nbgrader": {"grade": False, "locked": True, "solution": False, "task": True}},
        "source": "Draw a picture of your own.",
    },
    {
        "cell_type": "code",
        "id": "plot",
        "execution_count": None,
        "outputs": [],
        "metadata": {"nbgrader": {"grade": True, "locked": False, "solution": True, "task": False}},
        "source": "### BEGIN SOLUTION\nprint(1)\n### END SOLUTION",
    },
]
EVIL = '=cmd|" /C calc"!A1, "Zoë"\nMüller;=1+1'


@dataclass
class Course:
    """A course, a student's folder beside it, and what each command said."""

    assignment: Assignment
    student: Path
    exchange: tuple[str, ...]
    said: dict[str, tuple[int, str]] = field(default_factory=dict)
    exported: list[dict[str, dict[str, str]]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.assignment.course

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/gradebook.db"

    def run(self, *arguments: str, at: Path | None = None, key: str = "") -> tuple[int, str]:
        """Run a command in this process; its exit status and its log."""
        done = run_command(at or self.folder, *arguments)
        self.said[key or " ".join(arguments[:3] if arguments[0] == "db" else arguments[:1])] = done
        return done

    def export(self) -> None:
        self.run("export")
        with (self.folder / "grades.csv").open(encoding="utf-8", newline="") as stream:
            self.exported.append({row["student_id"]: row for row in csv.DictReader(stream)})


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    top = tmp_path_factory.mktemp("commands")
    folder, student, exchange = top / FOLDER, top / "student", top / "exchange"
    for made in (folder, student, exchange):
        made.mkdir()
    exchange.chmod(0o777)
    for settings in Path(__file__).resolve().parents[2].glob("nbgrader_config.*"):
        shutil.copy(settings, folder)
    with (folder / "nbgrader_config.py").open("a") as stream:
        stream.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    assignment = put_in_place(NAME, folder)
    source = json.loads(assignment.source.read_text())
    for cell in BY_HAND:
        cell["metadata"]["nbgrader"] |= {"grade_id": cell["id"], "points": 3, "schema_version": 3}
    source["cells"] += BY_HAND
    assignment.source.write_text(json.dumps(source))
    generate(assignment)
    places = (f"--Exchange.root={exchange}", f"--Exchange.cache={top / 'cache'}")
    with pytest.MonkeyPatch.context() as patch:
        # The commands find Jupyter's own settings nowhere.
        patch.setenv("JUPYTER_CONFIG_DIR", str(top / "settings"))
        yield _used(Course(assignment, student, places))


def _used(course: Course) -> Course:
    """Use the course from the first command to the last, with two gradings."""
    assignment, exchange = course.assignment, course.exchange
    student = ("--course=residual-networks", "--student=kim", *exchange)
    solution = solution_cells(assignment) | {"why_stable": "It cancels."}
    blank = released(assignment)
    wrong = next(
        answer.code
        for answer in known_answers(assignment, "wrong_answers.toml")
        if answer.function == "softmax"
    )
    course.run("db", "assignment", "add", NAME, "--duedate=2020-01-01")
    course.run("db", "student", "add", "ada", f"--last-name={EVIL}")
    (course.student / "class.csv").write_text("id,first_name\nbob,Bob\n")
    course.run("db", "student", "import", str(course.student / "class.csv"))
    course.run("db", "student", "add", "nobody")
    course.run("release_assignment", NAME, *exchange)
    course.run("list", *exchange)
    course.run("fetch_assignment", NAME, *student, at=course.student)
    fetched = course.student / NAME / f"{assignment.notebook}.ipynb"
    course.run("validate", str(fetched), at=course.student, key="validate blank")
    shutil.copy(submit(assignment, "ada", fill_in(blank, solution)), fetched)
    course.run("submit", NAME, *student, at=course.student)
    course.run("list", "--inbound", *student, at=course.student, key="list --inbound")
    course.run("collect", NAME, *exchange)
    submit(assignment, "bob", fill_in(blank, solution | {"softmax": wrong}))
    run_nbgrader(course.folder, "autograde", NAME)
    submit(assignment, "eve", blank)
    _grade_by_hand(course, "ada")
    _grade_by_hand(course, "bob")
    course.run("generate_feedback", NAME)
    course.run("release_feedback", NAME, *exchange)
    course.run("fetch_feedback", NAME, *student, at=course.student)
    submit(assignment, "bob", fill_in(blank, solution))
    course.export()
    # From another folder.
    again = course.run("autograde", NAME, f"--course-dir={course.folder}", at=course.student)
    assert again[0] == 0, again[1]
    course.run("generate_feedback", NAME, key="generate_feedback again")
    course.export()
    for arguments in (
        ("generate_solution", NAME),
        ("quickstart", "another"),
        ("generate_config",),
        ("extension",),
        ("update", "source"),
        ("zip_collect", NAME),
        ("db", "student", "list"),
        ("db", "student", "remove", "nobody"),
        ("db", "student", "remove", "ada"),
        ("db", "assignment", "list"),
        ("db", "assignment", "remove", NAME),
        ("db", "upgrade"),
    ):
        course.run(*arguments)
    course.run("db", "student", "remove", "ada", key="db student remove ada")
    course.run("release_feedback", "another-v1", *exchange, key="release_feedback nothing")
    course.run("validate", f"submitted/bob/{NAME}/{assignment.notebook}.ipynb", key="validate bob")
    course.run("validate", "missing.ipynb", key="validate missing")
    course.run("export", "--to=/proc/grades.csv", key="export nowhere")
    course.run("export", "--ExportPlugin.student=['zoe']", key="export nobody")
    return course


def _grade_by_hand(course: Course, who: str) -> None:
    """As formgrader does it: points, extra credit and a comment."""
    with Gradebook(course.url) as gradebook:
        found = gradebook.find_submission_notebook(course.assignment.notebook, NAME, who)
        for grade in found.grades:
            if grade.name in ("why_stable", "plot", "essay"):
                grade.manual_score, grade.needs_manual_grade = 2, False
            if grade.name == "why_stable":
                grade.extra_credit = 1.5
        for comment in found.comments:
            comment.manual_comment = f"seen: {comment.name}"
        gradebook.db.commit()


def test_commands_work(course: Course) -> None:
    works = """release_assignment, list, fetch_assignment, submit, list --inbound, collect,
        generate_feedback, release_feedback, fetch_feedback, export, validate blank, update,
        extension, generate_feedback again, db assignment add, db student add, db student import,
        db student list, db assignment list, db upgrade"""
    for name in works.replace("\n", " ").split(", "):
        code, said = course.said[name.strip()]
        assert code == 0 and "Traceback" not in said, f"{name}: {said}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("generate_solution", "open source/numbers-v1 with: jupyter lab"),
        ("quickstart", "coursekit new-assignment NAME"),
        ("zip_collect", "set c.FileNameCollectorPlugin.named_regexp"),
        ("generate_config", "already exists"),
        ("validate bob", "would run it with your rights"),
        ("validate missing", "there is no notebook missing.ipynb"),
        ("release_feedback nothing", "run: nbgrader generate_feedback another-v1"),
        ("export nowhere", "error: "),
        ("export nobody", "the gradebook does not know zoe"),
        ("db student remove ada", "rerun with --force"),
        ("db assignment remove", "rerun with --force"),
    ],
)
def test_a_command_that_cannot_work_says_so(course: Course, command: str, said: str) -> None:
    code, log = course.said[command]
    assert code == 1 and said in log and "Traceback" not in log, log


def test_feedback_goes_to_those_who_handed_in_through_the_exchange(course: Course) -> None:
    (page,) = (course.student / NAME / "feedback").rglob("*.html")
    assert "20 of 20 points" in page.read_text()
    assert "handed in another way: ada, bob;" in course.said["release_feedback"][1]


def test_a_score_is_exported_only_where_one_was_given(course: Course) -> None:
    first, second = course.exported
    scores = ("raw_score", "late_submission_penalty", "score")
    told = {who: (row["status"], *(row[key] for key in scores)) for who, row in first.items()}
    assert told == {
        # 20 and 15 by the judge, three times 2 and 1.5 more by hand.
        "ada": ("graded", "42.5", "0.0", "42.5"),
        "bob": ("handed in again, not graded yet", "", "", ""),
        "eve": ("not graded", "", "", ""),
        "kim": ("needs manual grading", "", "", ""),
        "nobody": ("not handed in", "", "", ""),
    }
    assert all(row["max_score"] == "46.0" for row in first.values())
    # What counts by hand is looked at again, for it was given for another text.
    assert second["bob"]["status"] == second["eve"]["status"] == "needs manual grading"
    assert second["ada"] == first["ada"]
    # A comma, a quote and a line end stay in their column; no spreadsheet computes the text.
    name = first["ada"]["last_name"]
    assert name == EVIL.replace("=", "'=") and "Zoë" in name
    assert first["bob"]["first_name"] == "Bob"


def test_a_new_file_without_a_timestamp_is_graded_and_its_page_made_again(course: Course) -> None:
    scores = read_scores(course.url, NAME, course.assignment.notebook)
    assert scores["bob"].automatic == {"test_softmax": 20, "test_summary": 15}
    page = course.folder / "feedback" / "bob" / NAME / f"{course.assignment.notebook}.html"
    assert "20 of 20 points" in page.read_text()
    with Gradebook(course.url) as gradebook:
        # Hand grading stays, to be looked at again.
        grade = gradebook.find_grade("why_stable", course.assignment.notebook, NAME, "bob")
        assert (grade.manual_score, grade.extra_credit) == (2, 1.5) and grade.needs_manual_grade
        late = gradebook.find_submission_notebook(course.assignment.notebook, NAME, "kim")
        assert late.late_submission_penalty == 35


def _other_bytes(place: Path) -> None:
    notebook = next(place.glob("*.ipynb"))
    notebook.write_text(notebook.read_text().replace("cancels", "CANCELS"))


def _checkpoint(place: Path) -> None:
    (place / ".ipynb_checkpoints").mkdir()
    (place / ".ipynb_checkpoints" / "a.ipynb").write_text("{}")


CHANGES: dict[str, Callable[[Path], object]] = {
    "other bytes": _other_bytes,
    "a timestamp": lambda place: (place / "timestamp.txt").write_text("2020-01-01 00:00:00 UTC"),
    "a support file": lambda place: (place / "data.txt").write_text("1"),
    "another name": lambda place: next(place.glob("*.ipynb")).rename(place / "mine.ipynb"),
    "no notebook": lambda place: next(place.glob("*.ipynb")).unlink(),
    "a link": lambda place: (place / "link").symlink_to("/etc/passwd"),
    "a checkpoint": _checkpoint,
}
DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "cut": lambda verdict: verdict.write_text(verdict.read_text()[:200]),
    "other points": lambda verdict: verdict.write_text(
        verdict.read_text().replace('"score": 20', '"score": 19')
    ),
}


def test_what_changed_is_graded_again_and_nothing_else(course: Course, tmp_path: Path) -> None:
    """The step that decides it, on copies of what was graded."""
    notebook = course.assignment.notebook
    origin = {step: course.folder / step / "ada" / NAME for step in ("submitted", "autograded")}

    def wanted(number: int, submission: Callable[[Path], object], graded: object = None) -> bool:
        root = tmp_path / str(number)
        for step, folder in origin.items():
            shutil.copytree(folder, root / step / "ada" / NAME)
            for path in (root / step).rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)
        submission(root / "submitted" / "ada" / NAME)
        if callable(graded):
            graded(root / "autograded" / "ada" / NAME / f"{notebook}.verdict.json")
        coursedir = CourseDirectory(root=str(root), assignment_id=NAME, db_url=course.url)
        converter = Autograde(coursedir=coursedir)
        converter.notebooks = [f"{notebook}.ipynb"]
        return init_destination(converter, NAME, "ada")

    def touch(place: Path) -> None:
        for path in place.iterdir():
            os.utime(path, (0, 0))

    assert not wanted(0, touch)
    for number, (name, change) in enumerate(CHANGES.items(), 1):
        assert wanted(number, change), name
    for number, (name, damage) in enumerate(DAMAGE.items(), 100):
        assert wanted(number, touch, damage), name
    assert graded_notebooks(course.url, NAME, "ada") == {("ada", notebook)}
    assert graded_notebooks(course.url, NAME, "nobody") == frozenset()


def test_the_courses_settings_hold_from_every_folder(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was graded with `--course-dir` was graded in the sandbox; formgrader reads them, too."""
    graded = read_verdict(course.folder, "eve", NAME, course.assignment.notebook)
    assert graded.isolation == strongest().isolation
    (tmp_path / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.root = {str(course.folder)!r}\n"
    )
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    with contextlib.chdir(course.folder.parent):
        formgrader = FormgradeExtension()
        formgrader.initialize([])
        converter = Autograde(coursedir=formgrader.coursedir, parent=formgrader)
    assert converter.exporter_class is SubmissionExporter
    assert "coursekit.grading.judge_answers.JudgeAnswers" in [
        f"{one.__module__}.{one.__name__}" if isinstance(one, type) else one
        for one in converter.autograde_preprocessors
    ]
