"""A hand-in as one student's, and which of several counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from coursekit.collecting.download import UnreadableFile
from coursekit.collecting.hand_ins import HandIn
from coursekit.collecting.placing import digests_of
from coursekit.collecting.platforms import Who
from coursekit.collecting.record import Collected

NOT_COLLECTED = "not collected"


@dataclass
class Claimed:
    """A hand-in as one student's.

    Attributes:
        hand_in: the hand-in.
        download: the file name of the download that it is in.
        who: the person, as the platform has them.
        student: the student's id in the course; "" if that is not known.
        how: how it is known.
        result: what became of it.
        reason: why it was not collected, in words.
        is_in_the_way: whether that is for a submission that is there.
        notes: what else is to be told, in words.

    """

    hand_in: HandIn
    download: str
    who: Who
    student: str = ""
    how: str = ""
    result: str = NOT_COLLECTED
    reason: str = ""
    is_in_the_way: bool = False
    notes: list[str] = field(default_factory=list)


def choose_newest(claimed: Sequence[Claimed]) -> Claimed | None:
    """Return which of a student's hand-ins counts; None if that cannot be told."""
    people = {one.who.ids[:1] or one.who.name for one in claimed if one.how != "group"}
    if len(people) > 1:
        names = ", ".join(dict.fromkeys(str(one.who) for one in claimed))
        for one in claimed:
            one.reason = f"{one.student} is more than one person of the download: {names}"
        return None
    best = claimed[0]
    for one in claimed[1:]:
        newer = _after(one.hand_in, best.hand_in)
        if newer is None and not _is_same(one.hand_in, best.hand_in):
            for each in claimed:
                each.reason = "there are several hand-ins, and no time says which is the newest"
            return None
        older, best = (best, one) if newer else (one, best)
        older.result = "an older one" if newer is not None else "the same again"
    best.result = NOT_COLLECTED
    return best


def _is_same(one: HandIn, other: HandIn) -> bool:
    try:
        return digests_of(one) == digests_of(other)
    except UnreadableFile:
        return False


def _after(one: HandIn, other: HandIn) -> bool | None:
    """Whether a hand-in came after another one; None if that cannot be told."""
    if one.time and other.time and one.time != other.time:
        return one.time > other.time
    if one.platform is other.platform and one.order and other.order and one.order != other.order:
        return one.order > other.order
    return None


def is_newer(one: Claimed, time: datetime | None, before: Collected | None) -> bool | None:
    """Return whether a hand-in is newer than the submission that is there; None if nobody knows."""
    if one.hand_in.time and time:
        return bool(one.hand_in.time > time)
    if before and before.platform == one.hand_in.platform.name and before.order.isdecimal():
        return one.hand_in.order > int(before.order)
    return None


def row_of(one: Claimed) -> Collected:
    """Return what the record keeps of a hand-in."""
    time = one.hand_in.time
    return Collected(
        one.student,
        one.who.ids[0] if one.who.ids else "",
        one.who.name,
        one.hand_in.platform.name,
        "late" if one.hand_in.late else "",
        f"{time.isoformat(' ', 'seconds')} UTC" if time else "",
        str(one.hand_in.order or ""),
        one.result,
        one.download,
        one.hand_in.origin,
    )
