"""A published folder on disk: which files in it are ours, and writing them.

A record in the folder names every file that publishing wrote, with its digest. Only a file that
still has the content which was written is replaced or removed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from coursekit.course.assignment import SETTINGS
from coursekit.errors import CourseKitError
from coursekit.processes.whole_files import write_whole

RECORD = "published.json"
_SCHEMA = 1
# What a new repository may begin with.
_BEGINNINGS = ("readme", "license", "licence", "copying", "contributing")
_OF_A_COURSE = ("source", "grader_tests", "submitted", "autograded", "gradebook.db", *SETTINGS)
_ELSEWHERE = "choose a folder of its own, such as: coursekit publish ~/public-course"


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes, as 64 digits."""
    return sha256(content).hexdigest()


@dataclass(frozen=True)
class Record:
    """What was published into a folder.

    Attributes:
        address: the address that was given, by option.
        assignments: the names of the assignments.
        files: the digests of the files by their paths; after an interruption, the old one and
            the new one.

    """

    address: Mapping[str, str] = field(default_factory=dict)
    assignments: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        """Return it as a file."""
        value = {
            "schema": _SCHEMA,
            "made by": "coursekit publish",
            "address": dict(self.address),
            "assignments": list(self.assignments),
            "files": {path: list(digests) for path, digests in sorted(self.files.items())},
        }
        return (json.dumps(value, indent=1) + "\n").encode()


@dataclass(frozen=True)
class Changes:
    """What writing a folder changes in it.

    Attributes:
        written: paths of the files that are new or get another content.
        removed: paths of our files that are no longer wanted.
        kept: paths of files that are wanted and are not ours, or were changed by hand.

    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


class PublishedFolder:
    """A folder that is published, or will be.

    Args:
        path: the folder, which need not exist.
        course: the course folder, which must not be in it.

    Raises:
        CourseKitError: if nothing may be published there. Then nothing has been written.

    """

    def __init__(self, path: Path, course: Path) -> None:
        self.path = path.resolve()
        self._refuse_taken_place(course)
        self.record = self._read_record()
        if not self.record.files:
            self._refuse_other_files()

    def others(self) -> Iterator[str]:
        """Yield the paths of the files that are not ours, but for git's own."""
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if name != ".git"]
            for name in names:
                found = Path(folder, name)
                path = found.relative_to(self.path).as_posix()
                if path != RECORD and found.is_file() and not self._is_ours(path):
                    yield path

    def changes(self, files: Mapping[str, bytes], keep: str) -> Changes:
        """Return what writing files would change.

        Args:
            files: what the folder is to hold of ours, by path.
            keep: a folder whose files stay when they are no longer wanted.

        """
        written: list[str] = []
        kept: list[str] = []
        for path, content in files.items():
            found = self._content(path)
            if found == content:
                continue
            free = found is None and not self._is_in_the_way(path)
            (written if free or self._is_ours(path) else kept).append(path)
        removed = [
            path
            for path in self.record.files
            if path not in files and not path.startswith(f"{keep}/") and self._is_ours(path)
        ]
        return Changes(tuple(written), tuple(removed), tuple(kept))

    def write(
        self,
        files: Mapping[str, bytes],
        changes: Changes,
        keep: str,
        address: Mapping[str, str],
        assignments: tuple[str, ...],
    ) -> None:
        """Write the files, each whole or not at all; after an interruption a new run goes on.

        Args:
            files: what the folder is to hold of ours, by path.
            changes: what is changed for it.
            keep: a folder whose files stay when they are no longer wanted.
            address: what the record keeps of the address.
            assignments: what the record keeps of the assignments.

        """
        old = self.record.files
        new: dict[str, tuple[str, ...]] = {
            path: (digest_of(files[path]),) for path in files if path not in changes.kept
        }
        new |= {path: old[path] for path in old if path.startswith(f"{keep}/") and path not in new}
        both = {path: (*old.get(path, ()), *new.get(path, ())) for path in {*old, *new}}
        self.path.mkdir(parents=True, exist_ok=True)
        self._write_record(Record(address, assignments, both))
        for path in changes.written:
            target = self.path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, files[path])
        for path in changes.removed:
            (self.path / path).unlink()
            # Folders of ours that are empty now.
            with contextlib.suppress(OSError):
                for folder in PurePosixPath(path).parents[:-1]:
                    (self.path / folder).rmdir()
        self._write_record(Record(address, assignments, new))

    def _write_record(self, record: Record) -> None:
        write_whole(self.path / RECORD, record.as_bytes())

    def _is_ours(self, path: str) -> bool:
        """Whether a file still has a content that was written by us."""
        found = self._content(path)
        return found is not None and digest_of(found) in self.record.files.get(path, ())

    def _content(self, path: str) -> bytes | None:
        """The content of a plain file within the folder; None if there is no such file."""
        target = self.path / path
        if target.is_file() and target.resolve() == target:
            return target.read_bytes()
        return None

    def _is_in_the_way(self, path: str) -> bool:
        """Whether something else than a file of ours stands where one would, or its folders."""
        places = [PurePosixPath(path), *PurePosixPath(path).parents[:-1]]
        taken = [self.path / place for place in places]
        return any(
            one.is_symlink() or (one.exists() and (number == 0 or not one.is_dir()))
            for number, one in enumerate(taken)
        )

    def _refuse_taken_place(self, course: Path) -> None:
        for place in (self.path, *self.path.parents):
            if place.exists():
                if not place.is_dir():
                    raise CourseKitError(f"{place} is no folder", _ELSEWHERE)
                break
        found = [name for name in _OF_A_COURSE if (self.path / name).exists()]
        if course.is_relative_to(self.path) or found:
            what = f"it has {found[0]}" if found else f"it has the course {course.name}"
            raise CourseKitError(
                f"{self.path} cannot be published: {what}, which students must not see",
                _ELSEWHERE,
            )
        inside = self.path.relative_to(course).parts if self.path.is_relative_to(course) else ()
        if inside and inside[0] in (*_OF_A_COURSE, "release", "feedback"):
            raise CourseKitError(
                f"{self.path} is in the course's {inside[0]}/, which has a purpose of its own",
                _ELSEWHERE,
            )

    def _refuse_other_files(self) -> None:
        names = os.listdir(self.path) if self.path.is_dir() else []
        others = [one for one in names if not one.lower().startswith((".", *_BEGINNINGS))]
        if others:
            raise CourseKitError(
                f"{self.path} has files of something else, such as {sorted(others)[0]}; nothing "
                "was written",
                "choose a new folder, or a clone of a new repository, with: coursekit publish DIR",
            )

    def _read_record(self) -> Record:
        try:
            text = (self.path / RECORD).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return Record()
        try:
            value: Any = json.loads(text)
            assert value["schema"] == _SCHEMA
            address = {str(name): str(one) for name, one in value["address"].items()}
            files = {str(path): tuple(map(str, one)) for path, one in value["files"].items()}
            # A record that came with a clone leads nowhere else.
            assert not any(path[:1] == "/" or ".." in path.split("/") for path in files)
            return Record(address, tuple(map(str, value["assignments"])), files)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
            raise CourseKitError(
                f"{self.path / RECORD} cannot be read: it is not what coursekit publish wrote",
                "restore it, with: git checkout published.json; or choose a new folder",
            ) from None
