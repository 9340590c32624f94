"""Run a command of nbgrader's in this process: the real one, without a second for its start.

Gradings in one process also share a warm kernel and a warm judge, which take 7 s to start.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from pathlib import Path
from typing import Any

from jupyter_core.application import NoStart
from nbgrader.apps import NbGrader
from nbgrader.apps.nbgraderapp import NbGraderApp

from coursekit.course.assignment import Assignment
from coursekit.nbgrader_run import LOG, failure


def run_command(place: Path, *arguments: str) -> tuple[int, str]:
    """Run it in a folder; return its exit status and its log."""
    lines: list[str] = []
    logs: list[logging.Logger] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    NbGraderApp.clear_instance()
    NbGrader.clear_instance()
    with contextlib.chdir(place):
        app: Any = NbGraderApp.instance()
        code = 0
        try:
            app.initialize(list(arguments))
            command = app
            while command:
                logs.append(command.log)
                command.log.addHandler(handler)
                command = command.subapp
            app.start()
        except NoStart:
            pass
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            for log in logs:
                log.removeHandler(handler)
            app.reset()
    return code, "\n".join(lines)


def run_nbgrader(course: Path, *arguments: str) -> None:
    """Run a command as `coursekit.nbgrader_run.run_nbgrader` does: with its log, and its error."""
    with (course / LOG).open("a", encoding="utf-8") as stream:
        print("$ nbgrader", *arguments, file=stream, flush=True)
        with (
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            code, _ = run_command(course, *arguments)
    if code:
        raise failure(course, f"nbgrader {' '.join(arguments)}")


def generate(assignment: Assignment) -> None:
    """Let nbgrader generate the release, as `coursekit.release.pipeline.generate` does."""
    run_nbgrader(assignment.course, "generate_assignment", assignment.name, "--force")
