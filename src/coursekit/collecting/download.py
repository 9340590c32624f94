"""What lies in a download: a zip, or the folder that one was unpacked into. Nothing is unpacked.

A file is opened where it lies and read within bounds, so no name in an archive ever leads
anywhere.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import IO

from coursekit.errors import CourseKitError
from coursekit.processes.plain_files import LARGEST_FILE, MAX_BYTES, is_passed_over
from coursekit.repair.finding.archives import ARCHIVE_ERRORS, PACKED

# More than any class hands in.
MAX_ENTRIES = 200_000
MAX_LETTERS = 2_000
_PART = 2**20
_ENCRYPTED = 1
_UTF8 = 0x800


class UnreadableFile(Exception):
    """Why a file of a download cannot be read, in words."""


@dataclass(frozen=True)
class DownloadedFile:
    """A file in a download.

    Attributes:
        path: its path in the download, with "/".
        opened: opens it.
        problem: why it may not be opened, in words; "" if it may.

    """

    path: str
    opened: Callable[[], IO[bytes]]
    problem: str = ""

    def parts(self) -> Iterator[bytes]:
        """Yield its bytes.

        Raises:
            UnreadableFile: if it cannot be read, or is longer than a student's file may be.

        """
        if self.problem:
            raise UnreadableFile(self.problem)
        # Notebooks are looked into whatever their size, as when grading.
        room = MAX_BYTES if ".ipynb" in self.path.lower() else LARGEST_FILE
        try:
            with self.opened() as stream:
                while part := stream.read(_PART):
                    room -= len(part)
                    if room < 0:
                        break
                    yield part
        except ARCHIVE_ERRORS as error:
            raise UnreadableFile(f"is damaged ({str(error)[:100]})") from error
        except (RuntimeError, NotImplementedError) as error:
            raise UnreadableFile(f"{PACKED} ({str(error)[:100]})") from error
        if room < 0:
            raise UnreadableFile("is too large")


@contextlib.contextmanager
def open_download(path: Path) -> Iterator[list[DownloadedFile]]:
    """Open a download; yield its files, without those that programs add.

    Raises:
        CourseKitError: if it cannot be read.

    """
    if path.is_dir():
        yield list(_wanted(_in_folder(path)))
        return
    if not path.exists():
        raise CourseKitError(f"{path}: there is no such file", "check the path, with: ls")
    try:
        archive = zipfile.ZipFile(path)
    except ARCHIVE_ERRORS as error:
        whole = zipfile.is_zipfile(path)
        raise CourseKitError(
            f"{path} {'is damaged' if whole else 'is no zip archive'} ({error})",
            "download it again, or unpack it and name the folder that it was unpacked into",
        ) from None
    with archive:
        yield list(_wanted(_in_zip(archive)))


def _wanted(found: Iterator[DownloadedFile]) -> Iterator[DownloadedFile]:
    for count, file in enumerate(found):
        if count >= MAX_ENTRIES:
            raise CourseKitError(
                f"the download holds more than {MAX_ENTRIES:,} files",
                "collect a part of it at a time",
            )
        parts = PurePosixPath(file.path).parts
        if not any(is_passed_over(part) and part.strip(".") for part in parts):
            yield file


def _in_zip(archive: zipfile.ZipFile) -> Iterator[DownloadedFile]:
    for entry in archive.infolist():
        if not entry.is_dir():
            path = _name(entry)
            opened = partial(archive.open, entry)
            kind = stat.S_IFMT(entry.external_attr >> 16)
            problem = _why_not(path, kind)
            if entry.flag_bits & _ENCRYPTED:
                problem = problem or "is encrypted"
            yield DownloadedFile(path, opened, problem)


def _name(entry: zipfile.ZipInfo) -> str:
    """An entry's name: some programs write UTF-8 and do not say so, and some write backslashes."""
    name = entry.filename
    if not entry.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name if "/" in name else name.replace("\\", "/")


def _in_folder(folder: Path) -> Iterator[DownloadedFile]:
    def refuse(error: OSError) -> None:
        raise CourseKitError(
            f"{error.filename}: {error.strerror}",
            f"give yourself the right to read it, with: chmod -R u+rwX {quote(str(folder))}",
        )

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        links = [name for name in folders if Path(root, name).is_symlink()]
        for name in sorted((*names, *links)):
            path = Path(root, name)
            inside = path.relative_to(folder).as_posix()
            kind = stat.S_IFMT(path.lstat().st_mode)
            yield DownloadedFile(inside, partial(_open, path), _why_not(inside, kind))


def _open(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _why_not(path: str, kind: int) -> str:
    """Why a file with such a name and of such a kind is not read; "" if it is."""
    if len(path) > MAX_LETTERS:
        return "has a name that is too long"
    if path.startswith("/") or path[1:3] == ":/" or ".." in path.split("/"):
        return "has a name that leads out of its folder"
    if kind == stat.S_IFLNK:
        return "is a link, which is not followed"
    return "" if kind in (0, stat.S_IFREG) else "is no plain file"
