"""Files of a submission that could be its notebook: renamed, in a folder, in an archive."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from coursekit.errors import BeyondRepair
from coursekit.processes.plain_files import (
    CHECKPOINTS,
    FolderContents,
    OpenFolder,
    look_into,
    open_plain,
    shown,
)
from coursekit.repair.finding.archives import (
    ARCHIVE_ERRORS,
    PACKED,
    Entry,
    entries,
    is_archive,
    is_named_archive,
    other_kind,
    unpack,
)
from resnets_utils.notebooks.notebook_reader import MAX_FILE_BYTES

MAX_CANDIDATES = 20
# Files with another ending are searched up to this length.
_MAX_UNNAMED_BYTES = 5 * 10**6
_UNNAMED = {"", ".json", ".txt"}
# Programs that know no time write 1970 or 1980, the beginnings of Unix's and of zip's.
_NO_TIME = 10 * 366 * 86_400


@dataclass(frozen=True)
class Candidate:
    """A file that could be the notebook.

    Attributes:
        folder: the submitted folder.
        path: the file in it, or the archive that it lies in.
        inside: its names in the archive, see `Entry`; () if it is not in an archive.
        where: the place within the submitted folder, for people.
        changed: when it was last changed, for sorting only; 0 if that is not known.
        expected: whether it is where nbgrader looks for it.
        same_name: whether its name is the expected one, wherever it lies.

    """

    folder: OpenFolder
    path: Path
    inside: tuple[str, ...]
    where: str
    changed: float
    expected: bool
    same_name: bool

    def content(self) -> bytes:
        """Return the file's bytes.

        Raises:
            BeyondRepair: if it is too large or cannot be read.

        """
        try:
            if self.inside:
                content = unpack(self.path, self.folder, self.inside)
            else:
                with open_plain(self.path, self.folder) as stream:
                    content = stream.read(MAX_FILE_BYTES + 1)
        except (RuntimeError, KeyError) as error:
            # Encrypted, packed in an unknown way, or no longer there.
            raise BeyondRepair(
                f"{self.where} {PACKED}: {_said(error)}",
                "ask the student for the notebook itself, without an archive",
            ) from None
        except ARCHIVE_ERRORS as error:
            raise BeyondRepair(f"{self.where} cannot be read: {_said(error)}") from None
        if len(content) > MAX_FILE_BYTES:
            raise BeyondRepair(
                f"{self.where} is larger than {MAX_FILE_BYTES // 2**20} MB",
                "ask the student to clear its outputs and hand it in again",
            )
        return content


def find_candidates(folder: OpenFolder, expected: str) -> tuple[list[Candidate], tuple[str, ...]]:
    """Return the files that could be the notebook, at most `MAX_CANDIDATES`.

    Jupyter's own copies are among them only if there is no other.

    Args:
        folder: the submitted folder; nothing in it is changed.
        expected: the notebook's file name as nbgrader expects it.

    Returns:
        The candidates, and what in the folder was left out, in words.

    """
    contents = look_into(folder)
    found: list[Candidate] = []
    left_out = list(contents.left_out)
    for path in contents.files:
        inside = str(path)
        if is_archive(path, folder):
            try:
                listed = entries(path, folder)
            except (*ARCHIVE_ERRORS, RuntimeError, KeyError) as error:
                left_out.append(f"{shown(inside)} {PACKED} ({_said(error)})")
                continue
            within = list(_in_archive(folder, path, contents.changed[path], listed, expected))
            found += within
            packed = [one.where for one in listed if is_named_archive(Path(one.inside[-1]))]
            left_out += [f"{one} in {shown(inside)} {PACKED}" for one in packed[:3]]
            if not (within or packed):
                left_out.append(f"{shown(inside)} is an archive without a notebook")
        elif kind := other_kind(path, folder):
            left_out.append(f"{shown(inside)} {PACKED} (it is {kind})")
        elif _may_be_a_notebook(path.name.lower(), expected.lower()):
            found.append(_plain(folder, path, contents.changed[path], expected))
        elif is_named_archive(path):
            left_out.append(f"{shown(inside)} {PACKED} (it is no archive of a known kind)")
    if not found:
        found += _with_cells(folder, contents, expected)
    found = found or checkpoints(folder, expected)
    if len(found) > MAX_CANDIDATES:
        found.sort(key=lambda one: (one.expected, one.same_name, one.changed), reverse=True)
        left_out.append(f"only {MAX_CANDIDATES} of {len(found)} notebooks were read")
    return found[:MAX_CANDIDATES], tuple(left_out)


def checkpoints(folder: OpenFolder, expected: str) -> list[Candidate]:
    """Return the copies that Jupyter itself keeps: never newer than what they are copies of."""
    places = {path.parent for path in look_into(folder).files} | {Path()}
    return [
        _plain(folder, path, changed, expected)
        for place in sorted(places)
        for path, changed in look_into(folder, str(place / CHECKPOINTS)).changed.items()
        if path.name.lower().endswith(".ipynb")
    ][:MAX_CANDIDATES]


def _plain(folder: OpenFolder, path: Path, changed: float, expected: str) -> Candidate:
    inside = str(path)
    same = path.name.lower() == expected.lower()
    return Candidate(folder, path, (), shown(inside), changed, inside == expected, same)


def _in_archive(
    folder: OpenFolder, path: Path, age: float, listed: list[Entry], expected: str
) -> Iterator[Candidate]:
    inside = str(path)
    for entry in listed:
        if ".ipynb" in entry.name.lower():
            where = f"{entry.where} in {shown(inside)}"
            same = entry.name.lower() == expected.lower()
            # Some archives hold no times, and a student may write any number there.
            known = math.isfinite(entry.changed) and entry.changed > _NO_TIME
            changed = entry.changed if known else age
            # An archive that was renamed stands where the notebook should: it is not expected.
            yield Candidate(folder, path, entry.inside, where, changed, False, same)


def _with_cells(folder: OpenFolder, contents: FolderContents, expected: str) -> Iterator[Candidate]:
    """Files that hold cells, whatever their names."""
    for path in contents.files:
        if path.suffix.lower() in _UNNAMED and _holds_cells(path, folder):
            yield _plain(folder, path, contents.changed[path], expected)


def _holds_cells(path: Path, folder: OpenFolder) -> bool:
    try:
        with open_plain(path, folder) as stream:
            content = stream.read(_MAX_UNNAMED_BYTES)
    except OSError:
        return False
    return b'"cells"' in content and b'"cell_type"' in content


def _may_be_a_notebook(name: str, expected: str) -> bool:
    """Whether a file's name is a notebook's, or the expected one with another ending."""
    stem = PurePosixPath(expected).stem
    return ".ipynb" in name or name in {stem, f"{stem}.json", f"{stem}.txt"}


def _said(error: BaseException) -> str:
    return shown(str(error).split("\n")[0] or type(error).__name__)
