"""``coursekit export``: give out an assignment's scores in one format."""

from __future__ import annotations

import contextlib
import logging
import warnings
from pathlib import Path

from nbgrader.apps import ExportApp
from traitlets.config import Config

from coursekit.command_runner import Say
from coursekit.course.assignment import find_assignment
from coursekit.course.student_names import escaped
from coursekit.exporting.grade_export import EXPORTERS
from coursekit.nbgrader_seam import commands


def export_scores(
    course: Path,
    assignment: str,
    format_name: str,
    say: Say,
    *,
    into: Path | None = None,
    out: Path | None = None,
    column: str = "",
) -> None:
    """Export, as `nbgrader export` with the same plugin does.

    Args:
        course: the course folder.
        assignment: the assignment's name.
        format_name: one of `FORMATS`.
        say: shows what was written, and who was left out.
        into: the learning platform's file to fill.
        out: the file or folder to write; None for one in ``build/export/``.
        column: the title of the column in the platform's file.

    Raises:
        CourseKitError: if nothing can be exported.

    """
    find_assignment(course, assignment)
    plugin = EXPORTERS[format_name]
    settings = Config()
    settings.ExportApp.plugin_class = plugin
    settings[plugin.__name__].assignment = [assignment]
    settings[plugin.__name__].into = str(into.resolve()) if into else ""
    settings[plugin.__name__].to = str(out.resolve()) if out else ""
    settings[plugin.__name__].column = column
    commands.install()
    with contextlib.chdir(course), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's, of how nbgrader uses it
        app = ExportApp(log=_log(say))
        app.initialize([])
        app.update_config(settings)
        app.start()


def _log(say: Say) -> logging.Logger:
    """A log that shows what the plugin says."""
    log = logging.Logger("coursekit export", logging.INFO)
    handler = logging.Handler()
    handler.addFilter(lambda record: record.module == "grade_export")
    handler.emit = lambda record: say(escaped(record.getMessage()))  # type: ignore[method-assign]
    log.addHandler(handler)
    return log
