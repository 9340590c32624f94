"""Where nbgrader's folders are, whatever the course and the students are called.

nbgrader puts names into patterns for files, where ``[2026]`` means one of four digits, and
into the gradebook's URL, where ``?`` and ``%41`` mean something else as well.
"""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbgrader.utils
from nbgrader.utils import full_split

import coursekit.gradebook.database  # noqa: F401  (its engine takes any path)
from coursekit.processes.plain_files import OpenFolder, open_folder

_STUDENT, _ASSIGNMENT = "{student_id}", "{assignment_id}"


def matching(pattern: str) -> list[str]:
    """Return the paths that match a pattern; the folder that it begins with is taken literally."""
    folder = pattern
    while folder and not os.path.isdir(folder):
        folder = folder.rpartition(os.sep)[0]
    return glob.glob(glob.escape(folder) + pattern.removeprefix(folder))


def students_in(coursedir: Any, step: str) -> Iterator[tuple[str, str]]:
    """Yield the students who have a folder for the assignment, and that folder's path.

    Args:
        coursedir: nbgrader's course folder. Its ``student_id`` is one student's name, if
            there is a folder of this name, or else a pattern for names.
        step: nbgrader's folder, such as "submitted".

    """
    structure = full_split(coursedir.directory_structure)
    level = next(number for number, part in enumerate(structure) if _STUDENT in part)
    asked = coursedir.student_id
    names = {"nbgrader_step": step, "assignment_id": coursedir.assignment_id}
    outer = [part.format(**names) for part in structure[:level]]
    before, after = structure[level].format(**names, student_id="/").split("/")
    found = {
        name[len(before) : len(name) - len(after)]: name
        for name in _names_in(os.path.join(coursedir.root, *outer))
        if name.startswith(before) and name.endswith(after)
    }
    # "*" is what nbgrader asks for if nobody is named.
    wanted = {asked} if asked in found and asked != "*" else fnmatch.filter(found, asked)
    for student in sorted(wanted):
        path = coursedir.format_path(step, student, coursedir.assignment_id)
        folder = os.path.join(coursedir.root, *outer, found[student])
        if os.path.isfile(folder):
            continue
        if os.path.islink(folder) or _may_be_there(path):
            yield student, path


@contextlib.contextmanager
def files_listed_once() -> Iterator[None]:
    """Let nbgrader list the files beside the source once in the block, not for each submission."""
    find = nbgrader.utils.find_all_files
    found: dict[tuple[str, ...], list[str]] = {}

    def remembered(path: str, exclude: list[str]) -> list[str]:
        key = path, *exclude
        if key not in found:
            found[key] = find(path, exclude)
        return found[key]

    nbgrader.utils.find_all_files = remembered
    try:
        yield
    finally:
        nbgrader.utils.find_all_files = find


def _may_be_there(path: str) -> bool:
    try:
        os.lstat(path)
    except PermissionError:
        # A folder that we may not look into must not look as if nobody had handed in.
        return True
    except OSError:
        return False
    return True


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def open_submission(coursedir: Any, folder: str) -> OpenFolder:
    """Open a student's folder in one of nbgrader's, by its path.

    ``submitted/`` may be a link, to a larger disk for example: it is the instructor's.
    What lies in it may be the students', and no link there is followed.

    Raises:
        InfrastructureError: if it is not there, is a link or may not be read.

    """
    structure = full_split(coursedir.directory_structure)
    own = next(n for n, part in enumerate(structure) if _STUDENT in part or _ASSIGNMENT in part)
    parts = Path(folder).parts
    theirs = len(structure) - own
    return open_folder(Path(*parts[:-theirs]), *parts[-theirs:])
