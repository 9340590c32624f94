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
    (
        "no such",
        "was made by another version of nbgrader",
        "keep a copy of it, then run: nbgrader db upgrade",
    ),
    ("not a database", "is damaged", _COPY),
    ("malformed", "is damaged", _COPY),
    ("", "could not be used", f"look at it; if it is damaged, {_COPY}"),
)
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
        said = str(getattr(error, "orig", None) or error).split("\n")[0]
        part, what, hint = next(entry for entry in _OF_GRADEBOOK if entry[0] in said)
        kind = GradebookInUse if part == _LOCKED else InfrastructureError
        return kind(f"the gradebook {what} ({said})", hint)
    if isinstance(error, TraitError):
        return InfrastructureError(f"a setting is wrong: {error}", "fix it in nbgrader_config.py")
    if isinstance(error, OSError) and error.errno in _OF_SYSTEM:
        what, hint = _OF_SYSTEM[error.errno]
        where = f"{error.filename}: " if error.filename else ""
        return InfrastructureError(f"{where}{what} ({error.strerror})", hint)
    return None
