"""``coursekit export``: give out an assignment's scores in one format."""

from __future__ import annotations

import logging
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import find_assignment
from coursekit.course.student_names import escaped
from coursekit.exporting.grade_export import EXPORTERS
from coursekit.exporting.plugin_app import plugin_app


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
    settings = {
        "assignment": [assignment],
        "into": str(into.resolve()) if into else "",
        "to": str(out.resolve()) if out else "",
        "column": column,
    }
    with plugin_app(course, EXPORTERS[format_name], _log(say), **settings) as app:
        app.start()


def _log(say: Say) -> logging.Logger:
    """A log that shows what the plugin says."""
    log = logging.Logger("coursekit export", logging.INFO)
    handler = logging.Handler()
    handler.addFilter(lambda record: record.module == "grade_export")
    handler.emit = lambda record: say(escaped(record.getMessage()))  # type: ignore[method-assign]
    log.addHandler(handler)
    return log
