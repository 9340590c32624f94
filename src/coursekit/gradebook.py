"""Let nbgrader open its gradebook often without keeping something of each time.

It makes a database engine whenever it opens the gradebook, several times a
submission, and SQLAlchemy keeps what it compiled for every engine: the
conductor's memory grew by 0.2 MB a submission. One engine serves them all.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from pathlib import Path
from typing import Any

import nbgrader.api
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

GRADEBOOK = "gradebook.db"
# How long another program may hold the gradebook; SQLite's own is 5 s.
PATIENCE_SECONDS = 20
_SQLITE = "sqlite:///"


def install() -> None:
    """Let `nbgrader.api.Gradebook` share engines; doing it twice changes nothing."""
    nbgrader.api.create_engine = shared_engine


@functools.lru_cache(maxsize=8)
def shared_engine(url: str, **options: Any) -> Engine:
    """Return the engine of a database. It keeps no connection open between transactions."""
    if not url.startswith(_SQLITE):
        return create_engine(url, poolclass=NullPool, **options)
    # The path goes in as it is: read as a URL, "?" and "%41" would lead to another file.
    path = URL.create("sqlite", database=url.removeprefix(_SQLITE))
    waiting = {"timeout": PATIENCE_SECONDS}
    return create_engine(path, poolclass=NullPool, connect_args=waiting, **options)


def database_url(path: Path) -> str:
    """Return how nbgrader calls a gradebook's file."""
    return f"{_SQLITE}{path}"


def try_to_write(url: str, patience: float = PATIENCE_SECONDS) -> None:
    """Find out whether a gradebook can be written to, before anything is removed for its sake.

    Args:
        url: how nbgrader calls it. Of other databases than SQLite's nothing is asked.
        patience: seconds that another program may hold it.

    Raises:
        sqlite3.Error: if it cannot.

    """
    path = url.removeprefix(_SQLITE)
    if path == url or not Path(path).exists():
        return
    with contextlib.closing(sqlite3.connect(path, patience, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE coursekit_trial (tried)")
        connection.execute("ROLLBACK")


# Every process of the kit's that opens a gradebook imports this module.
install()
