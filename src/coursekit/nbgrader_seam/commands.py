"""What the kit changes for every nbgrader command in a course; `nbgrader_config.py` installs it.

A command of nbgrader's works in a course of this kit, or says in one sentence what to use.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbgrader.apps.updateapp
import nbgrader.apps.validateapp
import nbgrader.apps.zipcollectapp
import nbgrader.plugins.zipcollect
import nbgrader.utils
from nbformat.reader import NotJSONError
from nbgrader import dbutil
from nbgrader.apps import GenerateSolutionApp, QuickStartApp, ValidateApp, ZipCollectApp
from nbgrader.apps.dbapp import DbUpgradeApp
from nbgrader.apps.nbgraderapp import NbGraderApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.server_extensions.formgrader.base import BaseHandler
from nbgrader.validator import Validator

from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.address import database_url, file_of, without_password
from coursekit.machine_errors import in_words
from coursekit.nbgrader_seam import replaced_steps
from coursekit.nbgrader_seam.collected_files import process_extracted_files, unpack
from coursekit.nbgrader_seam.released_feedback import copy_feedback
from coursekit.nbgrader_seam.step import Step, put_in_place
from coursekit.processes.temporary_files import temporary_folder
from resnets_utils.border.reply import reason_of

_start = NbGraderApp.start
_start_validating = ValidateApp.start
_validate = Validator.validate
_init_plugins = ZipCollectApp.init_plugins
_start_upgrading = DbUpgradeApp.start
_end_request = BaseHandler.on_finish


def start(app: Any) -> None:
    """Run a command; end in words instead of a traceback where there are words."""
    try:
        _start(app)
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        app.log.error("error: %s", told)
        sys.exit(1)


def _told(error: Exception) -> CourseKitError | None:
    if isinstance(error, NotJSONError | UnicodeDecodeError):
        return CourseKitError(
            f"a file cannot be read ({type(error).__name__}: {str(error)[:100]})",
            "look at the file that is named last above",
        )
    return in_words(error)


def no_solution(app: Any) -> None:
    """Say where the solution is: what nbgrader makes of it still holds its markers."""
    name = (app.extra_args or [app.coursedir.assignment_id or "ASSIGNMENT"])[0]
    raise CourseKitError(
        "nbgrader generate_solution is not used here: the source notebook is the solution",
        f"open source/{name} with: jupyter lab",
    )


def no_quickstart(app: Any) -> None:
    """Refuse a course in this course: without its settings it would run students' code as you."""
    raise CourseKitError(
        "nbgrader quickstart makes a course without this kit's settings, unsafe to grade in",
        "begin an assignment here, with: coursekit new-assignment NAME",
    )


def start_validating(app: Any) -> None:
    """Validate notebooks, once it is clear that they are there and may be run here."""
    for wanted in app.extra_args:
        found = nbgrader.apps.validateapp.glob.glob(wanted)
        if not found:
            raise CourseKitError(f"there is no notebook {wanted}", "check the path, with: ls")
        for path in found:
            refuse_submission(Path(path), app.coursedir)
    _start_validating(app)


def validate(validator: Any, filename: str) -> Any:
    """Validate a notebook, as the button in JupyterLab does as well."""
    coursedir = getattr(validator.parent, "coursedir", None)
    if coursedir is None:
        # The button's validator knows the settings, but no course.
        coursedir = CourseDirectory(config=validator.config)
    refuse_submission(Path(filename), coursedir)
    return _validate(validator, filename)


def refuse_submission(path: Path, coursedir: CourseDirectory) -> None:
    """Refuse to run a student's notebook outside the sandbox.

    Raises:
        CourseKitError: if it lies where submissions and graded ones are.

    """
    place, root = path.resolve(), Path(coursedir.root).resolve()
    for step in (coursedir.submitted_directory, coursedir.autograded_directory):
        if place.is_relative_to(root / step):
            raise CourseKitError(
                f"{path} is a student's notebook; nbgrader validate would run it with your rights",
                "grade it in the sandbox, with: nbgrader autograde ASSIGNMENT --student STUDENT",
            )


def init_plugins(app: Any) -> None:
    """Refuse to collect files whose names tell no student: nbgrader skips them, as a success."""
    _init_plugins(app)
    regexp = getattr(app.collector_plugin_inst, "named_regexp", "set")
    if regexp == "":
        raise CourseKitError(
            "nothing tells which student a collected file is from",
            "set c.FileNameCollectorPlugin.named_regexp in nbgrader_config.py; see its comment",
        )
    try:
        re.compile(regexp)
    except re.error as error:
        raise CourseKitError(
            f"{regexp!r} is no regular expression: {error}",
            "correct c.FileNameCollectorPlugin.named_regexp in nbgrader_config.py",
        ) from error


def upgrade(db_url: str, revision: str = "head") -> None:
    """Bring a gradebook to this nbgrader's form, wherever it is.

    Alembic takes an address for a pattern, and a path for a URL. It is shown a link of a plain
    name instead of a file.

    Raises:
        InfrastructureError: if a server's gradebook cannot be used.
        sqlite3.Error: if a file's cannot.

    """
    path = file_of(db_url)
    address = db_url if path is None else database_url(Path("gradebook"))
    with temporary_folder("coursekit-upgrade-") as folder:
        settings = Path(dbutil.ALEMBIC_INI_TEMPLATE_PATH).read_text(encoding="utf-8")
        code, shown = (text.replace("%", "%%") for text in (dbutil.ALEMBIC_DIR, address))
        (folder / "alembic.ini").write_text(
            settings.format(alembic_dir=code, db_url=shown), encoding="utf-8"
        )
        if path is not None:
            (folder / "gradebook").symlink_to(path.absolute())
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-c", "alembic.ini", "upgrade", revision],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if not done.returncode:
        return
    said = done.stderr.strip().split("\n")
    if path is not None:
        raise sqlite3.OperationalError(said[-1])
    why = next((line for line in said if line.startswith("psycopg.")), said[-1])
    raise InfrastructureError(
        f"{without_password(db_url)} could not be upgraded: {why}",
        "look at its server's log; it is as it was before",
    )


def start_upgrading(app: Any) -> None:
    """Upgrade the course's gradebook, without its password in the log."""
    if file_of(app.coursedir.db_url) is not None:
        _start_upgrading(app)
        return
    app.log.info("Upgrading %s", without_password(app.coursedir.db_url))
    dbutil.upgrade(app.coursedir.db_url)


def end_request(handler: Any) -> None:
    """Let formgrader's gradebook go after each request: the next one reads what is there then."""
    gradebook = handler.settings.get("nbgrader_gradebook")
    if gradebook is not None:
        gradebook.db.remove()
    _end_request(handler)


STEPS = (
    Step(NbGraderApp, "start", start, "it shows every error as a traceback"),
    Step(
        GenerateSolutionApp,
        "start",
        no_solution,
        "it leaves the markers and placeholders in the notebook, and calls that a success",
    ),
    Step(QuickStartApp, "start", no_quickstart, "it makes a course without the kit's settings"),
    Step(ValidateApp, "start", start_validating, "it takes a missing notebook for a valid one"),
    Step(Validator, "validate", validate, "it runs submissions unprotected"),
    Step(
        ExchangeReleaseFeedback,
        "copy_files",
        copy_feedback,
        "it ends in a traceback at the first student who did not hand in through the exchange",
    ),
    Step(ZipCollectApp, "init_plugins", init_plugins, "it collects nothing, and calls it done"),
    Step(
        ZipCollectApp,
        "process_extracted_files",
        process_extracted_files,
        "it believes names that students gave, and one student's files end it for all",
    ),
    *(
        Step(module, "unzip", unpack, "one damaged archive ends it for all")
        for module in (nbgrader.utils, nbgrader.plugins.zipcollect)
    ),
    Step(dbutil, "upgrade", upgrade, "it fails where a folder's name or a password has a %"),
    Step(
        BaseHandler,
        "on_finish",
        end_request,
        "formgrader keeps one transaction open between requests, and after the database's server "
        "was restarted it fails until Jupyter is restarted, too",
    ),
    Step(DbUpgradeApp, "start", start_upgrading, "it logs the password of the database"),
)


def install() -> None:
    """Prepare any nbgrader command; doing it twice changes nothing."""
    replaced_steps.install()
    put_in_place(STEPS)
    for module in (nbgrader.apps.validateapp, nbgrader.apps.updateapp):
        module.traceback = SimpleNamespace(format_exc=_last_words)


def _last_words() -> str:
    """The current error in a line, where nbgrader would show its traceback."""
    error = sys.exc_info()[1]
    return reason_of(error) if error else ""
