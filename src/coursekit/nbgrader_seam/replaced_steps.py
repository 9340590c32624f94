"""Every step of generating and grading that the kit takes over from nbgrader, in one table.

nbgrader names its classes `Autograde` and `GenerateAssignment` directly, and has no
setting for these steps: so they are replaced on the classes themselves. `commands`
installs them for every nbgrader command in the course folder, beside what holds for the
commands themselves. The database engine is replaced in `gradebook`.
"""

from __future__ import annotations

from types import SimpleNamespace

import nbgrader.apps.api
import nbgrader.apps.validateapp
import nbgrader.converters.base
import nbgrader.exchange.default.collect
import nbgrader.utils
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import (
    Autograde,
    BaseConverter,
    GenerateAssignment,
    GenerateFeedback,
)
from nbgrader.coursedir import CourseDirectory

from coursekit.nbgrader_seam import (
    course_folder,
    failures,
    graded_submission,
    submitted_folder,
)
from coursekit.nbgrader_seam.failures import telling
from coursekit.nbgrader_seam.step import Step, put_in_place

_NOT_TOLD = "its failure reaches people as a traceback, or as 'see the above traceback'"

_PATTERN = "it takes the course folder's name for a pattern"
_GLOB = SimpleNamespace(glob=course_folder.matching)

STEPS = (
    Step(nbgrader.apps.api, "glob", _GLOB, _PATTERN),
    Step(nbgrader.apps.validateapp, "glob", _GLOB, _PATTERN),
    Step(nbgrader.exchange.default.collect, "glob", _GLOB, _PATTERN),
    Step(nbgrader.converters.base, "glob", _GLOB, _PATTERN),
    Step(nbgrader.utils, "glob", _GLOB, _PATTERN),
    Step(
        Autograde,
        "start",
        failures.start,
        "it removes earlier results before it finds out that nothing can be graded, and goes "
        "on without the course's settings, which would run students' code unprotected",
    ),
    Step(
        Autograde,
        "init_notebooks",
        submitted_folder.list_every_submission,
        "it passes over a folder without a notebook in silence; the old score then stands. It "
        "takes a student's name for a pattern, and ends the whole batch at one with a line end",
    ),
    Step(Autograde, "convert_notebooks", failures.convert_notebooks, _NOT_TOLD),
    Step(
        Autograde,
        "init_destination",
        telling(submitted_folder.init_destination),
        "it takes a submission whose grading was interrupted for a graded one",
    ),
    Step(Autograde, "init_assignment", telling(Autograde.init_assignment), _NOT_TOLD),
    Step(
        BaseConverter,
        "init_assignment",
        submitted_folder.prepare_folder,
        "it copies what links point to, and devices without end, into autograded/",
    ),
    Step(
        NbGraderAPI,
        "get_submitted_timestamp",
        submitted_folder.submitted_timestamp,
        "it fails on a file that holds no time, and waits for ever at a pipe",
    ),
    Step(
        CourseDirectory,
        "get_existing_timestamp",
        submitted_folder.existing_timestamp,
        "it fails on a file that holds no time",
    ),
    Step(
        Autograde,
        "convert_single_notebook",
        telling(graded_submission.convert_single_notebook),
        "it converts each notebook twice, fails at what students hand in, and runs test cells "
        "beside their code",
    ),
    Step(Autograde, "set_permissions", telling(Autograde.set_permissions), _NOT_TOLD),
    Step(
        nbgrader.converters.base,
        "rmtree",
        failures.remove_folder,
        "where it clears away after a failure and fails itself, the first failure is lost",
    ),
    Step(
        GenerateFeedback,
        "init_notebooks",
        submitted_folder.list_every_graded,
        "it takes a student's name for a pattern",
    ),
    Step(GenerateFeedback, "convert_notebooks", failures.convert_notebooks, _NOT_TOLD),
    Step(
        GenerateFeedback,
        "init_assignment",
        telling(submitted_folder.prepare_feedback),
        "it writes every name into the log, and fails there at one that is not UTF-8",
    ),
    Step(GenerateAssignment, "convert_notebooks", failures.convert_notebooks, _NOT_TOLD),
    Step(
        GenerateAssignment,
        "convert_single_notebook",
        telling(GenerateAssignment.convert_single_notebook),
        _NOT_TOLD,
    ),
)


def install() -> None:
    """Put every step of the table in its place; doing it twice changes nothing."""
    put_in_place(STEPS)
