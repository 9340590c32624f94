"""What was handed in, as a download has it: whose it may be, when it came, and its files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import yaml

from coursekit.collecting.download import DownloadedFile, UnreadableFile
from coursekit.collecting.platforms import (
    BLACKBOARD,
    FOLDERS,
    GRADESCOPE,
    METADATA,
    PLATFORMS,
    Claim,
    Platform,
    Who,
    read_name,
)
from coursekit.errors import CourseKitError
from coursekit.processes.plain_files import MAX_FILES, MAX_PATH_BYTES, shown
from coursekit.repair.finding.timestamp import FILE

_MAX_NAME_BYTES = 200
# A name in brackets ends the first line of what Blackboard adds to a hand-in.
_USERNAME = re.compile(r"\(([^()]+)\)\s*$")


@dataclass
class HandIn:
    """One hand-in of a download.

    Attributes:
        platform: where it comes from.
        origin: what it is called in the download.
        people: whose it is; several for a group.
        late: whether the platform calls it late.
        time: when it was handed in, in UTC, if that is known.
        order: higher for what was handed in later, 0 if that is not known.
        files: its files, by the path that they get in the submission.
        problems: what keeps it from being collected, in words.
        notes: what else is to be told, in words.

    """

    platform: Platform
    origin: str
    people: tuple[Who, ...]
    late: bool = False
    time: datetime | None = None
    order: int = 0
    files: dict[Path, DownloadedFile] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReadDownload:
    """What a download holds.

    Attributes:
        platform: whose names its files have.
        hand_ins: what was handed in.
        unknown: the outermost names that tell nobody.

    """

    platform: Platform
    hand_ins: tuple[HandIn, ...]
    unknown: tuple[str, ...]


def read_download(
    path: Path, files: Sequence[DownloadedFile], platform: str, zone: tzinfo | None
) -> ReadDownload:
    """Return what a download holds.

    Args:
        path: where it lies.
        files: its files.
        platform: the platform's name, or "" to go by the files' names.
        zone: where the platform's clock stands; None for where this machine's does.

    Raises:
        CourseKitError: if it is empty, or does not tell which platform it is from.

    """
    if not files:
        raise CourseKitError(f"{path} is empty", "download it again")
    found, within = _recognise(path, [file.path for file in files], platform)
    inner = [replace(file, path=file.path.removeprefix(within)) for file in files]
    by_key: dict[str, HandIn] = {}
    orders: dict[tuple[str, Path], int] = {}
    receipts: dict[str, DownloadedFile] = {}
    unknown: dict[str, None] = {}
    for file in inner:
        claim = read_name(found, file.path, zone)
        if claim is None:
            if file.path not in found.own:
                unknown[file.path.partition("/")[0]] = None
            continue
        if claim.receipt:
            receipts[claim.key] = file
        top = file.path.partition("/")[0]
        new = HandIn(found, top, (claim.who,), claim.late, claim.time)
        hand_in = by_key.setdefault(claim.key, new)
        hand_in.order = max(hand_in.order, claim.order)
        if claim.inside:
            _take(hand_in, claim, file, orders)
        elif claim.text:
            hand_in.notes.append(f"a text was handed in ({claim.text}), and no file")
    if found is BLACKBOARD:
        for key, receipt in receipts.items():
            by_key[key].people = (_named_in(receipt, by_key[key].people[0]),)
    if found is GRADESCOPE:
        _tell_people(inner, by_key, path)
    for hand_in in by_key.values():
        if not hand_in.files and not hand_in.problems:
            hand_in.problems += [*hand_in.notes, "it has no file"][:1]
        elif not any(may_hold_a_notebook(inside) for inside in hand_in.files):
            hand_in.notes.append("none of its files is a notebook")
    return ReadDownload(found, tuple(by_key.values()), tuple(unknown))


def _recognise(path: Path, names: Sequence[str], wanted: str) -> tuple[Platform, str]:
    """Which platform's names they are, and the folder that all of them are in, with "/"."""
    outermost = {name.partition("/")[0] for name in names if "/" in name}
    common = f"{next(iter(outermost))}/" if len(outermost) == 1 else ""
    if not all(name.startswith(common) for name in names):
        common = ""
    choices = [one for one in PLATFORMS if one.name == wanted or not wanted]
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    for within in dict.fromkeys(("", common)):
        inner = [name.removeprefix(within) for name in names]
        for one in choices:
            theirs = [name for name in inner if name not in one.own]
            whole = {name.partition("/")[0] for name in theirs}
            known = {name.partition("/")[0] for name in theirs if one.pattern.fullmatch(name)}
            if one is not FOLDERS and known:
                counted[one.name, within] = len(known), len(whole)
    if not counted:
        # The folder that some programs put into an archive is called like the archive.
        folders = FOLDERS in choices and common == f"{path.stem}/"
        return choices[-1], common if folders else ""
    most = max(known for known, _ in counted.values())
    best = [place for place, (known, _) in counted.items() if known == most]
    name, within = best[0]
    number = counted[best[0]][1]
    if not wanted and (len({one for one, _ in best}) > 1 or 2 * most < number):
        raise CourseKitError(
            f"{path}: {most} of {number} names in it are those of {name}, so that it is unclear "
            "where it is from",
            f"say where, with: --from {name} (or another platform, or folders)",
        )
    return next(one for one in choices if one.name == name), within


def _take(
    hand_in: HandIn,
    claim: Claim,
    file: DownloadedFile,
    orders: dict[tuple[str, Path], int],
) -> None:
    """Add a file to a hand-in."""
    inside = _place(claim.inside)
    if len(os.fsencode(inside)) > MAX_PATH_BYTES:
        hand_in.notes.append(f"{shown(inside.name)} lies too deep in folders")
        return
    if inside == Path(FILE) and hand_in.platform is not FOLDERS:
        # Grading takes it for the time at which the submission came.
        hand_in.notes.append(f"{FILE} is the student's own, and is left out")
        return
    before = hand_in.files.get(inside)
    if before:
        hand_in.notes.append(f"{shown(inside.name)} is there twice; the newest is taken")
    if before and claim.order < orders[claim.key, inside]:
        return
    if not before and len(hand_in.files) >= MAX_FILES:
        hand_in.problems.append(f"it has more than {MAX_FILES:,} files")
        return
    hand_in.files[inside] = file
    orders[claim.key, inside] = claim.order


def _place(inside: str) -> Path:
    """The path that a file gets, of names that any disk can hold."""
    return Path(*(_fitting(part) for part in inside.split("/") if part not in ("", ".", "..")))


def _fitting(name: str) -> str:
    plain = "".join(sign if sign.isprintable() else "_" for sign in name)
    stem, ending = os.path.splitext(plain)
    ending = ending if len(ending.encode()) < _MAX_NAME_BYTES // 2 else ""
    stem = plain.removesuffix(ending)
    while len((stem + ending).encode()) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending


def may_hold_a_notebook(inside: Path) -> bool:
    """Return whether a file may be a notebook, or an archive with one in it."""
    return ".ipynb" in inside.name.lower() or inside.suffix.lower() in (".zip", ".tar", ".gz")


def _named_in(receipt: DownloadedFile, who: Who) -> Who:
    """Whose a hand-in of Blackboard's is, as its text says; or as before if it does not."""
    try:
        start = next(receipt.parts(), b"")
    except UnreadableFile:
        return who
    line = start.decode("utf-8-sig", errors="replace").partition("\n")[0].strip()
    match = _USERNAME.search(line)
    if not match or match[1] not in who.ids:
        return who
    return Who((match[1],), line[: match.start()].partition(":")[2].strip())


def _tell_people(files: Iterable[DownloadedFile], by_key: dict[str, HandIn], path: Path) -> None:
    """Put Gradescope's own list of people into its hand-ins.

    Raises:
        CourseKitError: if there is no such list.

    """
    found = next((file for file in files if file.path == METADATA), None)
    hint = f"export the submissions again, and keep {METADATA} beside them"
    if found is None:
        raise CourseKitError(f"{path}: {METADATA} is missing, which names the students", hint)
    try:
        told = yaml.load(b"".join(found.parts()), Loader=yaml.CSafeLoader)
    except (UnreadableFile, yaml.YAMLError) as error:
        raise CourseKitError(f"{path}: {METADATA} cannot be read ({error})", hint) from None
    entries = told if isinstance(told, dict) else {}
    for key, hand_in in by_key.items():
        entry = next((entries[one] for one in (hand_in.origin, key) if one in entries), None)
        people = entry.get(":submitters") if isinstance(entry, dict) else None
        hand_in.people = tuple(
            Who(
                tuple(str(one[kind]) for kind in (":sid", ":email") if one.get(kind)),
                str(one.get(":name") or ""),
            )
            for one in (people if isinstance(people, list) else ())
            if isinstance(one, dict)
        )
        time = entry.get(":created_at") if isinstance(entry, dict) else None
        if isinstance(time, datetime):
            hand_in.time = (time.astimezone(UTC) if time.tzinfo else time).replace(tzinfo=None)
        if not hand_in.people:
            hand_in.problems.append(f"{METADATA} does not say whose it is")
