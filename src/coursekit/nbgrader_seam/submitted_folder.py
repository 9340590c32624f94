"""Three steps of nbgrader's Autograde that a broken submission stops, done another way.

There is no setting for them. Stock nbgrader passes a folder without a notebook
over in silence, its old score standing; copies what links point to, and devices
without end, into ``autograded/``; and fails on a timestamp that is none.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, BaseConverter
from nbgrader.coursedir import CourseDirectory

from coursekit.errors import InfrastructureError
from coursekit.nbgrader_seam.course_folder import matching
from coursekit.processes.plain_files import copy_plain_files, runs_in_a_browser, stands_in_the_way
from coursekit.repair.timestamp import FILE, read_timestamp

_copy_files = BaseConverter.init_assignment
_init_destination = BaseConverter.init_destination


def install() -> None:
    """Put the three steps in the place of nbgrader's; doing it twice changes nothing."""
    Autograde.init_notebooks = list_every_submission
    Autograde.init_destination = init_destination
    BaseConverter.init_assignment = prepare_folder
    CourseDirectory.get_existing_timestamp = existing_timestamp


def list_every_submission(converter: Any) -> None:
    """List the notebooks that submissions ought to hold, whether they are there or not."""
    coursedir = converter.coursedir
    pattern = converter._format_source(coursedir.assignment_id, coursedir.student_id)
    folders = matching(pattern)
    # What may not be looked into is not passed over as if nobody had handed in.
    for student in matching(os.path.dirname(pattern)):
        if os.path.isdir(student) and not os.access(student, os.X_OK):
            folders.append(os.path.join(student, coursedir.assignment_id))
    names = _notebooks(coursedir)
    wanted = [name for name in names if fnmatch.fnmatchcase(name, coursedir.notebook_id)]
    if folders and not names:
        raise InfrastructureError(
            f"the gradebook knows no assignment {coursedir.assignment_id}",
            f"is it the right file ({coursedir.db_url})? If it is, run: "
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

    One whose grading was broken off, by Ctrl-C or a power cut, left a folder in
    ``autograded/`` and no verdict: nbgrader would take it for graded.
    """
    folder = Path(converter._format_dest(assignment_id, student_id))
    excluded = student_id in converter.coursedir.student_id_exclude.split(",")
    try:
        wanted = bool(_init_destination(converter, assignment_id, student_id))
        if not (wanted or excluded) and _has_no_verdict(folder, converter.notebooks):
            converter.log.warning("%s was not graded to its end; it is graded again", folder)
            shutil.rmtree(folder)
            wanted = True
    except OSError:
        # What was graded before is gone in part.
        take_back_all_scores(converter.coursedir, assignment_id, student_id)
        raise
    return wanted


def _has_no_verdict(folder: Path, notebooks: list[str]) -> bool:
    return any(not (folder / f"{Path(one).stem}.verdict.json").exists() for one in notebooks)


def prepare_folder(converter: Any, assignment_id: str, student_id: str) -> None:
    """Copy a submission's files other than notebooks into ``autograded/``: plain ones only."""
    if not (isinstance(converter, Autograde) and converter._sanitizing):
        _copy_files(converter, assignment_id, student_id)
        return
    take_back_all_scores(converter.coursedir, assignment_id, student_id)
    source = Path(converter._format_source(assignment_id, student_id))
    target = Path(converter._format_dest(assignment_id, student_id))
    coursedir = converter.coursedir
    origin = Path(coursedir.format_path(coursedir.source_directory, ".", assignment_id))
    ours = {f"{name}.verdict.json" for name in _notebooks(coursedir)}
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
    """Return a submission's timestamp; None if its file is missing or says none."""
    found, problem = read_timestamp(Path(folder))
    if problem:
        coursedir.log.warning("%s: %s", folder, problem)
    return found


def take_back_all_scores(coursedir: Any, assignment: str, student: str) -> None:
    """Set a submission's automatic scores to "not graded", in all its notebooks."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            submission = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score = None
                grade.needs_manual_grade = True
        gradebook.db.commit()


def _notebooks(coursedir: Any) -> list[str]:
    """The names of the assignment's notebooks; [] if the gradebook does not know it."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            assignment = gradebook.find_assignment(coursedir.assignment_id)
        except MissingEntry:
            return []
        return sorted(str(notebook.name) for notebook in assignment.notebooks)
