"""By which version a submission is graded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coursekit.course.assignment import read_notebook
from coursekit.course.assignment_file import version_of
from coursekit.errors import AuthoringError
from coursekit.gradebook.asked_cells import NotebookCells
from resnets_utils.notebooks.stamp import Stamp, read_stamp


@dataclass(frozen=True)
class GradingVersion:
    """The version that a submission is graded by.

    Attributes:
        assignment: the assignment whose test cells and release count.
        notebook: that assignment's notebook, without its ending.
        remark: what is to be said of it; "" if it is the one expected.

    """

    assignment: str
    notebook: str
    remark: str = ""


Asked = Mapping[str, Mapping[str, NotebookCells]]


def choose_version(
    metadata: object, expected: str, notebook: str, asked: Asked, releases: Path
) -> GradingVersion:
    """Return the version that a submission is graded by.

    That is the version which its stamp names, if the gradebook knows it and it
    asks for the same: equal test cells, by name, type and points, and equal
    solution cells, by name. Otherwise it is the expected one: the assignment
    that the submission was handed in for.

    Args:
        metadata: the submitted notebook's metadata, which is untrusted.
        expected: the assignment that it was handed in for.
        notebook: the name of that assignment's notebook.
        asked: what the gradebook holds, by assignment and notebook.
        releases: the folder of the released assignments.

    """
    here = version_of(expected) or expected
    stamp = read_stamp(metadata)
    if stamp is None:
        remark = f"carries no version stamp that can be read; graded as {here}"
        return GradingVersion(expected, notebook, remark)
    if stamp.assignment == expected:
        today = _released_stamp(Path(releases, expected, f"{notebook}.ipynb"))
        if today is None or today.release == stamp.release:
            return GradingVersion(expected, notebook)
        remark = f"made from another release of {here} than today's; graded as today's"
        return GradingVersion(expected, notebook, remark)
    made_from = version_of(stamp.assignment) or stamp.assignment
    here_asked = asked[expected][notebook]
    other, reason = _other_version(here_asked, asked, stamp.assignment, releases)
    if not other:
        remark = f"made from {made_from}, {reason}; graded as {here}"
        return GradingVersion(expected, notebook, remark)
    remark = f"made from {made_from}, graded by its tests; {here} was expected"
    return GradingVersion(stamp.assignment, other, remark)


def _other_version(
    here: NotebookCells, asked: Asked, assignment: str, releases: Path
) -> tuple[str, str]:
    """The notebook of another version that a submission can be graded by, or "" and why not."""
    others = asked.get(assignment, {})
    if not others:
        return "", "which the gradebook does not know"
    if [cells.asks_for for cells in others.values()] != [here.asks_for]:
        return "", "which asks for other cells or points"
    (name,) = others
    if not (releases / assignment / f"{name}.ipynb").is_file():
        return "", "whose release is not there"
    return name, ""


def _released_stamp(path: Path) -> Stamp | None:
    try:
        return read_stamp(read_notebook(path).metadata)
    except AuthoringError:
        # Not there, or broken: grading goes by the gradebook and need not stop.
        return None
