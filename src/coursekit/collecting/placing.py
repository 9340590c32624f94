"""Put a hand-in where submissions are; what was there is kept aside."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from coursekit.collecting.download import DownloadedFile, UnreadableFile
from coursekit.collecting.hand_ins import HandIn, may_hold_a_notebook
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.nbgrader_seam.course_folder import open_submission
from coursekit.processes.plain_files import MAX_BYTES, look_into, open_plain, shown
from coursekit.repair.finding.timestamp import FILE, read_timestamp

Digests = Mapping[Path, str]


@dataclass(frozen=True)
class Existing:
    """A submission that is there already.

    Attributes:
        digests: a digest of each of its files, without its timestamp.
        time: when it was handed in, if it says so.

    """

    digests: Digests
    time: datetime | None


def digests_of(hand_in: HandIn) -> Digests:
    """Return a digest of each file of a hand-in, in order.

    A file that may not be read and is no notebook or archive is taken from the hand-in, with
    a note.

    Raises:
        UnreadableFile: if one cannot be read without which the rest would be graded as if it
            lacked an answer.

    """
    found: dict[Path, str] = {}
    size = 0
    for inside, file in sorted(hand_in.files.items()):
        digest = hashlib.sha256()
        try:
            for part in file.parts():
                digest.update(part)
                size += len(part)
                if size > MAX_BYTES:
                    raise UnreadableFile(f"goes beyond {MAX_BYTES // 10**6} MB for all files")
        except UnreadableFile as reason:
            if may_hold_a_notebook(inside):
                raise UnreadableFile(f"{shown(inside.name)} {reason}") from None
            del hand_in.files[inside]
            hand_in.notes.append(f"{shown(inside.name)} {reason}, and is left out")
            continue
        found[inside] = digest.hexdigest()
    if not found:
        raise UnreadableFile("it has no file that can be read")
    return found


def find_existing(coursedir: Any, place: Path) -> Existing | None:
    """Return the submission that is in a place; None if nothing is there.

    Raises:
        InfrastructureError: if something is there that is no submission.

    """
    if not os.path.lexists(place):
        if place.parent.is_symlink():
            raise InfrastructureError(
                f"{place.parent} is a link, which is not followed", "put a folder in its place"
            )
        return None
    found: dict[Path, str] = {}
    with open_submission(coursedir, str(place)) as folder:
        for inside in look_into(folder).files:
            with open_plain(inside, folder) as stream:
                digest = hashlib.sha256()
                while part := stream.read(2**20):
                    digest.update(part)
            found[inside] = digest.hexdigest()
        time = read_timestamp(folder)[0]
    found.pop(Path(FILE), None)
    return Existing(found, time)


def put_in_place(
    files: Mapping[Path, DownloadedFile], time: datetime | None, place: Path, aside: Path
) -> Path | None:
    """Write a submission; return where an earlier one is kept now, or None.

    Until all of it is written, what was there stays.

    Args:
        files: its files, by their paths in it.
        time: when it was handed in, in UTC, if that is known.
        place: its folder.
        aside: where earlier submissions of this student are kept.

    Raises:
        CourseKitError: if a file cannot be read any more, or written.

    """
    draft = place.with_name(f".{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for inside, file in files.items():
            target = draft / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.writelines(file.parts())
        if time:
            (draft / FILE).write_text(f"{time.isoformat(' ', 'seconds')} UTC\n", encoding="utf-8")
        kept = None
        if os.path.lexists(place):
            kept = _free(aside)
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(place, kept)
        draft.rename(place)
    except UnreadableFile as reason:
        raise CourseKitError(f"{place}: the download has changed meanwhile ({reason})") from None
    except (FileExistsError, NotADirectoryError) as error:
        raise CourseKitError(f"{place}: two of its files have one path ({error})") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return kept


def _free(folder: Path) -> Path:
    """A path in a folder that nothing has yet."""
    number = 1
    while os.path.lexists(folder / str(number)):
        number += 1
    return folder / str(number)
