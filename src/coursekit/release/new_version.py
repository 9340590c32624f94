"""Begin the next version of an assignment, as a copy of an earlier one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from coursekit.course.assignment import Assignment, assignments
from coursekit.errors import CourseKitError
from coursekit.course.assignment_file import (
    FILE,
    new_assignment_file,
    read_assignment_file,
    version_of,
)

Say = Callable[[str], None]
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def new_version(course: Path, old: str, new: str, say: Say) -> Assignment:
    """Copy an assignment's source and hidden tests under a new version's name.

    Args:
        course: the course folder.
        old: the assignment to start from, as "residual-networks-v2a".
        new: the new assignment's name, as "residual-networks-v2b".
        say: shows a line of what is to do next.

    Returns:
        The new assignment. Its list of updates is empty, so that no release
        comes of it before an instructor has said what changed.

    Raises:
        CourseKitError: if there is no such assignment, or the new name is
            malformed or taken. Then nothing has been written.

    """
    known = {assignment.name: assignment for assignment in assignments(course)}
    if old not in known:
        raise CourseKitError(
            f"there is no assignment {old!r} in {course / 'source'}",
            f"the course has {', '.join(sorted(known))}",
        )
    before, after = version_of(old), version_of(new)
    family = old.removesuffix(before)
    if not _NAME.fullmatch(new) or not before or not after or not new.startswith(family):
        raise CourseKitError(
            f"{new!r} is no name for a version of {old}",
            f"call it {family if before else 'name-'}v and a number, perhaps with a letter, "
            "as residual-networks-v2b",
        )
    made = Assignment(course, new)
    folders = {known[old].source.parent: course / "source" / new, known[old].tests: made.tests}
    for target in (*folders.values(), course / "release" / new):
        # A broken link is in the way too.
        if target.exists() or target.is_symlink():
            raise CourseKitError(
                f"{target} is there already", "choose another name, or remove that folder"
            )
    notebook = f"{known[old].notebook.removesuffix(f'_{before}')}_{after}.ipynb"
    library = read_assignment_file(known[old].source.parent).library
    _copy(folders, known[old].source.name, notebook, new_assignment_file(after, before, library))
    say(f"made source/{new}/{notebook} and grader_tests/{new}/")
    say(f"next: say what changes in source/{new}/{FILE}, edit the notebook and the hidden tests,")
    say(f"then: coursekit release {new}")
    return made


def _copy(folders: dict[Path, Path], old_name: str, new_name: str, version: str) -> None:
    """Copy beside the targets first and rename then: an interruption leaves no half version."""
    drafts = {
        target: target.with_name(f".{target.name}.draft")
        for origin, target in folders.items()
        if origin.is_dir()
    }
    try:
        for origin, target in folders.items():
            if target not in drafts:
                continue
            shutil.rmtree(drafts[target], ignore_errors=True)
            shutil.copytree(
                origin,
                drafts[target],
                ignore=shutil.ignore_patterns(".*", "__pycache__", "*_signs.h5", "model.png"),
            )
            if (drafts[target] / old_name).exists():
                os.rename(drafts[target] / old_name, drafts[target] / new_name)
                (drafts[target] / FILE).write_text(version, encoding="utf-8")
        for target, draft in reversed(drafts.items()):
            os.rename(draft, target)
    finally:
        for draft in drafts.values():
            shutil.rmtree(draft, ignore_errors=True)
