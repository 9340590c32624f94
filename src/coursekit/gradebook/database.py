"""Open a gradebook: one engine for all openings, and one transaction for what belongs together.

nbgrader makes a database engine whenever it opens the gradebook, several times a
submission, and SQLAlchemy keeps what it compiled for every engine: the memory of
the grading process grew by 0.2 MB a submission. So all openings share one engine.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import nbgrader.api
from nbgrader import dbutil
from nbgrader.api import Base, Gradebook, InvalidEntry
from nbgrader.converters.base import NbGraderException
from sqlalchemy import URL, Connection, Engine, create_engine, event, false, inspect, update
from sqlalchemy.exc import ArgumentError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from coursekit.errors import InfrastructureError
from coursekit.gradebook.address import file_of, parsed
from coursekit.gradebook.lookups import SharedGradebook

# How long another program may hold the gradebook; SQLite's own limit is 5 s, and PostgreSQL
# has none.
MAX_WAIT_SECONDS = 20
# Those who open a new database at once both make its tables, and then both its course.
_OPENINGS = 3
_COMPUTED = "computed"


@functools.lru_cache(maxsize=8)
def shared_engine(url: str, **options: Any) -> Engine:
    """Return the engine of a database. It keeps no file open between transactions.

    Raises:
        InfrastructureError: if its address cannot be read, or its driver is missing.

    """
    path = file_of(url)
    if path is None:
        return _servers_engine(parsed(url), options)
    # The path is used as it is: in a URL, "?" and "%41" would lead to another file.
    address = URL.create("sqlite", database=str(path))
    waiting = {"timeout": MAX_WAIT_SECONDS}
    return create_engine(address, poolclass=NullPool, connect_args=waiting, **options)


def _servers_engine(address: URL, options: dict[str, Any]) -> Engine:
    if address.get_backend_name() == "postgresql":
        address = address.set(query={"connect_timeout": str(MAX_WAIT_SECONDS), **address.query})
    try:
        # A connection costs more than all that one opening asks for. It is kept, and tried
        # before it is used again: the server may have been restarted.
        engine = create_engine(address, pool_size=1, pool_pre_ping=True, **options)
    except ImportError:
        raise InfrastructureError(
            f"the driver of the gradebook's database is not installed ({address.drivername})",
            "begin its address with postgresql:// and install the driver of PostgreSQL, with: "
            "pip install 'psycopg[binary]>=3.2,<4'",
        ) from None
    except ArgumentError:
        raise InfrastructureError(
            f"the gradebook is a database of an unknown kind: {address.drivername}",
            "use SQLite, or PostgreSQL by an address that begins with postgresql://",
        ) from None
    if engine.dialect.name == "postgresql":
        # What it warns of is raised as well.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        event.listen(engine, "begin", _limit_waiting)
    return engine


def _limit_waiting(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{MAX_WAIT_SECONDS}s'")


@functools.cache
def newest_version() -> str:
    """Return the version of the tables that this nbgrader makes."""
    from alembic.script import ScriptDirectory  # seldom needed, and slow to import

    return str(ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head())


# nbgrader opens its gradebooks with this engine as soon as this module is imported, and starts
# no process for the version of a new one.
nbgrader.api.create_engine = shared_engine
nbgrader.api.get_alembic_version = newest_version


class _OneTransaction(Session):
    """A session in which what others commit is written when it ends, all at once.

    Attributes:
        in_bulk: whether rows that are added wait, too, until something is read. If not, whoever
            adds one hears at once if it cannot be.

    """

    in_bulk = False

    def commit(self) -> None:
        computed = self.info.pop(_COMPUTED, ())
        if computed or ((self.new or self.deleted) and not self.in_bulk):
            self.flush()
        # As after a commit: what is computed from other rows, as sums of scores, is read again.
        for one in computed:
            self.expire(one)

    def rollback(self) -> None:
        self.info.clear()
        super().rollback()

    def end(self) -> None:
        """Commit."""
        super().commit()


def settle(url: str) -> None:
    """Within a transaction: let what is read next, such as a sum, count what was written."""
    if url in _shared:
        _shared[url].db.flush()


@event.listens_for(Base, "refresh", propagate=True)
def _note_computed(one: Any, context: Any, attributes: Any) -> None:
    """Note what holds a sum of other rows' scores, or the like, which are read only if wanted."""
    if isinstance(context.session, _OneTransaction):
        columns = inspect(type(one)).column_attrs
        if any(name in columns and columns[name].deferred for name in one.__dict__):
            context.session.info.setdefault(_COMPUTED, set()).add(one)


_open_gradebook = Gradebook.__init__
_close_gradebook = Gradebook.close
_shared: dict[str, Gradebook] = {}


@contextlib.contextmanager
def one_transaction(url: str, in_bulk: Iterable[tuple[str, str]] = ()) -> Iterator[None]:
    """Let everything that opens a gradebook within the block share one transaction.

    nbgrader opens it a dozen times to write one submission, and commits after every score.
    What the block has written counts if it ends by itself or with an NbGraderException,
    which tells of a submission that could not be graded.

    Args:
        url: the gradebook's address.
        in_bulk: many submissions, as assignment and student, that are written together. They
            are read at once, and a row that cannot be added may be told late.

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
        if in_bulk := list(in_bulk):
            own.db.registry().in_bulk = True
            with Gradebook(url) as gradebook:
                gradebook.look_up(in_bulk)
        try:
            yield
        except NbGraderException:
            # If the gradebook itself has failed, nothing is left to be written.
            if own.db.registry().is_active:
                own.db.registry().end()
            raise
        own.db.registry().end()
    finally:
        del _shared[url]
        own.close()


def _open_shared(self: Gradebook, db_url: str, *more: Any, **given: Any) -> None:
    """Open a gradebook, or take part in the transaction that is open."""
    if db_url not in _shared:
        for left in reversed(range(_OPENINGS if file_of(db_url) is None else 1)):
            try:
                _open_gradebook(self, db_url, *more, **given)
                return
            except (IntegrityError, ProgrammingError, InvalidEntry):
                if not left:
                    raise
                # Another program has just made what was to be made here.
                _close_gradebook(self)
    shared = _shared[db_url]
    self.__class__ = SharedGradebook
    self.engine, self.db = shared.engine, shared.db
    self.course_id = given.get("course_id", more[0] if more else "default_course")
    self.authenticator = None
    self.check_course(course_id=self.course_id)


def _close_shared(self: Gradebook) -> None:
    """Close a gradebook, unless others take part in its transaction."""
    if any(self.db is shared.db for shared in _shared.values()):
        return
    if self.engine.dialect.name == "sqlite":
        _close_gradebook(self)
    else:
        self.db.remove()


Gradebook.__init__ = _open_shared
Gradebook.close = _close_shared


@contextlib.contextmanager
def one_moment(url: str) -> Iterator[Connection]:
    """Give a connection whose reading is all of one moment."""
    with shared_engine(url).connect() as connection:
        if file_of(url) is None:
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            if file_of(url) is not None:
                connection.exec_driver_sql("BEGIN")  # Python itself begins none for reading
            yield connection


def is_missing(url: str) -> bool:
    """Return whether a gradebook does not exist yet; opening it would make it."""
    path = file_of(url)
    return not inspect(shared_engine(url)).get_table_names() if path is None else not path.exists()


def try_to_write(url: str, patience: float = MAX_WAIT_SECONDS) -> None:
    """Find out whether a gradebook can be written to, before anything is removed for its sake.

    Args:
        url: its address.
        patience: seconds that another program may hold it; a server's wait is the engine's.

    Raises:
        sqlite3.Error: if it cannot.
        SQLAlchemyError: if a server's cannot.

    """
    if is_missing(url):
        return
    path = file_of(url)
    if path is None:
        with shared_engine(url).begin() as connection:
            for table in Base.metadata.sorted_tables:
                key = table.primary_key.columns[0]
                connection.execute(update(table).where(false()).values({key: key}))
        return
    with contextlib.closing(
        sqlite3.connect(path, timeout=patience, isolation_level=None)
    ) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE coursekit_trial (tried)")
        connection.execute("ROLLBACK")
