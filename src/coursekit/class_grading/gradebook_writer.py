"""Write submissions' results with nbgrader's steps, also while others use the gradebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from coursekit.class_grading.engine import MOST_TOGETHER
from coursekit.class_grading.results import FailedGrading
from coursekit.errors import CourseKitError, GradebookInUse, InfrastructureError
from coursekit.gradebook.database import one_transaction
from coursekit.grading.job import Graded, Job
from coursekit.machine_errors import in_words
from coursekit.nbgrader_seam.course_folder import files_listed_once
from coursekit.nbgrader_seam.failures import convert_all

# What grading each notebook of a submission gave.
Results = dict[Job, Graded | FailedGrading]
# How often the gradebook is tried while another program holds it; each time, for 20 s.
_TRIES = 6


class _NotTogether(Exception):
    """One of several submissions could not be written."""


def write_submissions(
    converter: Any, graded: Mapping[str, Results], waits: Callable[[], None]
) -> Iterator[tuple[str, CourseKitError | None]]:
    """Write what grading submissions gave: their files and their scores, or that they have none.

    Several are written in one transaction, which costs much less than one for each. If anything
    goes wrong with it, nothing of it counts, and each of them is written by itself.

    Args:
        converter: nbgrader's; its list of failures grows by theirs.
        graded: the results of all notebooks of each submission, by its path, as nbgrader
            lists it.
        waits: called each time that another program holds the gradebook.

    Yields:
        The path of each, and why it has no score; None if it has one.

    Raises:
        GradebookInUse: if another program holds the gradebook to the end of all tries.
        OperationalError: if the gradebook cannot be written to for another reason.

    """
    right = [
        folder
        for folder, results in graded.items()
        if all(isinstance(one, Graded) for one in results.values())
    ]
    written: set[str] = set()
    for start in range(0, len(right), MOST_TOGETHER):
        some = right[start : start + MOST_TOGETHER]
        if len(some) > 1 and _together(converter, {folder: graded[folder] for folder in some}):
            written.update(some)
            yield from ((folder, None) for folder in some)
    for folder, results in graded.items():
        if folder not in written:
            yield folder, _by_itself(converter, folder, results, waits)


def _together(converter: Any, graded: Mapping[str, Results]) -> bool:
    """Write several submissions at once, or nothing; return whether they were written."""
    before = list(converter.failed)
    _hand_over(converter, graded)
    try:
        jobs = [job for results in graded.values() for job in results]
        places = [(job.assignment, job.student) for job in jobs]
        url = converter.coursedir.db_url
        with one_transaction(url, in_bulk=places), files_listed_once():
            try:
                convert_all(converter)
            except NbGraderException as error:
                # Else what was written of the others would count.
                raise _NotTogether from error
    except (_NotTogether, SQLAlchemyError):
        return False
    finally:
        converter.failed = before
    return True


def _by_itself(
    converter: Any, folder: str, results: Results, waits: Callable[[], None]
) -> CourseKitError | None:
    """Write one submission; return why it has no score."""
    before = list(converter.failed)
    in_use: list[GradebookInUse] = []
    for _ in range(_TRIES):
        _hand_over(converter, {folder: results})
        failed = _try(converter)
        in_use = [one for one in failed if isinstance(one, GradebookInUse)]
        if not in_use:
            converter.failed = [*before, *failed]
            return failed[-1] if failed else None
        waits()
    raise in_use[0]


def _hand_over(converter: Any, graded: Mapping[str, Results]) -> None:
    """Tell nbgrader's converter what it is to write."""
    converter.graded = {
        job: one if isinstance(one, Graded) else one.error
        for results in graded.values()
        for job, one in results.items()
    }
    converter.assignments = {
        folder: [f"{folder}/{job.notebook}.ipynb" for job in results]
        for folder, results in graded.items()
    }
    converter.failed = []


def _try(converter: Any) -> list[CourseKitError]:
    """Write once, all or nothing; return what failed."""
    try:
        with one_transaction(converter.coursedir.db_url):
            convert_all(converter)
    except NbGraderException:
        return converter.failed or [
            InfrastructureError(
                f"{', '.join(converter.assignments)}: its result could not be written",
                "see the end of nbgrader.log, and report it",
            )
        ]
    except OperationalError as error:
        told = in_words(error)
        if not isinstance(told, GradebookInUse):
            raise
        return [told]
    return []
