"""Open a gradebook: one engine for all openings, and one transaction for what belongs together.

nbgrader makes a database engine whenever it opens the gradebook, several times a
submission, and SQLAlchemy keeps what it compiled for every engine: the memory of
the grading process grew by 0.2 MB a submission. So all openings share one engine.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbgrader.api
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

# Its file in a course folder, unless the course is configured otherwise.
GRADEBOOK = "gradebook.db"
# How long another program may hold the gradebook; SQLite's own limit is 5 s.
MAX_WAIT_SECONDS = 20
_SQLITE = "sqlite:///"


@functools.lru_cache(maxsize=8)
def shared_engine(url: str, **options: Any) -> Engine:
    """Return the engine of a database. It keeps no connection open between transactions."""
    if not url.startswith(_SQLITE):
        return create_engine(url, poolclass=NullPool, **options)
    # The path is used as it is: in a URL, "?" and "%41" would lead to another file.
    path = URL.create("sqlite", database=url.removeprefix(_SQLITE))
    waiting = {"timeout": MAX_WAIT_SECONDS}
    return create_engine(path, poolclass=NullPool, connect_args=waiting, **options)


def _newest_form() -> str | None:
    """Return the version of a gradebook's tables that a new one has.

    nbgrader starts alembic as a program, which takes almost 3 s.
    """
    from alembic.script import ScriptDirectory  # seldom needed, and slow to import

    return ScriptDirectory(ALEMBIC_DIR).get_current_head()


# nbgrader opens its gradebooks in this way as soon as this module is imported.
nbgrader.api.create_engine = shared_engine
nbgrader.api.get_alembic_version = _newest_form


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


def is_missing(url: str) -> bool:
    """Return whether a gradebook is a file that does not exist yet; opening it would make it."""
    path = url.removeprefix(_SQLITE)
    return path != url and not Path(path).exists()


def try_to_write(url: str, patience: float = MAX_WAIT_SECONDS) -> None:
    """Find out whether a gradebook can be written to, before anything is removed for its sake.

    Args:
        url: its address. Only SQLite's are tried.
        patience: seconds that another program may hold it.

    Raises:
        sqlite3.Error: if it cannot.

    """
    path = url.removeprefix(_SQLITE)
    if path == url or is_missing(url):
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
