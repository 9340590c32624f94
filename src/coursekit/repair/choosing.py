"""Choose a submission's notebook among the files that could be it, and rebuild it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat

from coursekit.repair.candidates import Candidate, find_candidates
from coursekit.repair.errors import BeyondRepair
from coursekit.repair.folder import look_into, shown
from coursekit.repair.reading import ReadNotebook, read_submission
from coursekit.repair.rebuilding import Rebuilt, rebuild, stamp_of
from coursekit.repair.released import ReleasedNotebook
from resnets_utils.upgrade.definitions import find_definitions

# Given the notebook's version stamp, as metadata, the path of the release that counts.
ChooseRelease = Callable[[dict[str, Any]], str]


def repair(folder: Path, expected: str, release: str, choose: ChooseRelease) -> Rebuilt:
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
    for candidate, read in _in_order(candidates, _released(release), reasons):
        try:
            rebuilt = rebuild(read, _released(choose(stamp_of(read.metadata))).notebook)
        except BeyondRepair as error:
            reasons.append(error)
            continue
        said = [] if candidate.expected else [_taken_instead(candidate, candidates, expected)]
        said += [f"{error.reason}; it was left out" for error in reasons[:3]]
        return Rebuilt(rebuilt.notebook, (*said, *rebuilt.repairs, *left_out))
    if reasons:
        reasons[0].reason = "; ".join([*(error.reason for error in reasons[:3]), *left_out])
        raise reasons[0]
    names = [shown(path.name) for path in look_into(folder).files[:5]]
    holds = f"; the folder holds {', '.join(names)}" if names else ""
    raise BeyondRepair(
        "; ".join([f"no notebook was handed in: {expected} is not there{holds}", *left_out]),
        "ask the student to hand it in again; nothing was graded",
    )


def _in_order(
    candidates: list[Candidate], released: ReleasedNotebook, reasons: list[BeyondRepair]
) -> Iterator[tuple[Candidate, ReadNotebook]]:
    """The candidates that can be read, the likeliest first; what is wrong with the others."""
    others: list[tuple[Candidate, ReadNotebook]] = []
    for candidate in candidates:
        try:
            read = read_submission(candidate.content(), candidate.where)
        except BeyondRepair as error:
            reasons.append(error)
            continue
        if candidate.expected:
            yield candidate, read
        elif _is_ours(read, released):
            others.append((candidate, read))
        else:
            reasons.append(
                BeyondRepair(
                    f"{candidate.where} holds none of the graded functions",
                    "ask the student for the right notebook",
                )
            )
    yield from sorted(
        others,
        key=lambda one: (bool(stamp_of(one[1].metadata)), one[0].same_name, one[0].changed),
        reverse=True,
    )


def _is_ours(read: ReadNotebook, released: ReleasedNotebook) -> bool:
    if stamp_of(read.metadata) or any(released.recognise(cell) for cell in read.cells):
        return True
    return bool(find_definitions(read.cells, released.functions))


def _taken_instead(candidate: Candidate, candidates: list[Candidate], expected: str) -> str:
    missing = not any(one.expected for one in candidates)
    why = "is not there" if missing else "cannot be graded"
    others = sum(not one.expected for one in candidates)
    among = f", one of {others} notebooks" if others > 1 else ""
    return f"{expected} {why}; {candidate.where}{among} was graded instead"


def _released(path: str) -> ReleasedNotebook:
    try:
        return ReleasedNotebook(nbformat.read(path, as_version=4))
    except Exception as error:
        raise BeyondRepair(
            f"the released notebook {path} cannot be read ({type(error).__name__})",
            "make the release again; no submission can be graded without it",
        ) from None
