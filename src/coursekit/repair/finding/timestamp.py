"""Read when a submission was handed in, from a file that may hold anything."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from pathlib import Path

from nbgrader.utils import parse_utc

from coursekit.processes.plain_files import OpenFolder, open_plain

FILE = "timestamp.txt"
_MAX_LETTERS = 200


def read_timestamp(folder: OpenFolder) -> tuple[datetime | None, str]:
    """Return a submission's timestamp, and what is wrong with the file in words.

    A file without a readable time counts as a missing one.
    """
    try:
        with open_plain(Path(FILE), folder) as stream:
            text = stream.read(_MAX_LETTERS + 1).decode("utf-8-sig").strip().strip("\0")
        if not text:
            return None, f"{FILE} is empty; it was ignored"
        if len(text) > _MAX_LETTERS:
            raise ValueError("too long")
        found: datetime = parse_utc(text)
        if not MINYEAR < found.year < MAXYEAR:
            raise ValueError("no time zone can show it")
    except FileNotFoundError:
        return None, ""
    except Exception:
        # dateutil raises ValueError, OverflowError, TypeError and more.
        return None, f"{FILE} holds no time that can be read; it was ignored"
    return found, ""
