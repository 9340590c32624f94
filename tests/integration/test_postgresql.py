"""A gradebook on a PostgreSQL server: every command, many writers, and moving there and back.

``pytest tests/integration/test_postgresql.py --class-on-postgresql 40`` grades that many
submissions with the workers of this machine, and tries the commands that take long.
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import formgrader_writers
import psycopg
import pytest
from command_in_process import run_command
from formgrader_writers import WRITERS
from nbgrader.api import Base, Gradebook, InvalidEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.server_extensions.formgrader.base import BaseHandler
from own_assignments import put_in_place
from postgresql_server import PASSWORD, USER, Server
from rich.console import Console
from sqlalchemy import Integer, select, text
from sqlalchemy.exc import SQLAlchemyError

from coursekit.class_grading.engine import Ended, Task, Work
from coursekit.class_grading.grade_class import grade_class
from coursekit.class_grading.progress import GradingProgress
from coursekit.class_grading.wish import Wish
from coursekit.cli import main
from coursekit.course.assignment import Assignment, cells_by_grade_id
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.errors import CourseKitError, GradebookInUse, InfrastructureError
from coursekit.gradebook import asked_cells, database
from coursekit.gradebook.address import configured_url, database_url, without_password
from coursekit.gradebook.blank_copy import copy_without_students
from coursekit.gradebook.copying import copy_gradebook, copy_into_file
from coursekit.gradebook.database import (
    is_missing,
    newest_version,
    one_moment,
    one_transaction,
    shared_engine,
    try_to_write,
)
from coursekit.gradebook.scores import read_rows, read_scores, take_back_scores, take_scores
from coursekit.gradebook.students import read_students
from coursekit.grading.job import Graded, Job
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.machine_errors import in_words
from coursekit.nbgrader_run import run_nbgrader
from coursekit.new_course.make_course import make_course
from coursekit.release.changed_cells import students_with_submissions
from resnets_utils.checks.check_result import CheckResult, Outcome

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

NAME = "numbers-v1"
STUDENTS = ("ada", "bob", "cy", "dee")
POINTS = {"test_softmax": 20, "test_summary": 15}
WAITING = "SELECT FROM pg_locks WHERE NOT granted"
# The connections of others to a test's database, and how they are ended.
OURS = "pid <> pg_backend_pid() AND datname = current_database()"
END = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}"
SETTINGS = Path(__file__).resolve().parents[2]


@dataclass
class Course:
    """A course whose gradebook is on a server.

    Attributes:
        assignment: its assignment.
        url: the gradebook's address.
        database: its name on the server.

    """

    assignment: Assignment
    url: str
    database: str

    @property
    def folder(self) -> Path:
        return self.assignment.course

    @property
    def place(self) -> tuple[str, str]:
        return self.assignment.notebook, NAME


@pytest.fixture(scope="module")
def course(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with submissions; nbgrader has made its tables while it generated the release."""
    folder = tmp_path_factory.mktemp("course")
    for settings in SETTINGS.glob("nbgrader_config.*"):
        shutil.copy(settings, folder)
    made = Course(put_in_place(NAME, folder), "", postgresql.database())
    made.url = postgresql.address(made.database)
    with (folder / "nbgrader_config.py").open("a") as stream:
        stream.write(f"c.CourseDirectory.db_url = {made.url!r}\n")
    assert run_command(folder, "generate_assignment", NAME)[0] == 0
    notebook = fill_in(released(made.assignment), solution_cells(made.assignment))
    for student in STUDENTS:
        submit(made.assignment, student, notebook)
    return made


class Ready:
    """Grades without a kernel: every submission gets the same share of its points."""

    def __init__(self, course: Course, share: float, before: Callable[[], None]) -> None:
        self._assignment = course.assignment
        self._asked = asked_cells.asked_cells(course.url)[NAME][course.assignment.notebook]
        self._share = share
        self._before = before

    def __call__(self, work: Work) -> contextlib.AbstractContextManager[Ready]:
        return contextlib.nullcontext(self)

    def grade(self, tasks: Iterator[Task]) -> Iterator[list[Ended]]:
        # All are written together.
        yield [self._end(task.job) for task in tasks]

    def _end(self, job: Job) -> Ended:
        self._before()
        return Ended(job, self._graded(job))

    def _graded(self, job: Job) -> Graded:
        notebook = released(self._assignment)
        verdicts = []
        for cell, points in POINTS.items():
            passed = Outcome.PASSED if self._share == 1 else Outcome.FAILED
            checks = [CheckResult("first", points * 0.4, Outcome.PASSED)]
            checks.append(CheckResult("second", points * 0.6, passed, "it is another one"))
            verdicts.append(CellVerdict(cell, cell.removeprefix("test_"), tuple(checks)))
            output = {"text/plain": f"{verdicts[-1].score:g}"}
            cells_by_grade_id(notebook)[cell].outputs = [
                {
                    "output_type": "execute_result",
                    "data": output,
                    "metadata": {},
                    "execution_count": None,
                }
            ]
        verdict = NotebookVerdict(
            job.assignment,
            job.notebook,
            job.student,
            tuple(verdicts),
            job.salt,
            "landlock",
            digest=job.digest,
            tests=asked_cells.tests_digest(job.assignment, job.notebook, self._asked),
        )
        return Graded(json.dumps(notebook), verdict.as_json())


class Writers:
    """The four graders, at work while the block runs."""

    def __init__(self, course: Course, folder: Path) -> None:
        program = str(formgrader_writers.__file__)
        given = [course.url, NAME, course.assignment.notebook, str(folder)]
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", program, *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def all_write(self) -> None:
        """Wait until each of them has written once more."""
        assert self._process.stdout
        left = {b"%d\n" % number for number in range(len(WRITERS))}
        while left:
            line = self._process.stdout.readline()
            assert line, "a writer has ended"
            left.discard(line)

    def end(self) -> list[dict[str, Any]]:
        """End them; return what each has given last, by student."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.read()
        assert self._process.wait() == 0
        self._process.stdout.close()
        return [
            json.loads((self._folder / f"{number}.json").read_text())
            for number in range(len(WRITERS))
        ]


def grade(course: Course, share: float, before: Callable[[], None], student: str = "*") -> int:
    """`coursekit grade --force`, with an engine that has nothing to compute."""
    wish = Wish(NAME, student, force=True)
    console = Console(force_terminal=False)
    return grade_class(course.folder, wish, console, Ready(course, share, before))


@pytest.fixture(scope="module")
def graded(course: Course, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The class graded twice, the second time while four graders write; what they gave last."""
    assert grade(course, 1, lambda: None) == 0
    writers = Writers(course, tmp_path_factory.mktemp("writers"))
    try:
        assert grade(course, 0.4, writers.all_write) == 0
    finally:
        given = writers.end()
    return given


def test_nothing_is_lost_while_four_write(course: Course, graded: list[dict[str, Any]]) -> None:
    with Gradebook(course.url) as gradebook:
        for student in STUDENTS:
            place = (*course.place, student)
            for (kind, cell, field), given in zip(WRITERS, graded, strict=True):
                find = gradebook.find_grade if kind == "grade" else gradebook.find_comment
                assert getattr(find(cell, *place), field) == given[student]
            grades = {name: gradebook.find_grade(name, *place) for name in POINTS}
            assert {name: one.auto_score for name, one in grades.items()} == {
                name: points * 0.4 for name, points in POINTS.items()
            }
    assert sorted(path.name for path in (course.folder / "autograded").iterdir()) == [*STUDENTS]


def test_what_a_grader_writes_to_a_submission_is_all_before_its_scores_or_all_after(
    course: Course, graded: list[dict[str, Any]], postgresql: Server
) -> None:
    def rows(table: str, student: str) -> str:
        return (
            f"SELECT {table}.id FROM {table} "
            f"JOIN submitted_notebook n ON {table}.notebook_id = n.id "
            "JOIN submitted_assignment s ON n.assignment_id = s.id "
            f"WHERE student_id = '{student}' FOR UPDATE OF {table} NOWAIT"
        )

    with (
        postgresql.connect(course.database) as grader,
        pytest.raises(_UndoneError),
        one_transaction(course.url),
        Gradebook(course.url) as gradebook,
    ):
        own = gradebook.find_grade("why_stable", *course.place, "ada")
        assert own.manual_score is not None
        grader.execute("UPDATE grade SET manual_score = 4.25 WHERE id = %s", [own.id])
        # With this, writing a submission begins.
        take_back_scores(course.url, NAME, "ada")
        assert own.manual_score == 4.25
        for table in ("grade", "comment"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                grader.execute(rows(table, "ada"))
            # Those of another submission are nobody's.
            assert len(grader.execute(rows(table, "bob")).fetchall()) == 3
        raise _UndoneError
    with postgresql.connect(course.database) as grader:
        assert len(grader.execute(rows("comment", "ada")).fetchall()) == 3


class _UndoneError(Exception):
    """Ends a transaction that is not to count."""


def test_a_row_that_another_program_holds_is_waited_for(
    course: Course,
    graded: list[dict[str, Any]],
    postgresql: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(database, "MAX_WAIT_SECONDS", 0.01)
    waits = GradingProgress.waits
    with postgresql.connect(course.database) as other:
        other.execute("BEGIN; SELECT * FROM grade FOR UPDATE")

        def let_go(progress: GradingProgress) -> None:
            waits(progress)
            other.execute("ROLLBACK")

        monkeypatch.setattr(GradingProgress, "waits", let_go)
        assert grade(course, 0.4, lambda: None) == 0
    assert "the gradebook is in use by another program; waiting" in capsys.readouterr().out


def test_after_an_error_of_the_gradebook_nothing_of_a_transaction_counts(
    course: Course,
    graded: list[dict[str, Any]],
    postgresql: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "MAX_WAIT_SECONDS", 0.01)
    before = read_rows(course.url)
    with postgresql.connect(course.database) as other:
        other.execute("BEGIN; SELECT * FROM submitted_notebook FOR UPDATE")
        with (
            pytest.raises(NbGraderException),
            one_transaction(course.url),
            Gradebook(course.url) as gradebook,
        ):
            gradebook.find_grade("test_softmax", *course.place, "ada").auto_score = 1
            gradebook.db.commit()
            gradebook.find_submission_notebook(*course.place, "ada").flagged = True
            try:
                gradebook.db.flush()
            except SQLAlchemyError as error:
                # As nbgrader tells of it.
                raise NbGraderException("the gradebook") from error
        other.execute("ROLLBACK")
    assert read_rows(course.url) == before


def test_reports_exports_and_releases_read_the_server_s_gradebook(
    course: Course,
    graded: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Gradebook(course.url) as gradebook:
        for student in STUDENTS:
            for name in ("why_stable", *POINTS):
                gradebook.find_grade(name, *course.place, student).needs_manual_grade = False
        gradebook.db.commit()
    out = tmp_path / "scores.csv"
    assert main(["--course", str(course.folder), "report", NAME]) == 0
    assert "4 handed in, 4 with a score" in capsys.readouterr().out
    assert (
        main(["--course", str(course.folder), "export", NAME, "--to", "csv", "--out", str(out)])
        == 0
    )
    with out.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["student_id"] == "bob"]
    # In the notebook's order, which no gradebook keeps.
    assert list(dict.fromkeys(row["cell"] for row in rows)) == [
        "test_softmax",
        "why_stable",
        "test_summary",
    ]
    assert run_command(course.folder, "generate_feedback", NAME, "--student=ada")[0] == 0
    page = course.folder / "feedback" / "ada" / NAME / f"{course.assignment.notebook}.html"
    assert graded[2]["ada"] in page.read_text()
    assert configured_url(course.folder) == course.url
    shutil.rmtree(course.folder / "submitted" / "dee")
    assert students_with_submissions(course.assignment) == set(STUDENTS)
    copy_without_students(course.url, tmp_path / "blank.db", [NAME])
    blank = database_url(tmp_path / "blank.db")
    assert read_students(blank) == [] and asked_cells.asked_cells(blank) == asked_cells.asked_cells(
        course.url
    )


def test_the_order_in_which_a_server_keeps_rows_changes_nothing(
    course: Course, postgresql: Server
) -> None:
    def digest() -> str:
        cells = asked_cells.asked_cells(course.url)[NAME][course.assignment.notebook]
        return asked_cells.tests_digest(NAME, course.assignment.notebook, cells) + str(cells)

    before, students = digest(), read_students(course.url)
    first = "(SELECT id FROM {0} LIMIT 1)"
    with postgresql.connect(course.database) as connection:
        for table in ("source_cell", "base_cell", "grade_cells", "student"):
            found = connection.execute(f"SELECT id FROM {table}").fetchall()
            # A row that is written again comes last.
            connection.execute(f"UPDATE {table} SET id = id WHERE id = {first.format(table)}")
            assert connection.execute(f"SELECT id FROM {table}").fetchall() != found
    assert (digest(), read_students(course.url)) == (before, students)


def test_scores_are_taken_from_a_copy_as_regrading_does(
    course: Course, graded: list[dict[str, Any]], tmp_path: Path
) -> None:
    copied = database_url(tmp_path / "copy.db")
    copy_into_file(course.url, tmp_path / "copy.db")
    assert read_rows(copied) == read_rows(course.url)
    with Gradebook(copied) as gradebook:
        gradebook.find_grade("test_softmax", *course.place, "cy").auto_score = 20
        gradebook.db.commit()
    before = read_rows(course.url)
    place = (*course.place, "cy")

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_scores(course.url, copied, place, fail)
    assert read_rows(course.url) == before
    written = take_scores(course.url, copied, place, lambda: None)
    changed = {key for key, row in read_rows(course.url).items() if before[key] != row}
    assert len(changed) == 1 and written == changed
    scores = read_scores(course.url, NAME, course.assignment.notebook)
    assert scores["cy"].automatic == {"test_softmax": 20, "test_summary": 6}
    assert scores["cy"].by_hand == {"test_summary": graded[3]["cy"]}


def everything(url: str) -> dict[str, Any]:
    """All rows of all of nbgrader's tables, and what says which version of it made them."""
    with shared_engine(url).connect() as connection:
        found: dict[str, Any] = {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }
        version = text("SELECT version_num FROM alembic_version")
        return found | {"alembic_version": [tuple(row) for row in connection.execute(version)]}


def test_a_course_moves_to_a_server_and_back(
    course: Course,
    graded: list[dict[str, Any]],
    postgresql: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Gradebook(course.url) as gradebook:
        gradebook.update_or_create_student("Zoë", last_name="ḿ\n", email="z" * 128)
        gradebook.update_or_create_assignment(NAME, duedate="2026-01-31 23:59:59.000001 UTC")
        submission = gradebook.find_submission(NAME, "ada")
        submission.extension = timedelta(days=-400, microseconds=3)
        submission.notebooks[0].flagged = True
        submission.notebooks[0].late_submission_penalty = 0.1 + 0.2
        gradebook.db.commit()

    def copy(*places: str) -> tuple[int, str]:
        status = main(["--course", str(course.folder), "gradebook", "copy", *places])
        said = capsys.readouterr()
        return status, said.out + said.err

    wanted, file = everything(course.url), tmp_path / "gradebook.db"
    status, said = copy(str(file))
    assert status == 0 and f"c.CourseDirectory.db_url = 'sqlite:///{file}'" in said
    assert everything(database_url(file)) == wanted
    back = postgresql.address(postgresql.database())
    # What has merely been opened is empty.
    with Gradebook(back):
        pass
    status, said = copy(str(file), back)
    assert status == 0 and f"c.CourseDirectory.db_url = '{back}'" in said
    assert f"{sum(map(len, wanted.values())) - 1} rows of 13 tables, each compared" in said
    assert everything(back) == wanted
    for moved in (database_url(file), back):
        with Gradebook(moved) as gradebook:
            gradebook.add_student("new")
            submission = gradebook.add_submission(NAME, "new")
            assert len(submission.notebooks[0].grades) == 3
            gradebook.find_grade("why_stable", *course.place, "new").manual_score = 4
            gradebook.db.commit()
    # No number is counted on by nbgrader's tables, so no counter has to be carried over.
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    assert not any(isinstance(column.type, Integer) for column in columns)
    before = everything(back)
    status, said = copy(str(file), back)
    assert status == 1 and "is not empty: its table student has rows" in said
    assert everything(back) == before
    status, said = copy(str(tmp_path / "none.db"), back)
    assert status == 1 and "there is no gradebook at" in said
    assert not (tmp_path / "none.db").exists()


def longer(connection: Any) -> None:
    connection.execute(text("UPDATE student SET first_name = :name"), {"name": "ü" * 129})


def unknown(connection: Any) -> None:
    connection.execute(text("UPDATE grade SET cell_id = id"))


def older(connection: Any) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = '282d30a0218e'"))


def no_gradebook(connection: Any) -> None:
    connection.execute(text("DROP TABLE task_cells"))


def null(connection: Any) -> None:
    connection.execute(text("UPDATE comment SET manual_comment = 'a' || char(0)"))


UNFIT: dict[Callable[[Any], None], str] = {
    longer: "student 'ada': first_name has 129 characters, and at most 128 fit\n",
    unknown: "violates foreign key constraint",
    null: "cannot contain NUL",
    older: "was made by another version of nbgrader (282d30a0218e)",
    no_gradebook: "is no gradebook: it has no table task_cells",
}


@pytest.fixture(scope="module")
def small(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook in a file, with one submission."""
    path = tmp_path_factory.mktemp("small") / "gradebook.db"
    copy_without_students(course.url, path, [NAME])
    with Gradebook(database_url(path)) as gradebook:
        gradebook.add_student("ada")
        gradebook.add_submission(NAME, "ada")
    return path


@pytest.mark.parametrize("change", UNFIT, ids=lambda change: change.__name__)
def test_what_does_not_fit_is_named_and_nothing_is_copied(
    small: Path, postgresql: Server, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    origin = database_url(Path(shutil.copy(small, tmp_path)))
    with shared_engine(origin).begin() as connection:
        change(connection)
    target = postgresql.address(postgresql.database())
    with pytest.raises(InfrastructureError) as caught:
        copy_gradebook(origin, target)
    assert UNFIT[change] in f"{caught.value.message}\n" and caught.value.hint
    assert is_missing(target)


SPOILT = {
    "BEFORE INSERT ON student": (
        "NEW.email = 'another@example.org'",
        "student 'ada': it is another one in the copy",
    ),
    "AFTER INSERT ON course": (
        "INSERT INTO student (id) VALUES ('x') ON CONFLICT DO NOTHING",
        "somebody else wrote into the new table student",
    ),
}


@pytest.mark.parametrize("when", SPOILT)
def test_a_copy_that_is_not_the_same_does_not_count(
    small: Path, postgresql: Server, when: str
) -> None:
    change, said = SPOILT[when]
    name = postgresql.database()
    target = postgresql.address(name)
    with Gradebook(target), postgresql.connect(name) as connection:
        connection.execute(
            "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {change}; RETURN NEW; END $$; "
            f"CREATE TRIGGER change {when} FOR EACH ROW EXECUTE FUNCTION change()"
        )
    before = everything(target)
    with pytest.raises(InfrastructureError) as caught:
        copy_gradebook(database_url(small), target)
    assert said in caught.value.message
    assert everything(target) == before


def test_what_is_read_for_a_copy_is_all_of_one_moment(course: Course, postgresql: Server) -> None:
    count = text("SELECT count(*) FROM student")
    with one_moment(course.url) as reading, postgresql.connect(course.database) as other:
        before = reading.scalar(count)
        other.execute("INSERT INTO student (id) VALUES ('late')")
        assert reading.scalar(count) == before
        other.execute("DELETE FROM student WHERE id = 'late'")


def test_those_who_open_a_new_database_at_once_all_find_a_gradebook(postgresql: Server) -> None:
    url = postgresql.address(postgresql.database())
    assert is_missing(url) and read_students(url) == []
    at_once, failed = threading.Barrier(2), []

    def open_it() -> None:
        try:
            at_once.wait()
            with Gradebook(url, "a course"):
                pass
        except Exception as error:
            failed.append(error)

    others = [threading.Thread(target=open_it) for _ in range(2)]
    for one in others:
        one.start()
    for one in others:
        one.join()
    assert failed == []
    assert everything(url)["course"] == ["('a course',)"] and not is_missing(url)
    assert len(everything(url)["alembic_version"]) == 1


@dataclass(frozen=True)
class Wrong:
    """An address that leads nowhere, and what is said of it.

    Attributes:
        change: makes it of a right address.
        said: a part of the message.
        hint: a part of the hint.

    """

    change: Callable[[str], str]
    said: str
    hint: str


WRONG = {
    "database": Wrong(lambda url: url.replace("/?", "/none?"), "does not exist", "createdb"),
    "user": Wrong(lambda url: url.replace("owner", "nobody"), "does not exist", "createuser"),
    "password": Wrong(
        lambda url: url.replace("owner", f"{USER}:secret"), "does not accept this user", ".pgpass"
    ),
    "@ in it": Wrong(lambda url: url.replace("owner", f"{USER}:sec@ret"), "has an @", "%40"),
    "socket": Wrong(lambda url: url + "none", "cannot be reached", "start the server"),
    "machine": Wrong(lambda url: "postgresql://a:secret@x.invalid/d", "cannot be reached", "start"),
    "port": Wrong(lambda url: "postgresql://a:b@c:secret/d", "cannot be read", "postgresql://"),
    "option": Wrong(lambda url: f"{url}&sslmode=no", "cannot be used", "c.CourseDirectory.db_url"),
    "kind": Wrong(lambda url: url.replace("postgresql", "postgres"), "unknown kind", "postgresql:"),
    "driver": Wrong(
        lambda url: url.replace("postgresql", "postgresql+pg8000"), "is not installed", "psycopg"
    ),
    "replica": Wrong(
        lambda url: f"{url}&options=-cdefault_transaction_read_only%3Don",
        "may not be written to",
        "replica",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_address_that_leads_nowhere_is_told_in_words(
    course: Course, postgresql: Server, name: str
) -> None:
    wrong = WRONG[name]
    url = wrong.change(postgresql.address(course.database if name in ("replica",) else ""))
    with pytest.raises((SQLAlchemyError, InfrastructureError)) as caught:
        try_to_write(url)
    told = in_words(caught.value)
    assert told and wrong.said in told.message and wrong.hint in (told.hint or "")
    assert "secret" not in str(told) and "ret@" not in str(told)
    assert not isinstance(told, GradebookInUse)


def test_a_password_of_any_letters_is_used_and_never_shown(
    course: Course, postgresql: Server, tmp_path: Path
) -> None:
    url = postgresql.address(course.database, USER, PASSWORD)
    assert without_password(url) == postgresql.address(course.database, USER)
    for settings in course.folder.glob("nbgrader_config.*"):
        shutil.copy(settings, tmp_path)
    with (tmp_path / "nbgrader_config.py").open("a") as stream:
        stream.write(f"c.CourseDirectory.db_url = {url!r}\n")
    with postgresql.connect(course.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'unknown'")
        status, said = run_command(tmp_path, "db", "upgrade")
        connection.execute("UPDATE alembic_version SET version_num = %s", [newest_version()])
    assert status == 1 and f"Upgrading {without_password(url)}" in said
    # That it is told which version is there shows that the password was right.
    assert f"{without_password(url)} could not be upgraded" in said and "'unknown'" in said
    assert not any(part in said for part in (PASSWORD, url, "100%"))


def test_what_a_server_refuses_is_told_in_words(course: Course, postgresql: Server) -> None:
    def told(step: Callable[[Gradebook], object]) -> CourseKitError:
        with Gradebook(course.url) as gradebook, pytest.raises(Exception) as caught:
            step(gradebook)
        found = in_words(caught.value)
        assert found is not None and found.hint
        return found

    long = told(lambda gradebook: gradebook.add_student("x" * 129))
    assert "does not take a text that long" in str(long)

    def go_on_without_a_connection(gradebook: Gradebook) -> None:
        gradebook.find_assignment(NAME)
        with postgresql.connect(course.database) as other:
            other.execute(END)
        gradebook.find_assignment(NAME)

    assert "cannot be reached" in str(told(go_on_without_a_connection))


def test_formgrader_goes_on_after_the_server_was_restarted(
    course: Course, postgresql: Server
) -> None:
    with Gradebook(course.url) as gradebook, postgresql.connect(course.database) as other:
        handler: Any = SimpleNamespace(settings={"nbgrader_gradebook": gradebook})

        def states() -> list[str]:
            found = other.execute(f"SELECT state FROM pg_stat_activity WHERE {OURS}").fetchall()
            return [state for (state,) in found]

        # What formgrader does for a page.
        gradebook.find_assignment(NAME)
        assert states() == ["idle in transaction"]
        other.execute(END)
        with pytest.raises(SQLAlchemyError):
            gradebook.find_assignment(NAME)
        BaseHandler.on_finish(handler)
        gradebook.find_assignment(NAME)
        BaseHandler.on_finish(handler)
        assert states() == ["idle"]
        # Between two requests nobody notices it.
        other.execute(END)
        gradebook.find_assignment(NAME)


def test_graders_who_meet_are_told_that_the_gradebook_is_in_use(
    course: Course, postgresql: Server
) -> None:
    with (
        postgresql.connect(course.database) as other,
        postgresql.connect(course.database) as third,
        Gradebook(course.url) as gradebook,
    ):
        other.execute("INSERT INTO student (id) VALUES ('one'), ('two')")
        with pytest.raises(InvalidEntry) as caught:
            gradebook.add_student("one")
        assert isinstance(in_words(caught.value), GradebookInUse)
        # Each waits for the other; the server notices it in our connection.
        other.execute("SET deadlock_timeout = '1h'; BEGIN")
        other.execute("UPDATE student SET email = '' WHERE id = 'one'")
        gradebook.find_student("two").email = "two@example.org"
        gradebook.db.flush()
        waits = threading.Thread(
            target=other.execute, args=["UPDATE student SET email = '' WHERE id = 'two'"]
        )
        waits.start()
        while not third.execute(WAITING).fetchall():
            pass
        with pytest.raises(InvalidEntry) as caught:
            gradebook.update_or_create_student("one", email="one@example.org")
        waits.join()
        told = in_words(caught.value)
        assert isinstance(told, GradebookInUse) and "deadlock" in told.message
        other.execute("ROLLBACK; DELETE FROM student WHERE id IN ('one', 'two')")


def test_a_student_whom_two_add_at_once_is_graded(
    course: Course,
    graded: list[dict[str, Any]],
    postgresql: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    submit(course.assignment, "eve", released(course.assignment))
    graded_already = threading.Event()
    with (
        postgresql.connect(course.database) as other,
        postgresql.connect(course.database) as third,
    ):
        other.execute("BEGIN; INSERT INTO student (id) VALUES ('eve')")

        def add_when_the_run_adds_too() -> None:
            while not (graded_already.is_set() or third.execute(WAITING).fetchall()):
                pass
            other.execute("COMMIT")

        adds = threading.Thread(target=add_when_the_run_adds_too)
        adds.start()
        # By itself: where several are written together, this makes each be written by itself.
        assert grade(course, 1, lambda: None, student="eve") == 0
        graded_already.set()
        adds.join()
    assert "waiting" in capsys.readouterr().out
    scores = read_scores(course.url, NAME, course.assignment.notebook)
    assert scores["eve"].automatic == POINTS


@pytest.fixture
def large(request: pytest.FixtureRequest, postgresql: Server, tmp_path: Path) -> Course:
    """A new course of as many submissions as were asked for, half of them wrong."""
    number = request.config.getoption("--class-on-postgresql")
    if not number:
        pytest.skip("takes minutes; ask for it with --class-on-postgresql NUMBER")
    folder = tmp_path / "course"
    make_course(folder, print, empty=False)
    made = Course(put_in_place(NAME, folder), "", postgresql.database())
    made.url = postgresql.address(made.database, USER, PASSWORD)
    with (folder / "nbgrader_config.py").open("a") as stream:
        stream.write(f"c.CourseDirectory.db_url = {made.url!r}\n")
    assert main(["--course", str(folder), "release", NAME]) == 0
    answers = solution_cells(made.assignment)
    known = known_answers(made.assignment, "wrong_answers.toml")
    wrong = {one.function: one.code for one in known if one.name == "two rows taken for granted"}
    for at in range(number):
        given = answers | wrong if at % 2 else answers
        submit(made.assignment, f"student{at}", fill_in(released(made.assignment), given))
    return made


@pytest.mark.slow
def test_every_command_works_while_four_write(
    large: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = large.folder

    def command(*words: str) -> str:
        assert main(["--course", str(folder), *words]) == 0, capsys.readouterr()
        return capsys.readouterr().out

    # The gates grade in a copy of the course, whose gradebook is its own.
    assert read_students(large.url) == []
    command("grade", NAME)
    first = read_scores(large.url, NAME, large.assignment.notebook)
    assert {tuple(scores.automatic.values()) for scores in first.values()} == {(20, 15), (19, 15)}
    (tmp_path / "writers").mkdir()
    writers = Writers(large, tmp_path / "writers")
    try:
        writers.all_write()
        command("grade", NAME, "--force", "--workers", "2")
        run_nbgrader(folder, "autograde", NAME, "--force", "--student", "student0")
    finally:
        given = writers.end()
    again = read_scores(large.url, NAME, large.assignment.notebook)
    assert {who: scores.automatic for who, scores in again.items()} == {
        who: scores.automatic for who, scores in first.items()
    }
    with Gradebook(large.url) as gradebook:
        for (kind, cell, field), values in zip(WRITERS, given, strict=True):
            find = gradebook.find_grade if kind == "grade" else gradebook.find_comment
            found = {who: getattr(find(cell, *large.place, who), field) for who in first}
            assert found == values
    run_nbgrader(folder, "generate_feedback", NAME)
    command("report", NAME)
    command("export", NAME, "--to", "csv-wide")
    command("gradescope", NAME)
    softmax = large.assignment.tests / "softmax.py"
    moved = {'"other rows", points=1': '"other rows", points=2'}
    moved['"whole numbers", points=2'] = '"whole numbers", points=1'
    for old, new in moved.items():
        softmax.write_text(softmax.read_text().replace(old, new))
    before = read_rows(large.url)
    assert "student1: 34 -> 33 (-1)" in command("regrade", NAME)
    assert read_rows(large.url) == before
    command("regrade", NAME, "--write")
    assert len(set(read_rows(large.url).items()) - set(before.items())) == len(first) // 2
    command("demo")
    assert {one.id for one in read_students(large.url)} == set(first)
    log = "".join(path.read_text() for path in folder.rglob("nbgrader.log"))
    assert PASSWORD not in log and "100%" not in log
