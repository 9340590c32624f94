"""A student's own small files beside the notebook: modules that it imports, data that it reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from coursekit.processes.plain_files import is_passed_over, look_into, open_plain, shown
from coursekit.repair.finding.archives import ARCHIVE_ERRORS, entries, unpack
from coursekit.repair.finding.candidate_files import Candidate

MAX_FILES = 100
MAX_FILE_BYTES = 500_000
MAX_TOTAL_BYTES = 2 * 10**6
# What is read to find out that files are too large: an archive tells no sizes that count.
MAX_READ_BYTES = 50 * 10**6
# What a file's path may take, so that it can be written anywhere.
MAX_PATH_BYTES = 200
# Data and source texts: nothing that Python loads without having compiled it.
KINDS = frozenset(
    {".csv", ".json", ".md", ".npy", ".npz", ".py", ".toml", ".tsv", ".txt", ".yaml", ".yml"}
)
_PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"})
MAX_NAMED = 200


@dataclass(frozen=True)
class OwnFiles:
    """A student's own small files.

    Attributes:
        contents: their bytes, by their paths as seen from the notebook's folder.
        left_out: why others are not among them, by their paths.

    """

    contents: Mapping[str, bytes] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


class _Read(Protocol):
    def __call__(self) -> bytes: ...


def files_beside(notebook: Candidate, release: Path) -> OwnFiles:
    """Return the small files that were handed in with a notebook.

    Those of its own folder, or of its own archive, come first: its code sees them by name.
    Students hand in folders as they fetched them: the release's own files are passed over.

    Args:
        notebook: the notebook.
        release: the folder of the release that it was made from.

    """
    packages = {path.name for path in release.iterdir() if any(path.glob("*.py"))}
    contents: dict[str, bytes] = {}
    left_out: dict[str, str] = {}
    size = looked_at = 0
    for name, read in _offered(notebook):
        kinds = KINDS | _PICTURES if "/" in notebook.where or notebook.inside else KINDS
        if name in contents or ".ipynb" in name.lower() or _is_given(name, release):
            continue
        why = ""
        if PurePosixPath(name).parts[0] in packages:
            why = "the exercise has a folder of that name"
        elif PurePosixPath(name).suffix.lower() not in kinds:
            why = "files of this kind are not used"
        elif len(contents) >= MAX_FILES:
            why = f"only {MAX_FILES} files are used"
        elif len(name.encode(errors="replace")) > MAX_PATH_BYTES:
            why = "its path is too long"
        elif looked_at > MAX_READ_BYTES:
            why = "too much was handed in to look at it"
        else:
            content = read()
            looked_at += len(content)
            if len(content) > MAX_FILE_BYTES:
                why = f"it is larger than {MAX_FILE_BYTES // 1000} KB"
            elif size + len(content) > MAX_TOTAL_BYTES:
                why = f"all files together are larger than {MAX_TOTAL_BYTES // 10**6} MB"
            else:
                contents[name] = content
                size += len(content)
        if why and len(left_out) < MAX_NAMED:
            left_out[name] = why
    return OwnFiles(contents, {shown(name): why for name, why in left_out.items()})


def _is_given(name: str, release: Path) -> bool:
    try:
        return (release / name).is_file()
    except (OSError, ValueError):  # no file system takes the name
        return False


def _offered(notebook: Candidate) -> Iterator[tuple[str, _Read]]:
    """The files by their paths as seen from the notebook, and how each is read."""
    folder = notebook.folder
    place = Path() if notebook.inside else notebook.path.parent
    if notebook.inside:
        with contextlib.suppress(*ARCHIVE_ERRORS, RuntimeError, KeyError):
            yield from _in_its_archive(notebook)
    files = [path for path in look_into(folder).files if path != notebook.path]
    for path in sorted(files, key=lambda path: not path.is_relative_to(place)):
        seen = path.relative_to(place) if path.is_relative_to(place) else path
        yield seen.as_posix(), partial(_content, notebook, path)


def _in_its_archive(notebook: Candidate) -> Iterator[tuple[str, _Read]]:
    place = _plain_path(notebook.inside[-1]).parent
    for entry in entries(notebook.path, notebook.folder):
        *outer, name = entry.inside
        path = _plain_path(name)
        if tuple(outer) == notebook.inside[:-1] and path.is_relative_to(place):
            seen = path.relative_to(place)
            if not any(map(is_passed_over, seen.parts)):
                yield str(seen), partial(_unpacked, notebook, entry.inside)


def _plain_path(name: str) -> PurePosixPath:
    """A name in an archive without what leads out of it."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return PurePosixPath(*(part for part in parts if part.strip("./")))


def _content(notebook: Candidate, path: Path) -> bytes:
    with contextlib.suppress(OSError), open_plain(path, notebook.folder) as stream:
        return stream.read(MAX_FILE_BYTES + 1)
    return b""


def _unpacked(notebook: Candidate, inside: tuple[str, ...]) -> bytes:
    with contextlib.suppress(*ARCHIVE_ERRORS, RuntimeError, KeyError):
        return unpack(notebook.path, notebook.folder, inside)
    return b""
