"""Write a submission's results with nbgrader's steps, also while others use the gradebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import OperationalError

from coursekit.class_grading.results import FailedGrading
from coursekit.errors import CourseKitError, GradebookInUse, InfrastructureError
from coursekit.gradebook.database import one_transaction
from coursekit.grading.job import Graded, Job
from coursekit.machine_errors import in_words
from coursekit.nbgrader_seam.failures import convert_all

# How often the gradebook is tried while another program holds it; each time, for 20 s.
_TRIES = 6


def write_submission(
    converter: Any,
    folder: str,
    results: Mapping[Job, Graded | FailedGrading],
    waits: Callable[[], None],
) -> CourseKitError | None:
    """Write what grading a submission gave: its files and its scores, or that it has none.

    Args:
        converter: nbgrader's; its list of failures grows by this submission's.
        folder: the submission's path, as nbgrader lists it.
        results: by job, for all of its notebooks.
        waits: called each time that another program holds the gradebook.

    Returns:
        Why it has no score; None if it has one.

    Raises:
        GradebookInUse: if another program holds the gradebook to the end of all tries.
        OperationalError: if the gradebook cannot be written to for another reason.

    """
    converter.graded = {
        job: one if isinstance(one, Graded) else InfrastructureError(one.message, one.hint)
        for job, one in results.items()
    }
    notebooks = [f"{folder}/{job.notebook}.ipynb" for job in results]
    before = list(converter.failed)
    in_use: list[GradebookInUse] = []
    for _ in range(_TRIES):
        failed = _try(converter, {folder: notebooks})
        in_use = [one for one in failed if isinstance(one, GradebookInUse)]
        if not in_use:
            converter.failed = [*before, *failed]
            return failed[-1] if failed else None
        waits()
    raise in_use[0]


def _try(converter: Any, assignments: dict[str, list[str]]) -> list[CourseKitError]:
    """Write once, all or nothing; return what failed."""
    converter.assignments = assignments
    converter.failed = []
    try:
        with one_transaction(converter.coursedir.db_url):
            convert_all(converter)
    except NbGraderException:
        return converter.failed or [
            InfrastructureError(
                f"{', '.join(assignments)}: its result could not be written",
                "see the end of nbgrader.log, and report it",
            )
        ]
    except OperationalError as error:
        told = in_words(error)
        if not isinstance(told, GradebookInUse):
            raise
        return [told]
    return []
