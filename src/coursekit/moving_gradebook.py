"""``coursekit gradebook copy``: from a file to a server, or back."""

from __future__ import annotations

from pathlib import Path

from coursekit.command_runner import Say
from coursekit.errors import CourseKitError
from coursekit.gradebook.address import (
    GRADEBOOK,
    address_of,
    configured_url,
    database_url,
    without_password,
)
from coursekit.gradebook.copying import copy_gradebook
from coursekit.gradebook.database import is_missing

_SETTING = "c.CourseDirectory.db_url"
_SETTINGS = "nbgrader_config.py"


def move_gradebook(course: Path, origin: str, target: str, say: Say) -> None:
    """Copy a gradebook, and say how the course uses the copy from then on.

    Args:
        course: the course folder.
        origin: a file or an address; "" for the course's own.
        target: a file or an address.
        say: shows a line.

    Raises:
        CourseKitError: if there is nothing to copy, or the target is not empty.

    """
    own = database_url(course / GRADEBOOK)
    read = address_of(origin) if origin else configured_url(course)
    written = address_of(target)
    if is_missing(read):
        raise CourseKitError(
            f"there is no gradebook at {without_password(read)}",
            "name the gradebook that is to be copied, or run the command in the course folder",
        )
    rows = copy_gradebook(read, written)
    say(f"copied {without_password(read)} to {without_password(written)}")
    say(f"{sum(rows.values())} rows of {len(rows)} tables, each compared")
    say("what is written to the first from now on is not in the second")
    if written == own:
        say(f"next: take {_SETTING} out of {_SETTINGS}")
        return
    say(f"next: write into {_SETTINGS}: {_SETTING} = {without_password(written)!r}")
    if without_password(written) != written:
        say("hint: put the password into ~/.pgpass, which only you may read, with: chmod 600")
