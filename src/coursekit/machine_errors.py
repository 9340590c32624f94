"""What the machine refuses, in words: a gradebook that cannot be used, a full disk, no rights."""

from __future__ import annotations

import errno
import sqlite3

from sqlalchemy.exc import SQLAlchemyError
from traitlets import TraitError

from coursekit.errors import CourseKitError, GradebookInUse, InfrastructureError

_ACCESS = "see the rights with: ls -l; give yourself the right, then run the command again"
_ROOM = "make room, then run the command again"
_COPY = "keep it, put an earlier copy in its place, and grade again what came later"
_LOCKED = "locked"
_AGAIN = "run the command again"
_OTHER_VERSION = (
    "was made by another version of nbgrader",
    "keep a copy of it, then run: nbgrader db upgrade",
)
# A part of what SQLite says, what that means, and what to do.
_OF_GRADEBOOK = (
    (
        _LOCKED,
        "is in use by another program",
        "close that program (formgrader, another nbgrader, a database viewer), "
        "then run the command again",
    ),
    ("readonly", "may not be written to", f"{_ACCESS}; check its folder as well"),
    (
        "unable to open",
        "cannot be opened",
        "it must be a file that you may write to, in a folder that you may write to",
    ),
    ("is full", "cannot be written to: the disk is full", _ROOM),
    ("disk I/O", "cannot be read or written: the disk fails", "see the system's log, with: dmesg"),
    ("no such", *_OTHER_VERSION),
    ("not a database", "is damaged", _COPY),
    ("malformed", "is damaged", _COPY),
    ("", "could not be used", f"look at it; if it is damaged, {_COPY}"),
)
_SERVER_GONE = (
    "cannot be reached: its server does not answer",
    "start the server, or correct c.CourseDirectory.db_url in nbgrader_config.py, then run the "
    "command again",
)
_RACED = ("is being written to by another program", _AGAIN)
_TOO_MANY = ("has as many connections as its server allows", f"close some, then {_AGAIN}")
# By the code that PostgreSQL gives an error, or by how the code begins.
_BY_CODE = {
    "55P03": ("is in use by another program", f"end what holds it, then {_AGAIN}"),
    "40": _RACED,
    "23505": _RACED,
    "53300": _TOO_MANY,
    "57P": _SERVER_GONE,
    "08": _SERVER_GONE,
    "25006": ("may not be written to", "name a server that may be written to, not its replica"),
    "42501": (
        "may not be written to",
        "let the database's owner give you the right, with: GRANT ALL ON ALL TABLES IN SCHEMA "
        "public TO …",
    ),
    "42P01": _OTHER_VERSION,
    "42703": _OTHER_VERSION,
    "22001": (
        "does not take a text that long",
        "shorten the name or id: nbgrader's have 128 characters at most",
    ),
    "53": ("cannot be written to: its server has no room left", _ROOM),
}
# A connection that fails has no code. These are parts of what PostgreSQL then says in English.
_BY_WORDS = (
    (
        "does not exist",
        "does not exist: its server knows no such database or user",
        "make them, with: createuser USER; createdb --owner USER NAME",
    ),
    *(
        (
            part,
            "may not be opened: its server does not accept this user and password",
            "correct c.CourseDirectory.db_url in nbgrader_config.py, or the password in ~/.pgpass",
        )
        for part in ("authentication failed", "no password supplied", "no pg_hba.conf entry")
    ),
    ("too many clients", *_TOO_MANY),
    ("NUL (0x00)", "does not take a text with the code 0", "take that code out of the text"),
    ("resolve host", *_SERVER_GONE),
    (
        "invalid",
        "has an address that cannot be used",
        "correct c.CourseDirectory.db_url in nbgrader_config.py",
    ),
    ("connection", *_SERVER_GONE),
)
_PASSING = ("55P03", "40", "23505", "53300")
_OF_SYSTEM = {
    errno.ENOSPC: ("there is no room left on the disk", _ROOM),
    errno.EDQUOT: ("your share of the disk is used up", _ROOM),
    errno.EACCES: ("you may not read or write there", _ACCESS),
    errno.EPERM: ("you may not read or write there", _ACCESS),
    errno.EROFS: ("nothing can be written there", "mount it writable, then run the command again"),
    errno.EIO: ("the disk fails", "see the system's log, with: dmesg"),
    errno.EMFILE: ("too many files are open", "allow more, with: ulimit -n 4096"),
    errno.ENAMETOOLONG: ("a path is too long", "move the course to a folder with a shorter path"),
    errno.ENOMEM: ("the machine's memory ran out", "end other programs, then run it again"),
}


def in_words(error: BaseException) -> CourseKitError | None:
    """Return what an error means and what to do next; None if it is not one of the machine's.

    An error of the kit's own is returned unchanged.
    """
    if isinstance(error, CourseKitError):
        return error
    if type(error).__name__ == "InvalidEntry" and error.__context__ is not None:
        # nbgrader's name for whatever the database says.
        return in_words(error.__context__)
    if isinstance(error, SQLAlchemyError | sqlite3.Error):
        return _of_gradebook(getattr(error, "orig", None) or error)
    if isinstance(error, TraitError):
        return InfrastructureError(f"a setting is wrong: {error}", "fix it in nbgrader_config.py")
    if isinstance(error, OSError) and error.errno in _OF_SYSTEM:
        what, hint = _OF_SYSTEM[error.errno]
        where = f"{error.filename}: " if error.filename else ""
        return InfrastructureError(f"{where}{what} ({error.strerror})", hint)
    return None


def _of_gradebook(error: BaseException) -> CourseKitError:
    """What a database says, in words."""
    if hasattr(error, "sqlstate"):
        return _of_postgresql(error, error.sqlstate or "")
    said = str(error).split("\n")[0]
    part, what, hint = next(entry for entry in _OF_GRADEBOOK if entry[0] in said)
    kind = GradebookInUse if part == _LOCKED else InfrastructureError
    return kind(f"the gradebook {what} ({said})", hint)


def _of_postgresql(error: BaseException, code: str) -> CourseKitError:
    # It says of what it tried, in many lines; never a password.
    said = " ".join(str(error).split())
    found = next((entry for key, entry in _BY_CODE.items() if code.startswith(key)), None)
    if found is None:
        words = (entry[1:] for entry in _BY_WORDS if not code and entry[0] in said)
        found = next(words, ("could not be used", "look at its server's log"))
    passing = code.startswith(_PASSING) or found is _TOO_MANY
    kind = GradebookInUse if passing else InfrastructureError
    return kind(f"the gradebook {found[0]} ({said})", found[1])
