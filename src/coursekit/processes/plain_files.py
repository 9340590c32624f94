"""The files of a submitted folder that may be read: plain ones, within bounds, never a link.

Whoever can write to a folder can exchange it, or a file in it, for a link at any time. So a
folder is opened once, name by name, and everything in it is found and opened from that
descriptor: what takes the place of a path meanwhile is not looked at.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import BinaryIO

from coursekit.errors import InfrastructureError

# Far above what anybody hands in with a notebook; nbgrader's own bound for a file is the same.
LARGEST_FILE = 100 * 10**6
MAX_BYTES = 500 * 10**6
MAX_FILES = 1_000
MAX_FOLDERS = 200
# What a file's path within the folder may take: wherever it is copied to, it still fits.
MAX_PATH_BYTES = 1_000
# What is said of what you have no right to, as against what nobody should open.
CLOSED = "may not be read"
# What programs leave beside notebooks, and old copies of them.
CHECKPOINTS = ".ipynb_checkpoints"
_PASSED_OVER = {CHECKPOINTS, "__pycache__", "__MACOSX"}
# What opening a file says that is no longer the one that was found.
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
# The endings of the kinds of file in which scripts of a page can stand.
_PAGES = ("html", "+xml", "/xml", "/xsl")
_A_LINK = "a link, which is not followed"
# A folder on the way is only passed through, for which its names need not be readable.
_PASSED = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# Opening a pipe waits for its other end.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


class OpenFolder:
    """A submitted folder, held open: it stays this one, whatever its path leads to later.

    Attributes:
        path: where it was when it was opened, for people.

    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Let go of the folder; doing it twice changes nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __deepcopy__(self, copies: object) -> OpenFolder:
        # A course's own step may copy what it is handed: two would close one descriptor.
        return self

    def __enter__(self) -> OpenFolder:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True)
class FolderContents:
    """What a submitted folder holds.

    Attributes:
        files: the paths within the folder of the files that may be read, in order.
        left_out: what may not, and why, in words.
        changed: when each file was last changed, in seconds.

    """

    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    changed: Mapping[Path, float]


@dataclass(frozen=True)
class FolderEntry:
    """What stands in a submitted folder.

    Attributes:
        inside: its path within the folder.
        reason: why it, or what follows, may not be read, in words; "" if it may.
        found: what the system says of it; None if that cannot be found out.

    """

    inside: Path
    reason: str = ""
    found: os.stat_result | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.found is not None and stat.S_ISDIR(self.found.st_mode)


def open_folder(root: Path, *names: str) -> OpenFolder:
    """Open a submitted folder.

    Args:
        root: a folder of the course's own; this path may lead through links.
        names: the folders below it, of which each must be a folder and not a link.

    Raises:
        InfrastructureError: if it is not there, is a link or may not be read.

    """
    path = root.joinpath(*names)
    try:
        place = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            found = _opened(place, names or (os.curdir,), _LISTED)
        finally:
            os.close(place)
        opened = OpenFolder(found, path)
        # Without the right to enter it, its names can be read and nothing else.
        os.stat(os.curdir, dir_fd=found)
    except PermissionError:
        raise InfrastructureError(
            f"{path}: the folder {CLOSED}",
            f"give yourself the right to read it, with: chmod -R u+rwX {quote(str(path.parent))}; "
            "then grade again",
        ) from None
    except OSError as error:
        if error.errno not in _GONE:
            raise
        link = next((one for one in (path, *path.parents) if one.is_symlink()), None)
        if link == path:
            what = f"the folder itself is {_A_LINK}"
        elif link is not None and link.is_relative_to(root.joinpath(*names[:1])):
            what = f"the folder {link.name} above it is {_A_LINK}"
        else:
            what = "it is not a folder" if path.exists() else "there is no such folder"
        raise InfrastructureError(
            f"{path}: {what}", "put the folder itself there, then grade again"
        ) from None
    return opened


def open_plain(inside: Path, folder: OpenFolder) -> BinaryIO:
    """Open a plain file by its path within a folder, and nothing else that stands there.

    Raises:
        OSError: if it cannot be opened, or is no plain file.

    """
    found = _opened(folder.fileno(), inside.parts, _FILE)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.ELOOP, "it is no plain file", str(inside))
    return os.fdopen(found, "rb")


def _opened(place: int, names: tuple[str, ...], last: int) -> int:
    """Open what names lead to, one after another, from a folder; no link is followed.

    Args:
        place: the folder's descriptor, which stays open.
        names: the names of folders, and then the last one's.
        last: the flags that the last one is opened with.

    """
    *outer, name = names
    if any("/" in one or one == os.pardir for one in names):
        raise OSError(errno.ELOOP, "it is not within its folder", os.path.join(*names))
    found = os.dup(place)
    try:
        for one in outer:
            inner = os.open(one, _PASSED, dir_fd=found)
            os.close(found)
            found = inner
        return os.open(name, last, dir_fd=found)
    finally:
        os.close(found)


def look_into(folder: OpenFolder, within: str = "") -> FolderContents:
    """Return the plain files of a folder, the folders in it included.

    A link could lead to another student's work or to the gradebook, and a pipe
    or a device would never end: neither is opened. Hidden files are passed over.

    Args:
        folder: the folder.
        within: a folder in it, if only that one counts.

    """
    changed: dict[Path, float] = {}
    left_out: list[str] = []
    for entry in all_entries(folder, within):
        if entry.reason:
            left_out.append(entry.reason)
        elif not entry.is_folder:
            assert entry.found is not None  # what is not known has a reason
            changed[entry.inside] = entry.found.st_mtime
    return FolderContents(tuple(changed), _few(left_out), changed)


def all_entries(folder: OpenFolder, within: str = "") -> Iterator[FolderEntry]:
    """Yield what stands in a folder and in the folders in it, within the same bounds.

    Args:
        folder: the folder.
        within: a folder in it, if only that one counts.

    """
    size = folders = looked_at = 0
    waiting = [Path(within)]
    while waiting:
        place = waiting.pop(0)
        folders += 1
        if folders > MAX_FOLDERS:
            yield FolderEntry(place, f"only the first {MAX_FOLDERS} folders were looked into")
            return
        inner: list[Path] = []
        with _entries(folder, place) as (descriptor, names):
            for name in names:
                if is_passed_over(name):
                    continue
                inside = place / name
                reason, found = _measure(inside, name, descriptor)
                if FolderEntry(inside, reason, found).is_folder and not reason:
                    inner.append(inside)
                    yield FolderEntry(inside, "", found)
                    continue
                looked_at += 1
                if looked_at > MAX_FILES:
                    yield FolderEntry(
                        inside, f"only the first {MAX_FILES:,} files were looked at", found
                    )
                    return
                if found and not reason:
                    if size + found.st_size > MAX_BYTES:
                        reason = f"is beyond the {MAX_BYTES // 10**6} MB that a submission may hold"
                    else:
                        size += found.st_size
                yield FolderEntry(inside, reason and f"{shown(name)} {reason}", found)
        waiting[:0] = inner


@contextmanager
def _entries(folder: OpenFolder, place: Path) -> Iterator[tuple[int, list[str]]]:
    """A folder in a folder, as a descriptor, and the names in it; no names if it is gone."""
    try:
        found = _opened(folder.fileno(), place.parts or (os.curdir,), _LISTED)
    except OSError:
        yield -1, []
        return
    try:
        yield found, sorted(os.listdir(found))
    finally:
        os.close(found)


def copy_plain_files(
    source: OpenFolder,
    target: Path,
    wanted: Callable[[Path], bool] = lambda inside: True,
    room: int = MAX_BYTES,
    within: str = "",
) -> None:
    """Copy a submitted folder's plain files.

    Args:
        source: the submitted folder.
        target: where they go; it is made if need be.
        wanted: told a file's path within the folder, says whether it is copied.
        room: bytes that the copies may take; a file that does not fit in is left out.
        within: a folder in it, if only that one is copied.

    """
    target.mkdir(parents=True, exist_ok=True)
    for inside in look_into(source, within).files:
        if wanted(inside) and not stands_in_the_way(inside, target):
            try:
                stream = open_plain(inside, source)
            except OSError as error:
                if error.errno in _GONE:
                    continue
                raise
            found = os.fstat(stream.fileno())
            if found.st_size > room:
                stream.close()
                continue
            copied = target / inside
            copied.parent.mkdir(parents=True, exist_ok=True)
            # nbgrader's own copies may not be written to.
            copied.unlink(missing_ok=True)
            with stream, copied.open("wb") as into:
                # It may have grown since it was measured, and may not end at all.
                while part := stream.read(min(2**20, room)):
                    into.write(part)
                    room -= len(part)
            # Of several notebooks the newest may count, in a copy of the submission too.
            os.utime(copied, ns=(found.st_atime_ns, found.st_mtime_ns))


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


def _measure(inside: Path, name: str, place: int) -> tuple[str, os.stat_result | None]:
    """Why an entry of an open folder may not be read, or "", and what the system says of it."""
    try:
        found = os.stat(name, dir_fd=place, follow_symlinks=False)
    except OSError as error:
        return f"cannot be read ({error.strerror})", None
    reason = ""
    if stat.S_ISLNK(found.st_mode):
        reason = f"is {_A_LINK}"
    elif len(os.fsencode(inside)) > MAX_PATH_BYTES:
        reason = "lies too deep in folders"
    elif stat.S_ISDIR(found.st_mode):
        reason = "" if os.access(name, os.R_OK | os.X_OK, dir_fd=place) else CLOSED
    elif not stat.S_ISREG(found.st_mode):
        reason = "is no plain file"
    elif not os.access(name, os.R_OK, dir_fd=place):
        reason = CLOSED
    elif found.st_size > LARGEST_FILE and ".ipynb" not in name.lower():
        reason = f"is larger than {LARGEST_FILE // 10**6} MB"
    return reason, found


def is_passed_over(name: str) -> bool:
    """Return whether no student hands in a file or folder of this name on purpose."""
    return name in _PASSED_OVER or name.startswith(".")


def _few(sentences: list[str], count: int = 5) -> tuple[str, ...]:
    """The first sentences, and how many more there are."""
    more = len(sentences) - count
    return (*sentences[:count], *([f"and {more} more files are left out"] if more > 0 else []))
