"""Let nbgrader open its gradebook often without keeping something of each time.

It makes a database engine whenever it opens the gradebook, several times a
submission, and SQLAlchemy keeps what it compiled for every engine: the
conductor's memory grew by 0.2 MB a submission. One engine serves them all.
"""

from __future__ import annotations

import functools
from typing import Any

import nbgrader.api
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool


def install() -> None:
    """Let `nbgrader.api.Gradebook` share engines; doing it twice changes nothing."""
    nbgrader.api.create_engine = shared_engine


@functools.lru_cache(maxsize=8)
def shared_engine(url: str, **options: Any) -> Engine:
    """Return the engine of a database. It keeps no connection open between transactions."""
    return create_engine(url, poolclass=NullPool, **options)
