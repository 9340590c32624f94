"""Begin the next version of an assignment as a copy of an earlier one."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import Assignment, find_assignment
from coursekit.course.assignment_file import (
    FILE,
    new_assignment_file,
    read_assignment_file,
    version_of,
)
from coursekit.errors import CourseKitError
from coursekit.release.drafts import new_folders

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def new_version(course: Path, old: str, new: str, say: Say) -> Assignment:
    """Copy the source and hidden tests of the assignment ``old`` under a new version's name.

    Returns:
        The new assignment. Its list of updates is empty, so that it cannot be released
        before an instructor has written what changed.

    Raises:
        CourseKitError: if there is no such assignment, or the new name is
            malformed or taken. Then nothing has been written.

    """
    origin = find_assignment(course, old)
    before, after = version_of(old), version_of(new)
    family = old.removesuffix(before)
    if not _NAME.fullmatch(new) or not before or not after or not new.startswith(family):
        raise CourseKitError(
            f"{new!r} is not a name for a version of {old}",
            f"call it {family if before else 'name-'}v and a number, perhaps with a letter, "
            "such as residual-networks-v2b",
        )
    made = Assignment(course, new)
    notebook = f"{origin.notebook.removesuffix(f'_{before}')}_{after}.ipynb"
    library = read_assignment_file(origin.source.parent).library
    left_out = shutil.ignore_patterns(".*", "__pycache__", "*_signs.h5", "model.png")
    with new_folders(made) as (source, tests):
        shutil.copytree(origin.source.parent, source, ignore=left_out)
        os.rename(source / origin.source.name, source / notebook)
        (source / FILE).write_text(new_assignment_file(after, before, library), encoding="utf-8")
        if origin.tests.is_dir():
            shutil.copytree(origin.tests, tests, ignore=left_out)
    say(f"made source/{new}/{notebook} and grader_tests/{new}/")
    say(f"next: say what changes in source/{new}/{FILE}, edit the notebook and the hidden tests,")
    say(f"then: coursekit release {new}")
    return made
