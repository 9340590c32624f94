"""Submitted folders and releases as bytes, so that another machine finds what lies here.

What may not be read stands there too, as the same kind of thing without its content: on both
machines the same files are left out, for the same reasons.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coursekit.cluster.wire import Message
from coursekit.processes.plain_files import (
    CHECKPOINTS,
    CLOSED,
    FolderEntry,
    OpenFolder,
    all_entries,
    open_plain,
)

# Why a file is not read, of which the other machine finds nothing by itself.
_CLOSED_MODE = 0
_NOWHERE = "nowhere"


@dataclass(frozen=True)
class _Packed:
    """One entry: its path, what kind it is, its size and its time of change in nanoseconds."""

    inside: str
    kind: str
    size: int = 0
    changed: int = 0
    content: bytes = b""


def pack_folder(folder: OpenFolder) -> Message:
    """Return everything of a submitted folder that grading can look at.

    Args:
        folder: the submitted folder; nothing in it is changed.

    Returns:
        The entries as data, and the contents of plain files, one after the other. Its size is
        bounded by `plain_files.MAX_BYTES` for the folder, and the same for Jupyter's copies.

    """
    entries = list(all_entries(folder))
    # Where Jupyter's own copies may lie: beside any file.
    places = {Path(), *(entry.inside.parent for entry in entries if not entry.is_folder)}
    for place in sorted(places):
        entries += all_entries(folder, str(place / CHECKPOINTS))
    return _packed(_pack(entry, folder) for entry in entries)


def pack_files(files: Iterable[tuple[Path, Path]]) -> Message:
    """Return files of the course's own as data and contents: their paths there, and here."""
    return _packed(
        _Packed(str(inside), "file", path.stat().st_size, 0, path.read_bytes())
        for inside, path in files
    )


def unpack(packed: Message, target: Path) -> None:
    """Write what was packed into a folder, which is made.

    Raises:
        OSError: if it cannot be written.
        ValueError: if it is no such message, or leads out of the folder.

    """
    target.mkdir(parents=True)
    at = 0
    for inside, kind, size, changed in packed.data["entries"]:
        place = target / inside
        if ".." in Path(inside).parts or not place.is_relative_to(target):
            raise ValueError(f"an entry that leads elsewhere: {inside!r}")
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "folder":
            place.mkdir(exist_ok=True)
        elif kind == "closed folder":
            place.mkdir(mode=_CLOSED_MODE)
        elif kind == "link":
            place.symlink_to(_NOWHERE)
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            content = packed.content[at : at + size] if kind == "file" else b""
            at += len(content)
            place.write_bytes(content)
            # What is too large to be read is as large there, and takes no room.
            os.truncate(place, size)
            os.utime(place, ns=(changed, changed))
            if kind == "closed":
                place.chmod(_CLOSED_MODE)


def _packed(entries: Iterable[_Packed]) -> Message:
    listed, contents = [], []
    for entry in entries:
        listed.append([entry.inside, entry.kind, entry.size, entry.changed])
        contents.append(entry.content)
    return Message({"entries": listed}, b"".join(contents))


def _pack(entry: FolderEntry, folder: OpenFolder) -> _Packed:
    inside, found = str(entry.inside), entry.found
    if found is None:
        return _Packed(inside, "pipe")  # nobody can say what it is
    size, changed = found.st_size, found.st_mtime_ns
    is_closed = entry.reason.endswith(CLOSED)
    if entry.is_folder:
        return _Packed(inside, "closed folder" if is_closed else "folder")
    if stat.S_ISLNK(found.st_mode):
        return _Packed(inside, "link")
    if not stat.S_ISREG(found.st_mode):
        return _Packed(inside, "pipe")
    if not entry.reason:
        try:
            with open_plain(entry.inside, folder) as stream:
                # It may have grown since it was measured.
                content = stream.read(size)
        except OSError:
            is_closed = True
        else:
            return _Packed(inside, "file", len(content), changed, content)
    return _Packed(inside, "closed" if is_closed else "hole", size, changed)
