"""``coursekit merge``: write what shards have graded, as far as it is about today's submissions."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from coursekit.class_grading.grade_class import grade_class
from coursekit.class_grading.merged_results import find_shards
from coursekit.class_grading.wish import Wish


def merge(
    course: Path,
    folders: list[Path],
    console: Console,
    *,
    force: bool = False,
    settings: tuple[str, ...] = (),
) -> int:
    """Write the results; return the exit status: 1 if one is missing or a grading failed, else 0.

    Args:
        course: the course's folder.
        folders: the folders of shards, or folders that hold such.
        console: where it says what it does.
        force: whether submissions are written that have been graded already.
        settings: further settings of nbgrader's, the same as the shards had.

    Raises:
        CourseKitError: if the results are not about this course as it is now.

    """
    status = 0
    for found in find_shards([folder.resolve() for folder in folders]):
        wish = Wish(found.assignment, force=force, settings=settings)
        status = max(status, grade_class(course, wish, console, merged=found))
    return status
