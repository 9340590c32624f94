"""Temporary files, in a folder that was tried: an error says in words what is wrong with it.

Python's own choice passes over a folder that cannot be used, without a word,
and ends in the current one: the course.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from coursekit.errors import InfrastructureError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_VARIABLES = ("TMPDIR", "TEMP", "TMP")  # as Python's own choice
_USUAL = ("/tmp", "/var/tmp")


def temporary_place() -> str:
    """Return the folder for temporary files: the one that TMPDIR names, or the system's own.

    Raises:
        InfrastructureError: if nothing can be written there.

    """
    named = next(filter(None, map(os.environ.get, _VARIABLES)), "")
    failures = []
    for place in [os.path.abspath(named)] if named else _USUAL:
        try:
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"x")
            return place
        except OSError as error:
            failures.append(_refusal(place, error))
    raise failures[0]


@contextlib.contextmanager
def temporary_folder(prefix: str, place: str = "") -> Iterator[Path]:
    """Make a folder, and remove it afterwards.

    Args:
        prefix: how its name begins.
        place: where it is made, if not where temporary files are.

    Raises:
        InfrastructureError: if it cannot be made.

    """
    place = place or temporary_place()
    with telling_of_no_room(place):
        made = tempfile.TemporaryDirectory(prefix=prefix, dir=place)
    with made as name:
        yield Path(name)


@contextlib.contextmanager
def telling_of_no_room(place: object) -> Iterator[None]:
    """Tell in words that the block could not write to a folder because it is full.

    Raises:
        InfrastructureError: if it is full.

    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise _refusal(place, error) from None


def _refusal(place: object, error: OSError) -> InfrastructureError:
    other = "/tmp" if str(place).startswith("/var/tmp") else "/var/tmp"
    return InfrastructureError(
        f"temporary files cannot be written to {place}: {error.strerror}",
        f"choose another folder with room in it, with: export TMPDIR={other}",
    )
