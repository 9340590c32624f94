"""Repair a submission: choose its notebook among the candidates, read it and rebuild it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat

from coursekit.errors import BeyondRepair
from coursekit.processes.plain_files import CLOSED, OpenFolder, look_into, shown
from coursekit.repair.finding.archives import PACKED
from coursekit.repair.finding.files_beside import files_beside
from coursekit.repair.notebook_choice import ChooseRelease, NotebookChoice
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt, rebuild, stamp_of
from resnets_utils.notebooks.released import ReleasedNotebook

_OPEN_IT = "give yourself the right to read it, with: chmod -R u+rwX FOLDER; then grade again"
_UNPACK_IT = (
    "unpack the archive into its folder, or ask the student for the notebook itself; "
    "then grade again"
)


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
    choice = NotebookChoice(folder, expected, _released(release), choose)
    reasons = choice.reasons
    for candidate in choice.in_order():
        read = candidate.notebook
        try:
            released = _released(choose(stamp_of(read.metadata)))
            rebuilt = rebuild(read, released)
        except BeyondRepair as error:
            reasons.append(error)
            continue
        said = choice.in_words(candidate)
        said += [f"{error.message}; it was left out" for error in reasons[:3]]
        repairs = (*said, *rebuilt.repairs, *choice.left_out)
        own_files = files_beside(candidate.file, released.path.parent)
        return replace(rebuilt, repairs=repairs, own_files=own_files)
    left_out = choice.left_out
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


def _released(path: str) -> ReleasedNotebook:
    try:
        return ReleasedNotebook(nbformat.read(path, as_version=4), Path(path))
    except Exception as error:
        raise BeyondRepair(
            f"the released notebook {path} cannot be read ({type(error).__name__})",
            "make the release again, with: coursekit release; then grade again",
        ) from None
