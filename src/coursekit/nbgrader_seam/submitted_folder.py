"""The steps of nbgrader that look into a student's folder, whatever lies in it."""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Container
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

from nbgrader.converters import Autograde, BaseConverter

from coursekit.course.library import STUDENT_LIBRARY
from coursekit.course.student_names import escaped, why_no_student
from coursekit.course.ungraded import Ungraded, forget_ungraded, note_ungraded
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.address import without_password
from coursekit.gradebook.asked_cells import notebooks_of
from coursekit.gradebook.scores import (
    forget_timestamp,
    graded_notebooks,
    take_back_scores,
)
from coursekit.machine_errors import in_words
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.course_folder import matching, open_submission, students_in
from coursekit.processes.plain_files import (
    OpenFolder,
    copy_plain_files,
    runs_in_a_browser,
    stands_in_the_way,
)
from coursekit.repair.finding.archives import is_named_archive
from coursekit.repair.finding.submission_digest import submission_digest
from coursekit.repair.finding.timestamp import FILE, read_timestamp

# What a submission may take in autograded/ and in feedback/, beside its notebook.
_ROOM = 30 * 10**6

_copy_files = BaseConverter.init_assignment
_init_destination = BaseConverter.init_destination


def list_every_submission(converter: Any) -> None:
    """List the notebooks that submissions should hold, whether they are there or not."""
    coursedir = converter.coursedir
    folders = _folders(converter, coursedir.submitted_directory)
    names = notebooks_of(coursedir.db_url, coursedir.assignment_id)
    wanted = [name for name in names if fnmatch.fnmatchcase(name, coursedir.notebook_id)]
    if folders and not names:
        raise InfrastructureError(
            f"the gradebook {without_password(coursedir.db_url)} has no assignment "
            f"{coursedir.assignment_id}",
            "check that this is the right gradebook; if it is, run: "
            f"nbgrader generate_assignment {coursedir.assignment_id}",
        )
    _list(
        converter,
        {folder: [os.path.join(folder, f"{name}.ipynb") for name in wanted] for folder in folders},
    )


def list_every_graded(converter: Any) -> None:
    """List the notebooks in ``autograded/`` that are to have a feedback page."""
    coursedir = converter.coursedir
    notebooks = f"{os.sep}{coursedir.notebook_id}.ipynb"
    folders = _folders(converter, coursedir.autograded_directory)
    _list(converter, {folder: matching(folder + notebooks) for folder in folders})


def _folders(converter: Any, step: str) -> list[str]:
    """The folders of students, without those that no student's id can belong to."""
    coursedir = converter.coursedir
    excluded = coursedir.student_id_exclude.split(",")
    converter.refused = []
    folders = []
    for student, folder in students_in(coursedir, step):
        reason = why_no_student(student)
        if not reason:
            folders.append(folder)
        elif student not in excluded:
            converter.refused.append(
                InfrastructureError(
                    f"{escaped(folder)} was passed over: its student's name {reason}",
                    "rename that folder, then run the command again",
                )
            )
    return folders


def _list(converter: Any, found: dict[str, list[str]]) -> None:
    converter.notebooks = []
    converter.assignments = {folder: names for folder, names in found.items() if names}
    if not (converter.assignments or converter.refused):
        # Nothing is to be done: nbgrader says so in its own words.
        BaseConverter.init_notebooks(converter)


def init_destination(converter: Any, assignment_id: str, student_id: str) -> bool:
    """Return whether a submission is to be graded, and make room for it.

    nbgrader compares timestamps, which most submissions do not have, and takes any folder in
    ``autograded/`` for the result of a grading. What was graded is what the verdict's digest
    says; it is graded once.
    """
    converter.coursedir.being_graded = assignment_id, student_id
    open_and_digest(converter, assignment_id, student_id)
    folder = Path(converter._format_dest(assignment_id, student_id))
    submitted = Path(converter._format_source(assignment_id, student_id))
    opened = converter.coursedir.handed_in
    try:
        if folder.is_dir() and not converter.force:
            again = why_graded(converter, assignment_id, student_id)
            if again:
                converter.log.warning("%s: %s; it is graded again", submitted, again)
                shutil.rmtree(folder)
        wanted = bool(_init_destination(converter, assignment_id, student_id))
        if wanted:
            forget_ungraded(Path(converter.coursedir.root), assignment_id, student_id)
        excluded = is_excluded(converter, student_id)
        if not (wanted or excluded or isinstance(opened, OpenFolder)):
            # Its earlier result stands, and whoever grades is told.
            converter.refused.append(opened)
            kept = Ungraded(assignment_id, student_id, opened.message, opened.hint or "")
            note_ungraded(Path(converter.coursedir.root), kept)
    except OSError:
        # A part of the earlier result is gone.
        take_back_scores(converter.coursedir.db_url, assignment_id, student_id)
        raise
    return wanted


def open_and_digest(converter: Any, assignment_id: str, student_id: str) -> None:
    """Open a submission: from here on it is this folder, whatever takes its place."""
    _open(converter, assignment_id, student_id)
    opened = converter.coursedir.handed_in
    readable = isinstance(opened, OpenFolder) and not is_excluded(converter, student_id)
    # Before anything is read: what changes meanwhile is then found by the next run.
    converter.submission_digest = submission_digest(opened) if readable else ""


def why_graded(
    converter: Any,
    assignment_id: str,
    student_id: str,
    graded: Container[tuple[str, str]] | None = None,
) -> str:
    """Return why the submission that was opened is to be graded, in words; "" if it is not.

    Args:
        converter: nbgrader's.
        assignment_id: the assignment's name.
        student_id: the student's id.
        graded: see `graded_notebooks`, if that is known; else the gradebook is asked.

    """
    folder = Path(converter._format_dest(assignment_id, student_id))
    if is_excluded(converter, student_id):
        return ""
    if not folder.is_dir():
        return "new"
    if converter.force:
        return "asked for again"
    if not isinstance(converter.coursedir.handed_in, OpenFolder):
        return ""
    if graded is None:
        graded = graded_notebooks(converter.coursedir.db_url, assignment_id, student_id)
    for path in converter.notebooks:
        name = Path(path).stem
        verdict = find_verdict(Path(converter.coursedir.root), student_id, assignment_id, name)
        if verdict is None or (student_id, name) not in graded:
            return "it was not graded to its end"
        if verdict.digest != converter.submission_digest:
            return "it has changed since it was graded"
    return ""


def is_excluded(converter: Any, student_id: str) -> bool:
    """Return whether the settings say that a student's submissions are passed over."""
    return student_id in converter.coursedir.student_id_exclude.split(",")


def _open(converter: Any, assignment_id: str, student_id: str) -> None:
    coursedir = converter.coursedir
    close_submission(coursedir)
    try:
        folder = converter._format_source(assignment_id, student_id)
        coursedir.handed_in = open_handed_in(coursedir, folder)
    except CourseKitError as error:
        # Told when it is to be read: until then its earlier result is removed.
        coursedir.handed_in = error


def open_handed_in(coursedir: Any, folder: str) -> OpenFolder:
    """Open a submission, by its path.

    Raises:
        CourseKitError: if it cannot be opened, whatever the reason.

    """
    try:
        return open_submission(coursedir, folder)
    except OSError as error:
        raise in_words(error) or InfrastructureError(
            f"{folder} cannot be opened: {error.strerror}",
            f"see what is there, with: ls -la {quote(folder)}",
        ) from None


def digest_now(coursedir: Any, folder: str) -> str:
    """Return the digest of what is handed in now; "" if it cannot be opened."""
    try:
        with open_submission(coursedir, folder) as opened:
            return submission_digest(opened)
    except InfrastructureError:
        return ""


def close_submission(coursedir: Any) -> None:
    """Let go of the submission that is open, if there is one."""
    earlier = getattr(coursedir, "handed_in", None)
    if isinstance(earlier, OpenFolder):
        earlier.close()


def handed_in(coursedir: Any) -> OpenFolder:
    """Return the submission that is being graded.

    Raises:
        CourseKitError: if it could not be opened.

    """
    if isinstance(coursedir.handed_in, OpenFolder):
        return coursedir.handed_in
    raise coursedir.handed_in


def prepare_folder(converter: Any, assignment_id: str, student_id: str) -> None:
    """Copy what belongs beside a submission's notebook on a page, without its notebooks."""
    if not isinstance(converter, Autograde):
        _copy_files(converter, assignment_id, student_id)
        return
    coursedir = converter.coursedir
    take_back_scores(coursedir.db_url, assignment_id, student_id)
    opened = coursedir.handed_in
    if isinstance(opened, OpenFolder) and read_timestamp(opened)[0] is None:
        forget_timestamp(coursedir.db_url, assignment_id, student_id)
    target = Path(converter._format_dest(assignment_id, student_id))
    target.mkdir(parents=True, exist_ok=True)
    if isinstance(opened, OpenFolder):
        _copy_submission(converter, assignment_id, opened, target)


def prepare_feedback(converter: Any, assignment_id: str, student_id: str) -> None:
    """Copy what lies beside a graded notebook into ``feedback/``."""
    coursedir = converter.coursedir
    target = Path(converter._format_dest(assignment_id, student_id))
    with open_submission(coursedir, converter._format_source(assignment_id, student_id)) as graded:
        copy_plain_files(graded, target, lambda inside: not _ignored(coursedir, inside))


def _copy_submission(converter: Any, assignment_id: str, source: OpenFolder, target: Path) -> None:
    coursedir = converter.coursedir
    origin = Path(coursedir.format_path(coursedir.source_directory, ".", assignment_id))
    release = Path(coursedir.format_path(coursedir.release_directory, ".", assignment_id))
    names = notebooks_of(coursedir.db_url, coursedir.assignment_id)
    ours = {f"{name}{ending}" for name in names for ending in (".verdict.json", ".html")}
    kept = converter.exclude_overwriting.get(assignment_id, [])

    def wanted(inside: Path) -> bool:
        if _ignored(coursedir, inside):
            return False
        if str(inside) == FILE:
            return not read_timestamp(source)[1]
        # nbgrader writes the source's files and our results here, and fails on a folder of such
        # a name.
        if ours & set(inside.parts) or stands_in_the_way(inside, origin):
            return False
        if str(inside) in kept:
            return True
        return not (
            runs_in_a_browser(inside) or _is_released(inside, release) or is_named_archive(inside)
        )

    copy_plain_files(source, target, wanted, _ROOM)


def _ignored(coursedir: Any, inside: Path) -> bool:
    skipped = [*coursedir.ignore, "*.ipynb*"]
    return any(fnmatch.fnmatch(part, skip) for part in inside.parts for skip in skipped)


def _is_released(inside: Path, release: Path) -> bool:
    """Whether a file is one that the student fetched, wherever the fetched folder lies now."""
    parts = inside.parts
    return STUDENT_LIBRARY in parts[:-1] or any(
        (release / Path(*parts[start:])).is_file() for start in range(len(parts))
    )


def existing_timestamp(coursedir: Any, folder: str) -> datetime | None:
    """Return a submission's timestamp; None if its file is missing or holds no time."""
    opened = getattr(coursedir, "handed_in", None)
    if isinstance(opened, OpenFolder) and opened.path == Path(folder):
        found, problem = read_timestamp(opened)
    else:
        try:
            with open_submission(coursedir, folder) as other:
                found, problem = read_timestamp(other)
        except InfrastructureError:
            return None
    if problem:
        coursedir.log.warning("%s: %s", folder, problem)
    return found


def submitted_timestamp(api: Any, assignment_id: str, student_id: str) -> datetime | None:
    """Return the timestamp that formgrader shows for a submission."""
    coursedir = api.coursedir
    folder = coursedir.format_path(coursedir.submitted_directory, student_id, assignment_id)
    return existing_timestamp(coursedir, folder)
