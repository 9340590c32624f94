"""How many files a kernel's processes watch by epoll, which the system counts by user.

When our user may watch no more, libzmq aborts our own process.
"""

from __future__ import annotations

import os
from pathlib import Path

MAX_WATCHES = Path("/proc/sys/fs/epoll/max_user_watches")
_MANY = 100_000  # No notebook comes near.
_PART = 4  # of what a user may watch
_EPOLL = "anon_inode:[eventpoll]"


def most_watches() -> int:
    """Return how many files one kernel may watch that has our user id."""
    try:
        return min(_MANY, int(MAX_WATCHES.read_text()) // _PART)
    except OSError:
        return _MANY


def watched_files(process: int, open_files: int, enough: int) -> int:
    """Return how many files a process watches.

    Args:
        process: one of its threads that lives.
        open_files: how many files it can have open; so many may watch one another if the
            process hides them.
        enough: where the count may end.

    """
    folder = f"/proc/{process}/fd"
    found = 0
    try:
        for number in os.listdir(folder):
            if found > enough:
                break
            found += _watched(process, number)
    except PermissionError:
        return open_files**2 // 4
    except OSError:  # it has ended
        return found
    return found


def _watched(process: int, number: str) -> int:
    """How many files are watched by an open file; 0 if it is not for that, or closed."""
    try:
        if os.readlink(f"/proc/{process}/fd/{number}") != _EPOLL:
            return 0
        return Path(f"/proc/{process}/fdinfo/{number}").read_bytes().count(b"tfd:")
    except FileNotFoundError:
        return 0
