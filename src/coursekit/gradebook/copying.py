"""Copy a gradebook into another database, all of it or nothing, and compare every row."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Base
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    tuple_,
)
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from coursekit.errors import InfrastructureError
from coursekit.gradebook.address import database_url, file_of, without_password
from coursekit.gradebook.database import newest_version, one_moment, shared_engine

# What a database says of a row that it does not take.
_REFUSED = (DataError, IntegrityError, ProgrammingError)
# How many rows are written and compared at a time.
_ROWS = 500
_SHOWN = 10
# Of whoever merely opens a gradebook, nbgrader notes these two.
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
_NOTED = ("course", _VERSION.name)

Row = dict[str, Any]


def copy_gradebook(origin: str, target: str) -> dict[str, int]:
    """Copy a gradebook as it is at one moment, even while somebody writes to it.

    The copy is one transaction, in which each row is read again and compared.

    Args:
        origin: the gradebook's address.
        target: the address of a database without rows.

    Returns:
        The number of rows, by table.

    Raises:
        InfrastructureError: if one of them is not as it has to be, or a row does not fit. The
            target is then as it was.
        SQLAlchemyError: if a database cannot be used.

    """
    file = file_of(target)
    is_new = file is not None and not file.exists()
    try:
        with one_moment(origin) as read, shared_engine(target).begin() as written:
            if file is not None:
                written.exec_driver_sql("BEGIN IMMEDIATE")  # Python begins none for making tables
            version = _refuse_other_version(origin, read)
            _refuse_rows(target, written)
            for metadata in (Base.metadata, _VERSION.metadata):
                metadata.create_all(written)
            for table in (_VERSION, Base.metadata.tables["course"]):
                written.execute(delete(table))
            written.execute(insert(_VERSION).values(version_num=version))
            tables = Base.metadata.sorted_tables
            return {table.name: _copy_table(table, read, written) for table in tables}
    except BaseException:
        if is_new and file is not None:
            file.unlink(missing_ok=True)
        raise


def copy_into_file(url: str, path: Path) -> None:
    """Copy a gradebook into a new file as it is at one moment, even while somebody writes to it."""
    file = file_of(url)
    if file is None:
        copy_gradebook(url, database_url(path))
        return
    with (
        contextlib.closing(sqlite3.connect(file)) as origin,
        contextlib.closing(sqlite3.connect(path)) as copied,
    ):
        origin.backup(copied)


def _refuse_other_version(url: str, connection: Connection) -> str:
    """Return the version of a gradebook's tables, if it is that of this nbgrader."""
    missing = {table.name for table in (_VERSION, *Base.metadata.sorted_tables)}
    missing -= set(inspect(connection).get_table_names())
    if missing:
        raise InfrastructureError(
            f"{without_password(url)} is no gradebook: it has no table {min(missing)}",
            "name the gradebook that is to be copied",
        )
    found = connection.scalar(select(_VERSION.c.version_num))
    if found != newest_version():
        raise InfrastructureError(
            f"{without_password(url)} was made by another version of nbgrader ({found})",
            "keep a copy of it, then run: nbgrader db upgrade",
        )
    return str(found)


def _refuse_rows(url: str, connection: Connection) -> None:
    there = set(inspect(connection).get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name in there - set(_NOTED) and _count(table, connection):
            raise InfrastructureError(
                f"{without_password(url)} is not empty: its table {table.name} has rows",
                "name a new file, or make a new database, with: createdb NAME",
            )


def _copy_table(table: Table, read: Connection, written: Connection) -> int:
    """Copy a table; return how many rows it has."""
    unfit: list[str] = []
    number = 0
    for rows in _portions(table, read):
        number += len(rows)
        try:
            with written.begin_nested():
                written.execute(insert(table), rows)
        except _REFUSED:
            unfit += _unfit(table, rows, written)
            continue
        copied = _rows_like(table, rows, written)
        unfit += [
            f"{_name(table, row)}: it is another one in the copy"
            for row in rows
            if copied.get(_key(table, row)) != row
        ]
    if unfit:
        more = [f"and {len(unfit) - _SHOWN} more"] if len(unfit) > _SHOWN else []
        raise InfrastructureError(
            "nothing was copied, for there are rows that the other database does not take:\n"
            + "\n".join([*unfit[:_SHOWN], *more]),
            "correct them in the gradebook that is copied, then run the command again",
        )
    if _count(table, written) != number:
        raise InfrastructureError(
            f"nothing was copied, for somebody else wrote into the new table {table.name}",
            "end what uses the new database, then run the command again",
        )
    return number


def _portions(table: Table, connection: Connection) -> Iterator[list[Row]]:
    try:
        found = connection.execution_options(yield_per=_ROWS).execute(select(table))
        for rows in found.mappings().partitions():
            yield [dict(row) for row in rows]
    except (LookupError, ValueError, TypeError) as error:
        raise InfrastructureError(
            f"nothing was copied, for a value in the table {table.name} cannot be read: {error}",
            "correct it in the gradebook that is copied, then run the command again",
        ) from None


def _unfit(table: Table, rows: list[Row], connection: Connection) -> list[str]:
    """Which of some rows cannot be written, and why."""
    found = []
    for row in rows:
        try:
            with connection.begin_nested():
                connection.execute(insert(table), row)
        except _REFUSED as error:
            said = " ".join(str(error.orig).split())
            found.append(f"{_name(table, row)}: {_too_long(table, row) or said}")
    return found


def _too_long(table: Table, row: Row) -> str:
    """Which texts of a row are longer than nbgrader's tables allow, which SQLite overlooks."""
    limits = {
        column.name: column.type.length
        for column in table.columns
        if isinstance(column.type, String) and column.type.length
    }
    return ", ".join(
        f"{name} has {len(row[name])} characters, and at most {most} fit"
        for name, most in limits.items()
        if len(row[name] or "") > most
    )


def _rows_like(table: Table, rows: list[Row], connection: Connection) -> dict[tuple[Any, ...], Row]:
    """The rows of a table that have the keys of some rows."""
    keys = [_key(table, row) for row in rows]
    wanted = select(table).where(tuple_(*table.primary_key.columns).in_(keys))
    found = (dict(row) for row in connection.execute(wanted).mappings())
    return {_key(table, row): row for row in found}


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key.columns)


def _name(table: Table, row: Row) -> str:
    """What people call a row: its table, its key, and its name if it has one."""
    key = ", ".join(f"{str(value)[:60]!r}" for value in _key(table, row))
    name = f" ({str(row['name'])[:60]!r})" if "name" in row else ""
    return f"{table.name} {key}{name}"


def _count(table: Table, connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
