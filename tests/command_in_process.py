"""Run a command of nbgrader's in this process: the real one, without a second for its start."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

from jupyter_core.application import NoStart
from nbgrader.apps import NbGrader
from nbgrader.apps.nbgraderapp import NbGraderApp


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
