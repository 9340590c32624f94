"""The steps of nbgrader's Autograde that look into a submitted folder, whatever lies in it."""

from __future__ import annotations

import fnmatch
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde, BaseConverter

from coursekit.errors import InfrastructureError
from coursekit.gradebook import (
    forget_timestamp,
    is_graded,
    notebooks_of,
    take_back_scores,
)
from coursekit.grading.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.course_folder import matching
from coursekit.processes.plain_files import copy_plain_files, runs_in_a_browser, stands_in_the_way
from coursekit.repair.finding.submission_digest import submission_digest
from coursekit.repair.finding.timestamp import FILE, read_timestamp

_copy_files = BaseConverter.init_assignment
_init_destination = BaseConverter.init_destination


def list_every_submission(converter: Any) -> None:
    """List the notebooks that submissions should hold, whether they are there or not."""
    coursedir = converter.coursedir
    pattern = converter._format_source(coursedir.assignment_id, coursedir.student_id)
    folders = matching(pattern)
    # A folder that we may not look into must not look as if nobody had handed in.
    for student in matching(os.path.dirname(pattern)):
        if os.path.isdir(student) and not os.access(student, os.X_OK):
            folders.append(os.path.join(student, coursedir.assignment_id))
    names = notebooks_of(coursedir.db_url, coursedir.assignment_id)
    wanted = [name for name in names if fnmatch.fnmatchcase(name, coursedir.notebook_id)]
    if folders and not names:
        raise InfrastructureError(
            f"the gradebook {coursedir.db_url} has no assignment {coursedir.assignment_id}",
            "check that this is the right gradebook; if it is, run: "
            f"nbgrader generate_assignment {coursedir.assignment_id}",
        )
    if not folders or not wanted:
        # Nothing to grade: nbgrader says so in its own words.
        BaseConverter.init_notebooks(converter)
        return
    converter.notebooks = []
    converter.assignments = {
        folder: [os.path.join(folder, f"{name}.ipynb") for name in wanted] for folder in folders
    }


def init_destination(converter: Any, assignment_id: str, student_id: str) -> bool:
    """Return whether a submission is to be graded, and make room for it.

    nbgrader compares timestamps, which most submissions do not have, and takes any folder in
    ``autograded/`` for the result of a grading. What was graded is what the verdict's digest
    says; it is graded once.
    """
    folder = Path(converter._format_dest(assignment_id, student_id))
    submitted = Path(converter._format_source(assignment_id, student_id))
    excluded = student_id in converter.coursedir.student_id_exclude.split(",")
    # Before anything is read: what changes meanwhile is then found by the next run.
    converter.submission_digest = "" if excluded else submission_digest(submitted)
    try:
        if folder.is_dir() and not (excluded or converter.force):
            again = _why_again(converter, assignment_id, student_id)
            if again:
                converter.log.warning("%s: %s; it is graded again", submitted, again)
                shutil.rmtree(folder)
        wanted = bool(_init_destination(converter, assignment_id, student_id))
    except OSError:
        # A part of the earlier result is gone.
        take_back_scores(converter.coursedir.db_url, assignment_id, student_id)
        raise
    return wanted


def _why_again(converter: Any, assignment: str, student: str) -> str:
    """Why a submission with a folder in ``autograded/`` has to be graded; "" if it has not."""
    for path in converter.notebooks:
        name = Path(path).stem
        verdict = find_verdict(Path(converter.coursedir.root), student, assignment, name)
        if verdict is None or not is_graded(converter.coursedir.db_url, assignment, student, name):
            return "it was not graded to its end"
        if verdict.digest != converter.submission_digest:
            return "it has changed since it was graded"
    return ""


def prepare_folder(converter: Any, assignment_id: str, student_id: str) -> None:
    """Copy a submission's plain files, without its notebooks, into ``autograded/``."""
    if not (isinstance(converter, Autograde) and converter._sanitizing):
        _copy_files(converter, assignment_id, student_id)
        return
    take_back_scores(converter.coursedir.db_url, assignment_id, student_id)
    source = Path(converter._format_source(assignment_id, student_id))
    if read_timestamp(source)[0] is None:
        forget_timestamp(converter.coursedir.db_url, assignment_id, student_id)
    target = Path(converter._format_dest(assignment_id, student_id))
    coursedir = converter.coursedir
    origin = Path(coursedir.format_path(coursedir.source_directory, ".", assignment_id))
    names = notebooks_of(coursedir.db_url, coursedir.assignment_id)
    ours = {f"{name}.verdict.json" for name in names}
    skipped = [*coursedir.ignore, "*.ipynb*"]

    def wanted(inside: Path) -> bool:
        if any(fnmatch.fnmatch(part, skip) for part in inside.parts for skip in skipped):
            return False
        if str(inside) == FILE:
            return not read_timestamp(source)[1]
        if runs_in_a_browser(inside):
            return False
        # nbgrader copies the source's files over these, and fails on a folder of such a name.
        return not ours & set(inside.parts) and not stands_in_the_way(inside, origin)

    copy_plain_files(source, target, wanted)


def existing_timestamp(coursedir: Any, folder: str) -> datetime | None:
    """Return a submission's timestamp; None if its file is missing or holds no time."""
    found, problem = read_timestamp(Path(folder))
    if problem:
        coursedir.log.warning("%s: %s", folder, problem)
    return found
