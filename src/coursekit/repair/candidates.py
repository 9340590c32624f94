"""The files of a submission that could be its notebook: by another name, deeper down, in a zip."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from coursekit.repair.errors import ASK_AGAIN, BeyondRepair
from coursekit.repair.folder import is_passed_over, look_into, shown

# Outputs make a notebook large; nobody's text and code come near this.
LARGEST_NOTEBOOK = 256 * 2**20
MOST_ENTRIES = 2_000
MOST_CANDIDATES = 20
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Candidate:
    """A file that could be the notebook.

    Attributes:
        path: the file, or the zip that it lies in.
        entry: its name in the zip; "" if it lies in none.
        where: the place, for people, within the submitted folder.
        changed: when it was last changed; for sorting only.
        expected: whether it is where nbgrader looks for it.
        same_name: whether its name is the expected one, wherever it lies.

    """

    path: Path
    entry: str
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
            if not self.entry:
                with self.path.open("rb") as stream:
                    content = stream.read(LARGEST_NOTEBOOK + 1)
            else:
                # Whatever length the archive claims, no more is ever unpacked.
                with zipfile.ZipFile(self.path) as archive, archive.open(self.entry) as packed:
                    content = packed.read(LARGEST_NOTEBOOK + 1)
        except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
            raise BeyondRepair(f"{self.where} cannot be read: {_said(error)}", ASK_AGAIN) from None
        except (RuntimeError, NotImplementedError) as error:
            raise BeyondRepair(
                f"{self.where} cannot be unpacked: {_said(error)}",
                "ask the student for the notebook itself, without a zip",
            ) from None
        if len(content) > LARGEST_NOTEBOOK:
            raise BeyondRepair(
                f"{self.where} is larger than {LARGEST_NOTEBOOK // 2**20} MB",
                "ask the student to clear its outputs and hand it in again",
            )
        return content


def find_candidates(folder: Path, expected: str) -> tuple[list[Candidate], tuple[str, ...]]:
    """Return the files that could be the notebook, the likeliest first.

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
        inside = path.relative_to(folder)
        if _is_zip(path):
            try:
                found += _in_zip(path, str(inside), expected)
            except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
                left_out.append(f"{shown(str(inside))} cannot be unpacked ({_said(error)})")
        elif _may_be_a_notebook(path.name.lower(), expected.lower()):
            same = path.name.lower() == expected.lower()
            changed, at_home = path.lstat().st_mtime, inside == Path(expected)
            found.append(Candidate(path, "", shown(str(inside)), changed, at_home, same))
    found.sort(key=lambda one: (one.expected, one.same_name, one.changed), reverse=True)
    return found[:MOST_CANDIDATES], tuple(left_out)


def _in_zip(path: Path, inside: str, expected: str) -> Iterator[Candidate]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"it holds {len(entries):,} files")
    for entry in entries:
        name = PurePosixPath(entry.filename)
        hidden = any(part.strip(".") and is_passed_over(part) for part in name.parts)
        if ".ipynb" not in name.name.lower() or entry.is_dir() or hidden:
            continue
        yield Candidate(
            path,
            entry.filename,
            f"{shown(entry.filename)} in {shown(inside)}",
            float("".join(f"{part:02}" for part in entry.date_time)),
            # A zip that was renamed stands where the notebook should.
            expected=False,
            same_name=name.name.lower() == expected.lower(),
        )


def _may_be_a_notebook(name: str, expected: str) -> bool:
    """Whether a file's name is a notebook's, or the expected one with another ending."""
    stem = PurePosixPath(expected).stem
    return ".ipynb" in name or name in {stem, f"{stem}.json", f"{stem}.txt"}


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def _said(error: Exception) -> str:
    return shown(str(error).split("\n")[0] or type(error).__name__)
