"""Addresses of gradebooks: where a course keeps its own, and how one is shown to people."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from coursekit.errors import InfrastructureError

# Its file in a course folder, unless the course is configured otherwise.
GRADEBOOK = "gradebook.db"
SQLITE = "sqlite:///"
_LIKE = "write it like: postgresql://grader@db.example.org/course"


def database_url(path: Path) -> str:
    """Return the address that nbgrader has for a gradebook's file."""
    return f"{SQLITE}{path}"


def file_of(url: str) -> Path | None:
    """Return a gradebook's file; None if a server keeps it."""
    path = url.removeprefix(SQLITE)
    return None if path == url else Path(path)


def address_of(text: str) -> str:
    """Return the address that somebody named: a database's, or a file's path."""
    return text if "://" in text else database_url(Path(text).absolute())


def parsed(url: str) -> URL:
    """Return an address that names a server's database.

    Raises:
        InfrastructureError: if it cannot be read. A password is not shown.

    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise InfrastructureError("the address of the gradebook cannot be read", _LIKE) from None
    if "@" in (found.host or ""):
        raise InfrastructureError(
            "the address of the gradebook cannot be read: its password has an @",
            "write %40 in its place, or put the password into ~/.pgpass",
        )
    return found


def without_password(url: str) -> str:
    """Return an address as it may be shown and written down."""
    if file_of(url) is not None:
        return url
    found = parsed(url)._replace(password=None)
    return found.difference_update_query(["password"]).render_as_string()


def configured_url(course: Path) -> str:
    """Return the address of a course's gradebook, as nbgrader takes it from the settings.

    Raises:
        InfrastructureError: if the settings cannot be read.

    """
    with contextlib.chdir(course):
        # It tells of missing files, which may be missing here.
        app = NbGrader(log=logging.Logger("coursekit", logging.CRITICAL))
        app.raise_config_file_errors = True
        try:
            app.load_config_file()
        except Exception as error:
            raise InfrastructureError(
                f"nbgrader_config.py in {course} cannot be read ({type(error).__name__}: {error})",
                "fix the mistake in it, then run the command again",
            ) from None
        url = str(CourseDirectory(parent=app).db_url)
    path = file_of(url)
    return url if path is None else database_url(course / path)
