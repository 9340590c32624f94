"""Run real nbgrader commands in a course folder, and read what they left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from coursekit.errors import InfrastructureError
from coursekit.verdict import NotebookVerdict

LOG = "nbgrader.log"


def run_nbgrader(course: Path, *arguments: str) -> None:
    """Run ``nbgrader ARGUMENTS`` in the course folder; its output goes to ``nbgrader.log`` there.

    Raises:
        InfrastructureError: if nbgrader ends in failure.

    """
    # nbgrader calls alembic by name, which lies beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore"}
    log = course / LOG
    with log.open("a", encoding="utf-8") as stream:
        print("$ nbgrader", *arguments, file=stream, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=course,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode:
        raise InfrastructureError(
            f"nbgrader {' '.join(arguments)} failed in {course}: {_last_error(log)}",
            f"its whole output is in {log}",
        )


def _last_error(log: Path) -> str:
    """The kit's own error in nbgrader's output, or else its last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    ours = [number for number, line in enumerate(lines) if "coursekit.errors." in line]
    if ours:
        found = lines[ours[-1] : ours[-1] + 2]
        return "\n".join(line.strip() for line in found).split("Error: ", 1)[-1]
    return lines[-1].strip() if lines else "it said nothing"


def read_verdict(course: Path, student: str, assignment: str, notebook: str) -> NotebookVerdict:
    """Return the verdict that grading left in ``autograded/``.

    Raises:
        InfrastructureError: if there is none, because grading failed.

    """
    path = course / "autograded" / student / assignment / f"{notebook}.verdict.json"
    try:
        return NotebookVerdict.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InfrastructureError(
            f"{student}'s {assignment} was not graded", f"nbgrader's output is in {course / LOG}"
        ) from None
