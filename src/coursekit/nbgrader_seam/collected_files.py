"""Whose the files are that `nbgrader zip_collect` unpacked.

The learning platform names what it hands out, and a student names what lies inside an archive.
So the outermost name that tells a student decides; names further inside never do.
"""

from __future__ import annotations

import errno
import filecmp
import fnmatch
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks, parse_utc, unzip
from traitlets.log import get_logger

from coursekit.errors import CourseKitError

_NEEDED = ("student_id", "file_id")
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_RENAME = (
    "if the outermost name is not a student's but that of your download, rename the download "
    "and collect again with: --force"
)
_TELLING = "rename it so that c.FileNameCollectorPlugin.named_regexp matches, and collect again"
_unzip = unzip


class _NotCollectedError(Exception):
    """A file that is passed over, and why."""


@dataclass(frozen=True)
class _Collected:
    """A student's file.

    Attributes:
        path: where it was unpacked.
        student: whose it is.
        notebook: the name that it gets in the submission.
        timestamp: when it was handed in, if the name that tells the student tells it.
        archives: how many archives lie around the name that tells the student.

    """

    path: Path
    student: str
    notebook: str
    timestamp: datetime | None
    archives: int

    @property
    def order(self) -> tuple[int, datetime, int]:
        """What of one name is taken: from fewer archives, then newer, then less deep."""
        return -self.archives, self.timestamp or datetime.min, -len(self.path.parts)


def unpack(src: str, dest: str, *arguments: Any, **settings: Any) -> None:
    """Unpack an archive; one that cannot be unpacked costs nothing but itself."""
    try:
        _unzip(src, dest, *arguments, **settings)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL_DISK:
            raise
        get_logger().warning(
            "%s cannot be unpacked (%s); ask for a .zip or the notebook itself", src, error
        )
    for root, folders, names in os.walk(dest):
        # An archive sets the rights of what it holds: we must be able to read and remove it.
        for path in (os.path.join(root, name) for name in (*folders, *names)):
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | (0o700 if os.path.isdir(path) else 0o600))


def process_extracted_files(app: Any) -> None:
    """Copy every student's files to where submissions are.

    Raises:
        CourseKitError: if nothing is there to collect; or at the end, naming the students who
            have a submission already, and those of whom it cannot be told which file counts.

    """
    extracted = Path(app._format_collect_path(app.extracted_directory))
    found: dict[str, dict[str, list[_Collected]]] = {}
    released = set(
        find_all_notebooks(
            app.coursedir.format_path(
                app.coursedir.release_directory, ".", app.coursedir.assignment_id
            )
        )
    )
    reader = _Reader(app, extracted)
    for path in _files(app, extracted):
        try:
            file = reader.read(path)
            if file.notebook not in released:
                app.log.warning("%s is not a name of a released notebook", path)
                if app.strict:
                    raise _NotCollectedError("the names of notebooks are taken strictly")
        except _NotCollectedError as reason:
            app.log.warning("not collected: %s: %s", path, reason)
            continue
        found.setdefault(file.student, {}).setdefault(file.notebook, []).append(file)
    if not found:
        raise CourseKitError(
            "nothing was collected",
            f"see the warnings above; put what was downloaded into {reader.archive}",
        )
    left: list[str] = []
    for student, notebooks in sorted(found.items()):
        files = [chosen for same in notebooks.values() if (chosen := _chosen(app, same))]
        # Without one of its notebooks, a submission would be graded as if it lacked an answer.
        whole = len(files) == len(notebooks)
        why = _transfer(app, student, files) if whole else "it is unclear which file counts"
        if why:
            left.append(f"{student} ({why})")
    app.log.info("collected from %s students", len(found) - len(left))
    if left:
        raise CourseKitError(
            f"not collected from {', '.join(left)}",
            "look at the warnings above; to put new files in the place of earlier ones, collect "
            "again with: --force",
        )


def _files(app: Any, extracted: Path) -> Iterator[Path]:
    """Yield the files that the course does not ignore; links are named and not followed."""
    for root, folders, names in os.walk(extracted):
        ignored = [name for name in (*folders, *names) if _is_ignored(app, name)]
        if ignored:
            app.log.info("the course ignores in %s: %s", root, ", ".join(ignored))
        folders[:] = sorted(set(folders) - set(ignored))
        for name in sorted(set(names) - set(ignored)):
            path = Path(root, name)
            if path.is_symlink():
                app.log.warning("not collected: %s: it is a link", path)
            elif path.is_file() and path.suffix not in app.extractor_plugin_inst.zip_ext:
                yield path


def _is_ignored(app: Any, name: str) -> bool:
    # Besides what the course ignores: macOS puts a second file into an archive for every file.
    patterns = (*app.coursedir.ignore, "__MACOSX")
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


class _Reader:
    """Reads from names whose a file is."""

    def __init__(self, app: Any, extracted: Path) -> None:
        self.log = app.log
        self.collector = app.collector_plugin_inst
        packed = app.extractor_plugin_inst.zip_ext
        self.endings = [before + ending for ending in packed for before in ("", ".tar")]
        self.archive = Path(app._format_collect_path(app.archive_directory))
        self.extracted = extracted
        # A collector of the course's own is taken at its word.
        own = (type(self.collector).collect, type(self.collector)._match)
        self.is_own = own != (FileNameCollectorPlugin.collect, FileNameCollectorPlugin._match)
        self.beginnings = [extracted]
        names = [name for name in _names(self.archive) if not _is_ignored(app, name)]
        unpacked = _names(extracted)
        if len(names) != 1 or len(unpacked) != 1 or self.is_own:
            return
        only = extracted / unpacked[0]
        ending = self.collector.valid_ext[0]
        if self._was_archive(only) and not self._told(f"{only}{ending}", extracted):
            # The download of everybody's files: its name can be no part of a student's.
            self.beginnings.insert(0, only)

    def read(self, path: Path) -> _Collected:
        """Return whose a file is.

        Raises:
            _NotCollectedError: if nothing tells it.

        """
        if path.suffix not in self.collector.valid_ext:
            raise _NotCollectedError(f"only these are collected: {self.collector.valid_ext}")
        told = self.collector.collect(str(path)) if self.is_own else None
        if told:
            return self._file(path, told, 0)
        for beginning in self.beginnings if not self.is_own else ():
            found = self._outermost(path, beginning)
            if found:
                match, archives = found
                return self._file(path, match.groupdict(), archives)
        raise _NotCollectedError(f"its name tells no student; {_TELLING}")

    def _outermost(self, path: Path, beginning: Path) -> tuple[re.Match[str], int] | None:
        archives = len(beginning.parts) - len(self.extracted.parts)
        around = beginning
        for part in path.relative_to(beginning).parts[:-1]:
            around /= part
            if told := self._told(f"{around}{path.suffix}", beginning):
                return told, archives
            archives += self._was_archive(around)
            if archives > 1:
                raise _NotCollectedError(f"the name of {around} tells no student; {_TELLING}")
        told = self._told(str(path), beginning)
        return (told, archives) if told else None

    def _told(self, text: str, beginning: Path) -> re.Match[str] | None:
        """What a name tells. The path to the course may look like a student's, and is not."""
        match = re.match(self.collector.named_regexp, text)
        groups = match.groupdict() if match else {}
        if not match or not all(isinstance(groups.get(key), str) for key in _NEEDED):
            return None
        return match if match.start("student_id") > len(str(beginning)) else None

    def _file(self, path: Path, told: Mapping[str, Any], archives: int) -> _Collected:
        student = told.get("student_id")
        if not isinstance(student, str) or student in ("", ".", "..") or "/" in student:
            raise _NotCollectedError(f"{student!r} can be no student's name")
        name = self._notebook(path, student)
        return _Collected(path, student, name, self._timestamp(path, told), archives)

    def _notebook(self, path: Path, student: str) -> str:
        """The notebook's name as the file's own name tells it, or else the file's name."""
        if self.is_own:
            own = self.collector.collect(str(path)) or {}
        else:
            match = self._told(str(path), self.extracted)
            # What ends in a folder's name tells nothing about the file.
            inside = match and match.end("file_id") > len(str(path.parent))
            own = match.groupdict() if match and inside else {}
        if own.get("student_id", student) != student:
            self.log.warning(
                "%s names %s, and was handed in by %s, whose it is; %s",
                path,
                own["student_id"],
                student,
                _RENAME,
            )
        told = own.get("file_id")
        name = Path(told if isinstance(told, str) else path.name)
        if name.is_absolute() or ".." in name.parts or not name.name:
            name = Path(path.name)
        return os.path.splitext(name)[0] + path.suffix

    def _timestamp(self, path: Path, told: Mapping[str, Any]) -> datetime | None:
        given = told.get("timestamp")
        try:
            return parse_utc(given) if given else None
        except (ValueError, OverflowError, AttributeError, TypeError):
            self.log.warning("%s: the timestamp %r is no time, and is ignored", path, given)
            return None

    def _was_archive(self, folder: Path) -> bool:
        inside = folder.relative_to(self.extracted)
        return any(
            (place / inside.parent / (inside.name + ending)).is_file()
            for place in (self.archive, self.extracted)
            for ending in self.endings
        )


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def _chosen(app: Any, same: list[_Collected]) -> _Collected | None:
    """Which of a student's files of one name counts; None if that cannot be told."""
    *others, newest = sorted(same, key=lambda file: file.order)
    others = [file for file in others if not filecmp.cmp(file.path, newest.path, shallow=False)]
    if others and others[-1].order == newest.order:
        app.log.warning(
            "not collected: %s: of one student and name, and none has a newer timestamp",
            ", ".join(str(file.path) for file in same),
        )
        return None
    for file in others:
        app.log.warning("not collected: %s: %s takes its place", file.path, newest.path)
    return newest


def _transfer(app: Any, student: str, files: list[_Collected]) -> str:
    """Put a student's files where submissions are; why not, or "" if it was done."""
    place = Path(
        app.coursedir.format_path(
            app.coursedir.submitted_directory, student, app.coursedir.assignment_id
        )
    )
    if not app.force and _names(place):
        return "there is an earlier submission"
    times = [file.timestamp for file in files if file.timestamp]
    data = {
        "src_files": [str(file.path) for file in files],
        "dest_files": [str(place / file.notebook) for file in files],
        "file_ids": [file.notebook for file in files],
        "timestamp": max(times, default=None),
    }
    try:
        app._transfer_files({student: data})
    except OSError as error:
        if error.errno in _FULL_DISK:
            raise
        return str(error)
    return ""
