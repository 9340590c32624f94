"""Write new folders all together or not at all: an interruption leaves no half assignment."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from coursekit.course.assignment import Assignment
from coursekit.errors import CourseKitError


@contextlib.contextmanager
def new_folders(assignment: Assignment) -> Iterator[tuple[Path, Path]]:
    """Give drafts of a new assignment's folders in ``source/`` and ``grader_tests/`` to write to.

    They take their places when the block ends without an error.

    Raises:
        CourseKitError: if a folder of that name exists. Then nothing has been written.

    """
    source = assignment.course / "source" / assignment.name
    for target in (source, assignment.tests, assignment.course / "release" / assignment.name):
        # A broken link is in the way too.
        if target.exists() or target.is_symlink():
            raise CourseKitError(
                f"{target} exists already", "choose another name, or remove that folder"
            )
    drafts = {
        target: target.with_name(f".{target.name}.draft") for target in (assignment.tests, source)
    }
    try:
        for draft in drafts.values():
            shutil.rmtree(draft, ignore_errors=True)
        yield drafts[source], drafts[assignment.tests]
        # The source comes last: it makes an assignment of the other.
        for target, draft in drafts.items():
            if draft.is_dir():
                os.rename(draft, target)
    finally:
        for draft in drafts.values():
            shutil.rmtree(draft, ignore_errors=True)
