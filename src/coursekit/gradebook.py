"""The only module that opens a gradebook: what grading reads from it, and what it writes.

nbgrader makes a database engine whenever it opens the gradebook, several times a
submission, and SQLAlchemy keeps what it compiled for every engine: the memory of
the grading process grew by 0.2 MB a submission. So all openings share one engine.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbgrader.api
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

# Its file in a course folder, unless the course is configured otherwise.
GRADEBOOK = "gradebook.db"
# How long another program may hold the gradebook; SQLite's own limit is 5 s.
MAX_WAIT_SECONDS = 20
_SQLITE = "sqlite:///"
# Everything that grading, automatic or by hand, writes.
_TABLES = ("grade", "comment", "submitted_notebook", "submitted_assignment")

Rows = dict[tuple[str, str], tuple[object, ...]]


@functools.lru_cache(maxsize=8)
def shared_engine(url: str, **options: Any) -> Engine:
    """Return the engine of a database. It keeps no connection open between transactions."""
    if not url.startswith(_SQLITE):
        return create_engine(url, poolclass=NullPool, **options)
    # The path is used as it is: in a URL, "?" and "%41" would lead to another file.
    path = URL.create("sqlite", database=url.removeprefix(_SQLITE))
    waiting = {"timeout": MAX_WAIT_SECONDS}
    return create_engine(path, poolclass=NullPool, connect_args=waiting, **options)


# nbgrader opens its gradebooks with this engine as soon as this module is imported.
nbgrader.api.create_engine = shared_engine


class _OneTransaction(Session):
    """A session in which what others commit is written when it ends, all at once."""

    def commit(self) -> None:
        self.flush()
        # As after a commit: sums of scores are read again.
        self.expire_all()

    def end(self) -> None:
        """Commit."""
        super().commit()


_open_gradebook = Gradebook.__init__
_close_gradebook = Gradebook.close
_shared: dict[str, Gradebook] = {}


@contextlib.contextmanager
def one_transaction(url: str) -> Iterator[None]:
    """Let everything that opens a gradebook within the block share one transaction.

    nbgrader opens it a dozen times to write one submission, and commits after every score.
    What the block has written counts if it ends by itself or with an NbGraderException,
    which tells of a submission that could not be graded.

    Raises:
        SQLAlchemyError: if it cannot be written; then nothing of it counts.

    """
    if url in _shared:
        yield
        return
    own = Gradebook(url)
    engine = own.engine
    own.db.remove()
    own.db = scoped_session(sessionmaker(class_=_OneTransaction, bind=engine))
    _shared[url] = own
    try:
        try:
            yield
        except NbGraderException:
            own.db.registry().end()
            raise
        own.db.registry().end()
    finally:
        del _shared[url]
        own.close()


def _open_shared(self: Gradebook, db_url: str, *more: Any, **given: Any) -> None:
    """Open a gradebook, or take part in the transaction that is open."""
    if db_url not in _shared:
        _open_gradebook(self, db_url, *more, **given)
        return
    shared = _shared[db_url]
    self.engine, self.db = shared.engine, shared.db
    self.course_id = given.get("course_id", more[0] if more else "default_course")
    self.authenticator = None
    self.check_course(course_id=self.course_id)


def _close_shared(self: Gradebook) -> None:
    """Close a gradebook, unless others take part in its transaction."""
    if not any(self.db is shared.db for shared in _shared.values()):
        _close_gradebook(self)


Gradebook.__init__ = _open_shared
Gradebook.close = _close_shared


def database_url(path: Path) -> str:
    """Return the address that nbgrader has for a gradebook's file."""
    return f"{_SQLITE}{path}"


def try_to_write(url: str, patience: float = MAX_WAIT_SECONDS) -> None:
    """Find out whether a gradebook can be written to, before anything is removed for its sake.

    Args:
        url: its address. Only SQLite's are tried.
        patience: seconds that another program may hold it.

    Raises:
        sqlite3.Error: if it cannot.

    """
    path = url.removeprefix(_SQLITE)
    if path == url or not Path(path).exists():
        return
    with contextlib.closing(
        sqlite3.connect(path, timeout=patience, isolation_level=None)
    ) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE coursekit_trial (tried)")
        connection.execute("ROLLBACK")


def copy_gradebook(database: Path, target: Path) -> None:
    """Copy a gradebook as it is at one moment, even while somebody writes to it."""
    with (
        contextlib.closing(sqlite3.connect(database)) as origin,
        contextlib.closing(sqlite3.connect(target)) as copied,
    ):
        origin.backup(copied)


# What an assignment asks for.


@dataclass(frozen=True)
class SourceCell:
    """A cell that nbgrader keeps the text of; its fields are nbgrader's."""

    name: str
    cell_type: str
    locked: bool
    source: str
    checksum: str


@dataclass(frozen=True)
class AskedCell:
    """A cell that students are asked for, or that gives points.

    Attributes:
        name: its grade id.
        cell_type: "code" or "markdown"; "" if nbgrader keeps none.
        max_score: what it is worth; 0 if it gives no points by itself.

    """

    name: str
    cell_type: str = ""
    max_score: float = 0.0


@dataclass(frozen=True)
class NotebookCells:
    """What the gradebook holds of a released notebook; its lists have nbgrader's names.

    Attributes:
        kernelspec: the kernel that the source names, as JSON text.
        source_cells: every cell that nbgrader knows, in order.
        grade_cells: those that give points.
        solution_cells: those that students fill in.
        task_cells: those that are graded by hand as a whole.

    """

    kernelspec: str | None
    source_cells: tuple[SourceCell, ...]
    grade_cells: tuple[AskedCell, ...]
    solution_cells: tuple[AskedCell, ...]
    task_cells: tuple[AskedCell, ...]

    @property
    def tests(self) -> dict[str, tuple[str, float]]:
        """The test cells that a machine grades, as (text, points) by grade id.

        Every test cell goes to the judge; one without checks is then refused there, for
        run in the student's kernel its silence would be full marks.
        """
        texts = {cell.name: cell.source for cell in self.source_cells}
        return {cell.name: (texts[cell.name], cell.max_score) for cell in judged_cells(self)}

    @property
    def asks_for(self) -> tuple[frozenset[AskedCell], frozenset[str]]:
        """The grade cells, and the names of the cells that students fill in."""
        return frozenset(self.grade_cells), frozenset(cell.name for cell in self.solution_cells)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> NotebookCells:
        """Return the cells of which `dataclasses.asdict` made ``data``."""
        kinds = ("grade_cells", "solution_cells", "task_cells")
        return cls(
            data["kernelspec"],
            tuple(SourceCell(**cell) for cell in data["source_cells"]),
            *(tuple(AskedCell(**cell) for cell in data[kind]) for kind in kinds),
        )


def asked_cells(url: str) -> dict[str, dict[str, NotebookCells]]:
    """Return the cells of every notebook in the gradebook, by assignment and notebook."""
    with Gradebook(url) as gradebook:
        return {
            str(assignment.name): {
                str(notebook.name): _cells(notebook) for notebook in assignment.notebooks
            }
            for assignment in gradebook.assignments
        }


def _cells(notebook: Any) -> NotebookCells:
    return NotebookCells(
        notebook.kernelspec,
        tuple(
            SourceCell(
                cell.name, cell.cell_type, bool(cell.locked), cell.source or "", cell.checksum or ""
            )
            for cell in notebook.source_cells
        ),
        tuple(
            AskedCell(cell.name, cell.cell_type, float(cell.max_score))
            for cell in notebook.grade_cells
        ),
        tuple(AskedCell(cell.name) for cell in notebook.solution_cells),
        tuple(AskedCell(cell.name, "", float(cell.max_score)) for cell in notebook.task_cells),
    )


def notebooks_of(url: str, assignment: str) -> list[str]:
    """Return the names of an assignment's notebooks; [] if the gradebook does not know it."""
    with Gradebook(url) as gradebook:
        try:
            found = gradebook.find_assignment(assignment)
        except MissingEntry:
            return []
        return sorted(str(notebook.name) for notebook in found.notebooks)


def judged_cells(notebook: Any) -> list[Any]:
    """Return the cells that a machine grades; what students fill in is graded by hand."""
    answers = {cell.name for cell in notebook.solution_cells}
    return [
        cell
        for cell in notebook.grade_cells
        if cell.cell_type == "code" and cell.name not in answers
    ]


# What students handed in, and its scores.


@dataclass(frozen=True)
class Scores:
    """The scores of one submitted notebook, by test cell.

    Attributes:
        automatic: what the judge gave; None before the first grading.
        by_hand: what an instructor gave by hand, which counts instead.

    """

    automatic: dict[str, float | None]
    by_hand: dict[str, float]


def students_of(url: str, assignment: str) -> set[str]:
    """Return the ids of the students whose submission of an assignment is in the gradebook."""
    with Gradebook(url) as gradebook:
        try:
            submissions = gradebook.find_assignment(assignment).submissions
        except MissingEntry:
            return set()
        return {str(submission.student.id) for submission in submissions}


def read_scores(database: Path, assignment: str, notebook: str) -> dict[str, Scores]:
    """Return the scores of each student who submitted the notebook.

    Cells that are graded only by hand are left out.
    """
    found = {}
    with Gradebook(database_url(database)) as gradebook:
        judged = {cell.name for cell in judged_cells(gradebook.find_notebook(notebook, assignment))}
        for submission in gradebook.notebook_submissions(notebook, assignment):
            grades = [grade for grade in submission.grades if grade.name in judged]
            found[str(submission.student.id)] = Scores(
                {grade.name: grade.auto_score for grade in grades},
                {g.name: g.manual_score for g in grades if g.manual_score is not None},
            )
    return found


def is_graded(url: str, assignment: str, student: str, notebook: str) -> bool:
    """Return whether each cell of a submission that a machine grades has its score."""
    with Gradebook(url) as gradebook:
        try:
            submission = gradebook.find_submission_notebook(notebook, assignment, student)
        except MissingEntry:
            return False
        scores = {grade.name: grade.auto_score for grade in submission.grades}
        judged = judged_cells(submission.notebook)
        return all(scores.get(cell.name) is not None for cell in judged)


def forget_timestamp(url: str, assignment: str, student: str) -> None:
    """Take from a submission the time of an earlier one: when this one came is not known."""
    with Gradebook(url) as gradebook, contextlib.suppress(MissingEntry):
        gradebook.find_submission(assignment, student).timestamp = None
        gradebook.db.commit()


def take_back_scores(url: str, assignment: str, student: str, notebook: str = "") -> None:
    """Reset a submission's automatic scores to "not graded".

    Args:
        url: the gradebook's address.
        assignment: the assignment's name.
        student: the student's id; if they handed nothing in, nothing happens.
        notebook: one of its notebooks; "" for all.

    """
    with Gradebook(url) as gradebook:
        try:
            submission = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return
        for handed_in in submission.notebooks:
            for grade in handed_in.grades if notebook in ("", handed_in.name) else ():
                grade.auto_score = None
                grade.needs_manual_grade = True
        gradebook.db.commit()


def read_rows(database: Path) -> Rows:
    """Return every row that grading wrote, by table and id, to find later changes."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {
            (table, row[0]): row
            for table in _TABLES
            for row in connection.execute(f"SELECT * FROM {table}")
        }


def take_scores(
    database: Path,
    origin: Path,
    place: tuple[str, str, str],
    before_commit: Callable[[], None],
) -> set[tuple[str, str]]:
    """Copy one submission's automatic scores from another gradebook, in one transaction.

    Args:
        database: the gradebook that is written.
        origin: the gradebook that is read.
        place: notebook, assignment and student.
        before_commit: what must have happened before the new scores count; if
            it raises, no score changes.

    Returns:
        The table and id of each row that was written. Scores by hand, extra
        credit and comments are not touched.

    """
    with _submission(origin, place) as (_, new):
        penalty = new.late_submission_penalty
        grades = {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in new.grades}
    written = set()
    with _submission(database, place) as (gradebook, submission):
        for grade in submission.grades:
            # Only the judge's new scores: cells that are graded by hand keep their state.
            if grade.name in grades and grade.auto_score != grades[grade.name][0]:
                grade.auto_score, grade.needs_manual_grade = grades[grade.name]
                written.add(("grade", str(grade.id)))
        if submission.late_submission_penalty != penalty:
            submission.late_submission_penalty = penalty
            written.add(("submitted_notebook", str(submission.id)))
        gradebook.db.flush()
        before_commit()
        gradebook.db.commit()
    return written


@contextlib.contextmanager
def _submission(database: Path, place: tuple[str, str, str]) -> Iterator[tuple[Any, Any]]:
    with Gradebook(database_url(database)) as gradebook:
        yield gradebook, gradebook.find_submission_notebook(*place)
