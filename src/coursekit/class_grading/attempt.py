"""Grade a job, and come back in any case: with a result, or with why there is not one."""

from __future__ import annotations

import logging
from collections.abc import Callable

from coursekit.class_grading.results import FailedGrading
from coursekit.errors import InfrastructureError, UnreadableSubmission
from coursekit.grading.grade import grade
from coursekit.grading.job import Bundle, Graded, Job
from coursekit.machine_errors import in_words
from coursekit.processes.plain_files import OpenFolder, shown


def attempt(
    job: Job, open_folder: Callable[[], OpenFolder], bundle: Bundle, log: logging.Logger
) -> Graded | FailedGrading:
    """Open a submitted folder, and return what grading its job gave; see `grade`."""
    try:
        with open_folder() as folder:
            return grade(job, folder, bundle, log)
    except Exception as error:
        told = in_words(error)
        if told is None:
            # An error of the kit's own costs this submission only; its type leads to the cause.
            what = f"{job.student}'s {job.assignment}"
            log.exception("%s", what)
            told = InfrastructureError(
                f"{what} could not be graded ({type(error).__name__}: {shown(str(error))})",
                "keep the submission and report it with these words; meanwhile, grade it by hand",
            )
        return FailedGrading.of(told, passing=not isinstance(told, UnreadableSubmission))
