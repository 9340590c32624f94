"""By which version a submission is graded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.course.assignment import read_notebook
from coursekit.course.assignment_file import version_of
from coursekit.errors import AuthoringError
from coursekit.gradebook import graded_cells, notebooks_of
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


def choose_version(metadata: object, info: dict[str, Any], releases: str) -> GradingVersion:
    """Return the version that a submission is graded by.

    That is the version which its stamp names, if the gradebook knows it and it
    asks for the same: equal test cells, by name, type and points, and equal
    solution cells, by name. Otherwise it is the expected one: the assignment
    that the submission was handed in for.

    Args:
        metadata: the submitted notebook's metadata, which is untrusted.
        info: nbgrader's resources: db_url, notebook and assignment.
        releases: the folder of the released assignments.

    """
    expected, notebook = info["assignment"], info["notebook"]
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
    other, reason = _other_version(info, stamp.assignment, releases)
    if not other:
        remark = f"made from {made_from}, {reason}; graded as {here}"
        return GradingVersion(expected, notebook, remark)
    remark = f"made from {made_from}, graded by its tests; {here} was expected"
    return GradingVersion(stamp.assignment, other, remark)


def _other_version(info: dict[str, Any], assignment: str, releases: str) -> tuple[str, str]:
    """The notebook of another version that a submission can be graded by, or "" and why not."""
    others = notebooks_of(info["db_url"], assignment)
    if not others:
        return "", "which the gradebook does not know"
    here = graded_cells(info["db_url"], info["assignment"], info["notebook"])
    there = [graded_cells(info["db_url"], assignment, name) for name in others]
    if [(one.graded, one.answers) for one in there] != [(here.graded, here.answers)]:
        return "", "which asks for other cells or points"
    if not Path(releases, assignment, f"{others[0]}.ipynb").is_file():
        return "", "whose release is not there"
    return others[0], ""


def _released_stamp(path: Path) -> Stamp | None:
    try:
        return read_stamp(read_notebook(path).metadata)
    except AuthoringError:
        # Not there, or broken: grading goes by the gradebook and need not stop.
        return None
