"""The files of a submitted folder that may be read: plain ones, within bounds, never a link."""

from __future__ import annotations

import errno
import mimetypes
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Far above what anybody hands in with a notebook; nbgrader's own bound for a file is the same.
LARGEST_FILE = 100 * 10**6
MAX_BYTES = 500 * 10**6
MAX_FILES = 1_000
MAX_FOLDERS = 200
# What is said of what you have no right to, as against what nobody should open.
CLOSED = "may not be read"
# What programs leave beside notebooks, and old copies of them.
CHECKPOINTS = ".ipynb_checkpoints"
_PASSED_OVER = {CHECKPOINTS, "__pycache__", "__MACOSX"}
# What opening a file says that is no longer the one that was found.
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
# The endings of the kinds of file in which scripts of a page can stand.
_PAGES = ("html", "+xml", "/xml", "/xsl")


@dataclass(frozen=True)
class FolderContents:
    """What a submitted folder holds.

    Attributes:
        files: the files that may be read, in order, each below the folder.
        left_out: what may not, and why, in words.

    """

    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def look_into(folder: Path) -> FolderContents:
    """Return the plain files of a folder, the folders in it included.

    A link could lead to another student's work or to the gradebook, and a pipe
    or a device would never end: neither is opened. Hidden files are passed over.
    """
    files: list[Path] = []
    left_out: list[str] = []
    size = folders = looked_at = 0
    if folder.is_symlink():
        return FolderContents((), ("the folder itself is a link, which is not followed",))
    for place, names, entries in os.walk(folder):
        folders += 1
        if folders > MAX_FOLDERS:
            left_out.append(f"only the first {MAX_FOLDERS} folders were looked into")
            break
        names[:] = sorted(name for name in names if not is_passed_over(name))
        # os.walk lists links to folders here, and does not go into them.
        links = [name for name in names if Path(place, name).is_symlink()]
        left_out += [f"{shown(name)} is a link, which is not followed" for name in links]
        for entry in sorted(entries):
            path = Path(place, entry)
            if is_passed_over(entry):
                continue
            looked_at += 1
            if looked_at > MAX_FILES:
                left_out.append(f"only the first {MAX_FILES:,} files were looked at")
                return FolderContents(tuple(files), _few(left_out))
            reason, length = _measure(path)
            if not reason and size + length > MAX_BYTES:
                reason = f"is beyond the {MAX_BYTES // 10**6} MB that a submission may hold"
            if reason:
                left_out.append(f"{shown(entry)} {reason}")
            else:
                files.append(path)
                size += length
    return FolderContents(tuple(files), _few(left_out))


def copy_plain_files(
    source: Path, target: Path, wanted: Callable[[Path], bool] = lambda inside: True
) -> None:
    """Copy a submitted folder's plain files.

    Args:
        source: the submitted folder.
        target: where they go; it is made if need be.
        wanted: told a file's path within the folder, says whether it is copied.

    """
    target.mkdir(parents=True, exist_ok=True)
    for path in look_into(source).files:
        inside = path.relative_to(source)
        if wanted(inside) and not stands_in_the_way(inside, target):
            try:
                stream = open_plain(path, source)
            except OSError as error:
                if error.errno in _GONE:
                    continue
                raise
            copied = target / inside
            copied.parent.mkdir(parents=True, exist_ok=True)
            with stream, copied.open("wb") as into:
                # It may have grown since it was measured, and may not end at all.
                left = MAX_BYTES
                while part := stream.read(min(2**20, left)):
                    into.write(part)
                    left -= len(part)
                changed = os.fstat(stream.fileno()).st_mtime
            # Of several notebooks the newest is graded, in the copy too.
            os.utime(copied, (changed, changed))


def open_plain(path: Path, folder: Path) -> BinaryIO:
    """Open a plain file below a folder, and nothing that took its place meanwhile.

    Where students can still write to the folder, a link or a pipe may have.

    Raises:
        OSError: if it cannot be opened, or is no plain file.

    """
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *outer, name = path.relative_to(folder).parts
        for part in outer:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            os.close(place)
            place = inner
        # Opening a pipe waits for its other end.
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    finally:
        os.close(place)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.ELOOP, "it is no plain file", str(path))
    return os.fdopen(found, "rb")


def stands_in_the_way(inside: Path, folder: Path) -> bool:
    """Return whether a file cannot go where it belongs in a folder for what is there already.

    A student may call a folder by the name of one of our files, or a file by
    the name of one of our folders.
    """
    return (folder / inside).is_dir() or any(
        (folder / parent).is_file() for parent in inside.parents
    )


def runs_in_a_browser(inside: Path) -> bool:
    """Return whether a file could hold a script that a browser runs when it is opened.

    Formgrader gives out what lies in ``autograded/`` under Jupyter's own address.
    """
    kind, _ = mimetypes.guess_type(f"/{inside.name}")
    return kind is not None and kind.endswith(_PAGES)


def shown(name: str, length: int = 80) -> str:
    """Return a student's file name as a page or a log can show it: short, without odd letters."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= length else f"{plain[: length - 1]}…"


def _measure(path: Path) -> tuple[str, int]:
    """Why a file may not be read, or "", and its length in bytes."""
    try:
        found = path.lstat()
    except OSError as error:
        return f"cannot be read ({error.strerror})", 0
    if stat.S_ISLNK(found.st_mode):
        return "is a link, which is not followed", 0
    if not stat.S_ISREG(found.st_mode):
        return "is no plain file", 0
    if not os.access(path, os.R_OK):
        return CLOSED, 0
    if found.st_size > LARGEST_FILE and ".ipynb" not in path.name.lower():
        return f"is larger than {LARGEST_FILE // 10**6} MB", 0
    return "", found.st_size


def is_passed_over(name: str) -> bool:
    """Return whether no student hands in a file or folder of this name on purpose."""
    return name in _PASSED_OVER or name.startswith(".")


def _few(sentences: list[str], count: int = 5) -> tuple[str, ...]:
    """The first sentences, and how many more there are."""
    more = len(sentences) - count
    return (*sentences[:count], *([f"and {more} more files are left out"] if more > 0 else []))
