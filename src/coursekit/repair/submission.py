"""Repair a submission: choose its notebook among the candidates, read it and rebuild it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat

from coursekit.errors import BeyondRepair
from coursekit.processes.plain_files import CLOSED, OpenFolder, look_into, shown
from coursekit.repair.finding.archives import PACKED
from coursekit.repair.finding.candidate_files import Candidate, find_candidates
from coursekit.repair.reading.submitted_notebook import SubmittedNotebook, read_submission
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt, rebuild, stamp_of
from coursekit.repair.recognising.pieces import is_answered
from resnets_utils.notebooks.definitions import find_definitions
from resnets_utils.notebooks.released import ReleasedNotebook

_OPEN_IT = "give yourself the right to read it, with: chmod -R u+rwX FOLDER; then grade again"
_UNPACK_IT = (
    "unpack the archive into its folder, or ask the student for the notebook itself; "
    "then grade again"
)

# Given the notebook's version stamp, as metadata, the path of the release that counts.
ChooseRelease = Callable[[dict[str, Any]], str]


def repair(folder: OpenFolder, expected: str, release: str, choose: ChooseRelease) -> Rebuilt:
    """Return a submission as it is graded.

    Args:
        folder: the submitted folder; nothing in it is changed.
        expected: the notebook's file name as nbgrader expects it.
        release: the path of the released notebook that is expected.
        choose: tells the release that a notebook with a given stamp goes into.

    Raises:
        BeyondRepair: if no notebook of the submission can be graded.

    """
    candidates, left_out = find_candidates(folder, expected)
    reasons: list[BeyondRepair] = []
    passed_over: list[Candidate] = []
    for candidate, read in _in_order(candidates, _released(release), reasons, passed_over):
        try:
            rebuilt = rebuild(read, _released(choose(stamp_of(read.metadata))))
        except BeyondRepair as error:
            reasons.append(error)
            continue
        said = _which_was_taken(candidate, candidates, passed_over, expected)
        said += [f"{error.message}; it was left out" for error in reasons[:3]]
        return Rebuilt(rebuilt.notebook, (*said, *rebuilt.repairs, *left_out))
    if reasons:
        words = "; ".join([*(error.message for error in reasons[:3]), *left_out])
        raise BeyondRepair(words, reasons[0].hint)
    files = look_into(folder).files
    names = [shown(str(path)) for path in files[:5]]
    holds = f"; the folder holds {', '.join(names)}" if names else ""
    missing = "no notebook was handed in"
    if not (Path(expected) in files or any(one.startswith(f"{expected} ") for one in left_out)):
        missing += f": {expected} is not there{holds}"
    hint = "ask the student to hand it in again; nothing was graded"
    for what, remedy in ((PACKED, _UNPACK_IT), (CLOSED, _OPEN_IT)):
        if any(what in one for one in left_out):
            hint = remedy
    raise BeyondRepair("; ".join([missing, *left_out]), hint)


def _in_order(
    candidates: list[Candidate],
    released: ReleasedNotebook,
    reasons: list[BeyondRepair],
    passed_over: list[Candidate],
) -> Iterator[tuple[Candidate, SubmittedNotebook]]:
    """The candidates that can be read, the likeliest first.

    One without answers comes last, even if it has the expected name: students
    hand in the empty notebook beside the one they worked in.

    Args:
        candidates: the files.
        released: the notebook that is expected.
        reasons: takes down what is wrong with the other candidates.
        passed_over: takes down the candidates that come last.

    """
    written: list[tuple[Candidate, SubmittedNotebook]] = []
    blank: list[tuple[Candidate, SubmittedNotebook]] = []
    for candidate in candidates:
        try:
            read = read_submission(candidate.content(), candidate.where)
        except BeyondRepair as error:
            reasons.append(error)
            continue
        if is_answered(read.cells, released):
            if candidate.expected:
                yield candidate, read
            written.append((candidate, read))
        elif candidate.expected or _is_ours(read, released):
            blank.append((candidate, read))
        else:
            reasons.append(
                BeyondRepair(
                    f"{candidate.where} holds none of the graded functions",
                    "ask the student for the right notebook",
                )
            )
    for group in (written, blank):
        group.sort(key=_likelihood, reverse=True)
    passed_over += [candidate for candidate, _ in blank] if written else []
    yield from (one for one in (*written, *blank) if not (one in written and one[0].expected))


def _likelihood(one: tuple[Candidate, SubmittedNotebook]) -> tuple[bool, bool, bool, float]:
    candidate, read = one
    stamped = bool(stamp_of(read.metadata))
    return candidate.expected, stamped, candidate.same_name, candidate.changed


def _is_ours(read: SubmittedNotebook, released: ReleasedNotebook) -> bool:
    if stamp_of(read.metadata) or any(released.recognise(cell) for cell in read.cells):
        return True
    return bool(find_definitions(read.cells, released.functions))


def _which_was_taken(
    taken: Candidate, candidates: list[Candidate], passed_over: list[Candidate], expected: str
) -> list[str]:
    """Say which notebook was graded, unless it is the only one and has the expected name."""
    others = [one for one in candidates if one is not taken]
    if taken.expected:
        if not others:
            return []
        beside = ", ".join(one.where for one in others[:3])
        return [f"of {len(candidates)} notebooks {expected} was graded; {beside} was not"]
    place = next((one for one in candidates if one.expected), None)
    if taken.path.name == expected and taken.inside:
        why = f"{expected} is an archive"
    elif place is None:
        why = f"{expected} is not there"
    else:
        why = f"{expected} {'holds no answer' if place in passed_over else 'cannot be graded'}"
    found = len(candidates) - (place is not None)
    among = f", one of {found} notebooks" if found > 1 else ""
    return [f"{why}; {taken.where}{among} was graded instead"]


def _released(path: str) -> ReleasedNotebook:
    try:
        return ReleasedNotebook(nbformat.read(path, as_version=4), Path(path))
    except Exception as error:
        raise BeyondRepair(
            f"the released notebook {path} cannot be read ({type(error).__name__})",
            "make the release again, with: coursekit release; then grade again",
        ) from None
