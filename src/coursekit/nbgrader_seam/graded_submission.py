"""Autograde's step for one notebook: have it graded, and write the result.

nbgrader sends each submission through nbconvert twice, and reads and writes the gradebook
within. Here `grading` does all that needs no gradebook, in this process or in another one.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades

from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.asked_cells import asked_cells
from coursekit.gradebook.database import one_transaction, settle
from coursekit.gradebook.scores import hold_submission, take_back_scores
from coursekit.grading.grade import grade
from coursekit.grading.job import Bundle, Graded, Job, run_step
from coursekit.grading.judge_answers import JudgeAnswers
from coursekit.nbgrader_seam.submitted_folder import handed_in
from coursekit.processes.plain_files import OpenFolder
from coursekit.processes.whole_files import write_whole


def convert_single_notebook(converter: Any, path: str) -> None:
    """Grade one notebook of a submission, and write its result and its scores.

    If anything fails from here on, no score of an earlier grading remains as if it were
    today's.

    Raises:
        InfrastructureError: if there is no score.

    """
    resources = converter.init_single_notebook_resources(path)
    info = resources["nbgrader"]
    take_back_scores(info["db_url"], info["assignment"], info["student"], info["notebook"])
    folder = handed_in(converter.coursedir)
    job = job_of(converter, info["assignment"], info["notebook"], info["student"])
    if hasattr(converter, "graded"):
        graded = _graded_elsewhere(converter.graded.get(job), folder)
    else:
        graded = grade(job, folder, bundle_of(converter), converter.log)
    _write(converter, graded, resources)


def _graded_elsewhere(found: Graded | CourseKitError | None, folder: OpenFolder) -> Graded:
    """What another process gave for exactly this job."""
    if found is None:
        raise InfrastructureError(
            f"{folder.path} was changed while it was being graded",
            "run the command again",
        )
    if isinstance(found, CourseKitError):
        raise found
    return found


def job_of(converter: Any, assignment: str, notebook: str, student: str) -> Job:
    """Return the job for a notebook of the submission that the converter has opened."""
    return Job(
        assignment, notebook, student, converter.submission_digest, salt_of(converter, student)
    )


def salt_of(converter: Any, student: str) -> int:
    """Return the salt of this run, or the one that the file of salts gives the student.

    All students of a run are asked with the same random arguments, which nobody knows before.
    """
    if not hasattr(converter, "salts"):
        path = JudgeAnswers(parent=converter).salts_file
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        converter.salts = {student: int(salt) for student, salt in found.items()}
    if not hasattr(converter, "run_salt"):
        converter.run_salt = secrets.randbits(63)
    return int(converter.salts.get(student, converter.run_salt))


def bundle_of(converter: Any) -> Bundle:
    """Return what all gradings of this run have in common."""
    if not hasattr(converter, "bundle"):
        coursedir = converter.coursedir
        steps = [*converter.sanitize_preprocessors, *converter.autograde_preprocessors]
        converter.bundle = Bundle(
            asked_cells(coursedir.db_url),
            Path(coursedir.root, coursedir.release_directory),
            tuple(steps),
            converter.config,
        )
    bundle: Bundle = converter.bundle
    return bundle


def _write(converter: Any, graded: Graded, resources: dict[str, Any]) -> None:
    """Write a result: its files first, each whole or not at all, and then its scores."""
    info = resources["nbgrader"]
    notebook = nbformat.v4.reads(graded.notebook)
    folder = Path(converter._format_dest(info["assignment"], info["student"]))
    os.makedirs(folder, exist_ok=True)
    write_whole(folder / f"{info['notebook']}.ipynb", graded.notebook.encode())
    write_whole(folder / f"{info['notebook']}.verdict.json", graded.verdict.encode())
    with one_transaction(info["db_url"]), Gradebook(info["db_url"]) as gradebook:
        hold_submission(gradebook, info["assignment"], info["student"])
        for step in _writing(converter):
            if _reads_sums(step, gradebook, info):
                settle(info["db_url"])
            notebook, resources = run_step(step, converter, notebook, resources)


def _writing(converter: Any) -> list[Any]:
    """The steps that write, each made once a run, as nbconvert does with its own."""
    if not hasattr(converter, "writing"):
        converter.writing = [
            step(parent=converter) if isinstance(step, type) else step
            for step in bundle_of(converter).writing
        ]
    writing: list[Any] = converter.writing
    return writing


def _reads_sums(step: Any, gradebook: Gradebook, info: dict[str, Any]) -> bool:
    """Whether a step may read sums of scores, as a course's own may."""
    if type(step) is AssignLatePenalties:
        submission = gradebook.find_submission(info["assignment"], info["student"])
        return bool(submission.total_seconds_late > 0)
    return type(step) is not SaveAutoGrades
