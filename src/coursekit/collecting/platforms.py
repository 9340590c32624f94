"""How learning platforms name what they hand out, as data, and what such a name tells.

The platform gives the outermost name, a student what lies within: nothing further inside is
ever read for whose a file is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial

# A student may put a line end into a file's name.
_compiled = partial(re.compile, flags=re.DOTALL)


@dataclass(frozen=True)
class Platform:
    """One platform's names.

    Attributes:
        name: what ``--from`` calls it.
        title: what people call it.
        pattern: what a path in its download looks like. Its groups: `id`, `head` (a text that
            ends in the id), `name`, `late`, `time`, `order` (a number that is higher for what
            was handed in later), `key` (a name of the hand-in), `inside` or `flat` (the file's
            own path), `text` (what is no file of the student's), `receipt`.
        time: the form of `time`.
        own: files that the platform adds.
        lasting: whether a student has the same id in the next assignment.

    """

    name: str
    title: str
    pattern: re.Pattern[str]
    time: str = ""
    own: frozenset[str] = frozenset()
    lasting: bool = True


@dataclass(frozen=True)
class Who:
    """A person, as a platform knows them.

    Attributes:
        ids: their id; of several, which the name does not tell apart, the likeliest comes first.
        name: their name, or "".

    """

    ids: tuple[str, ...]
    name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, f"({self.ids[0]})" if self.ids else "")))


@dataclass(frozen=True)
class Claim:
    """What a path in a download tells.

    Attributes:
        key: what the files of one hand-in have in common.
        who: whose it is.
        inside: the file's path within the hand-in.
        late: whether the platform calls it late.
        time: when it was handed in, in UTC; None if the name does not tell.
        order: higher for what was handed in later; 0 if the name does not tell.
        text: what was handed in instead of a file, or "".
        receipt: whether the file is the platform's own, about the hand-in.

    """

    key: str
    who: Who
    inside: str
    late: bool
    time: datetime | None
    order: int
    text: str
    receipt: bool


# Canvas: lib/content_zipper.rb. It takes from names every sign that is no letter or digit, and
# writes them small; so LATE and anon are its own.
CANVAS = Platform(
    "canvas",
    "Canvas",
    _compiled(
        r"(?:(?P<name>(?!LATE_|anon_)[^/]+?)_)?(?P<late>LATE_)?(?P<id>\d+|anon_[^/_]+)_"
        r"(?:(?P<order>\d+)_(?P<inside>[^/]+)|(?P<text>text|link)\.html)"
    ),
)
# Moodle: mod/assign/classes/downloader.php. It takes "_" from names. Folders ended in "_" before
# 4.1. The number is this assignment's: Moodle gives a student another one in the next.
MOODLE = Platform(
    "moodle",
    "Moodle",
    _compiled(
        r"(?P<name>[^_/]+)(?:_(?P<id>\d+))?_assignsubmission_"
        r"(?:file_?/(?P<inside>.+)|file_(?P<flat>[^/]+)|(?!file)(?P<text>[a-z]+)[_/].*)"
    ),
    lasting=False,
)
BLACKBOARD = Platform(
    "blackboard",
    "Blackboard",
    _compiled(
        r"(?P<head>[^/]+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})"
        r"(?:_(?P<inside>[^/]+)|(?P<receipt>\.txt))"
    ),
    "%Y-%m-%d-%H-%M-%S",
)
BRIGHTSPACE = Platform(
    "brightspace",
    "Brightspace",
    _compiled(
        r"(?P<key>(?P<id>\d+)-\d+) - (?P<name>[^/]+?) ?- (?P<time>[^/-]*\d{4}[^/-]*?)"
        r"(?:/(?P<inside>.+)| - (?P<flat>[^/]+))"
    ),
    "%b %d, %Y %I%M %p",
    frozenset({"index.html"}),
)
METADATA = "submission_metadata.yml"
GRADESCOPE = Platform(
    "gradescope",
    "Gradescope",
    _compiled(r"(?P<key>submission_(?P<order>\d+))(?:/(?P<inside>.+)|(?P<flat>\.[^/]+))"),
    own=frozenset({METADATA}),
)
FOLDERS = Platform(
    "folders",
    "folders and notebooks with students' names",
    _compiled(r"(?P<id>[^/]+)(?:/(?P<inside>.+)|(?P<flat>\.ipynb))"),
)
PLATFORMS = (CANVAS, MOODLE, BLACKBOARD, BRIGHTSPACE, GRADESCOPE, FOLDERS)


def read_name(platform: Platform, path: str, zone: tzinfo | None) -> Claim | None:
    """Return what a path in a download tells; None if it is not one of the platform's names.

    Args:
        platform: whose names they are.
        path: the path, with "/".
        zone: where the platform's clock stands; None for where this machine's does.

    """
    match = platform.pattern.fullmatch(path)
    if not match:
        return None
    groups = {key: value or "" for key, value in match.groupdict().items()}
    ids = _endings(groups["head"]) if "head" in groups else (groups.get("id", ""),)
    who = Who(tuple(filter(None, ids)), groups.get("name", "").strip())
    time = groups.get("time", "")
    flat = groups.get("flat", "")
    # A hand-in that is one file may be called like the hand-in.
    inside = groups.get("inside") or (path if flat.startswith(".") else flat)
    key = groups.get("key") or groups.get("head") or groups.get("id") or who.name
    return Claim(
        f"{key} {time}".strip(),
        who,
        inside,
        bool(groups.get("late")),
        _in_utc(time, platform.time, zone),
        int(groups.get("order") or 0),
        groups.get("text", ""),
        bool(groups.get("receipt")),
    )


def _endings(head: str) -> tuple[str, ...]:
    """What stands behind each "_": an assignment's name and a student's id may both have some."""
    parts = head.split("_")
    return tuple("_".join(parts[start:]) for start in range(len(parts) - 1, 0, -1)) or (head,)


def _in_utc(text: str, form: str, zone: tzinfo | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.strptime(text.strip(), form)
        local = found.replace(tzinfo=zone) if zone else found.astimezone()
        return local.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
