"""Run commands that grade, nbgrader's and the kit's, and read their results."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from coursekit.errors import InfrastructureError
from coursekit.gradebook.address import GRADEBOOK, database_url
from coursekit.judge.verdict import NotebookVerdict
from coursekit.processes.started_command import started
from coursekit.sandbox.levels import strongest
from coursekit.sandbox.settings import UNSAFE_VARIABLE

LOG = "nbgrader.log"
# An error of the kit's, to the end of its hint or to the next entry of the log.
_OURS = re.compile(r"coursekit\.errors\.\w+: (.*?(?:\nhint: [^\n]*|(?=\n\[|\n\n|\Z)))", re.DOTALL)
# The kit comes first: what nbgrader imports is then imported sooner (see coursekit/__init__.py).
_NBGRADER = "import coursekit; from nbgrader.apps.nbgraderapp import main; main()"
_KIT = "import sys; from coursekit.cli import main; sys.exit(main())"


def of_its_own(course: Path) -> tuple[str, str]:
    """Return the settings by which nbgrader works in a copy of a course, and nowhere else.

    The copied configuration may name the course's folder, and a gradebook that others use.
    """
    url = database_url(course / GRADEBOOK)
    return f"--CourseDirectory.root={course}", f"--CourseDirectory.db_url={url}"


def run_nbgrader(
    course: Path,
    *arguments: str,
    watch: Callable[[], None] | None = None,
    our_own: bool = False,
) -> None:
    """Run ``nbgrader ARGUMENTS`` in the course folder; its output goes to ``nbgrader.log`` there.

    Args:
        course: the course folder.
        arguments: nbgrader's own.
        watch: called every second while nbgrader runs, to show how far it is.
        our_own: whether all notebooks that it runs are the course's own. These may run on a
            machine without a sandbox; students' notebooks may not.

    Raises:
        InfrastructureError: if nbgrader ends in failure.

    """
    _run(course, "nbgrader", _NBGRADER, arguments, watch, our_own=our_own)


def run_grading(
    course: Path,
    assignment: str,
    *arguments: str,
    watch: Callable[[], None] | None = None,
    our_own: bool = False,
) -> None:
    """Run ``coursekit grade ASSIGNMENT ARGUMENTS`` in the course folder; as `run_nbgrader`.

    Raises:
        InfrastructureError: if a submission was not graded.

    """
    _run(course, "coursekit", _KIT, ("grade", assignment, *arguments), watch, our_own=our_own)


def _run(
    course: Path,
    name: str,
    program: str,
    arguments: tuple[str, ...],
    watch: Callable[[], None] | None,
    *,
    our_own: bool,
) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    # The log holds students' names, whatever letters this terminal has.
    environment["PYTHONIOENCODING"] = "utf-8"
    if our_own and not strongest().sandboxed:
        environment[UNSAFE_VARIABLE] = "1"
    log = course / LOG
    with log.open("a", encoding="utf-8") as stream:
        print("$", name, *arguments, file=stream, flush=True)
        command = [sys.executable, "-c", program, *arguments]
        with started(command, course, environment, stream) as process:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1 if watch else None)
                if watch:
                    watch()
    if process.returncode:
        # The settings of a copy are nobody's concern.
        words = " ".join(one for one in arguments if "=" not in one)
        raise failure(course, f"{name} {words}")


def failure(course: Path, command: str) -> InfrastructureError:
    """Return the error of a command that ended in failure, from ``nbgrader.log``."""
    log = course / LOG
    why, _, hint = _last_error(log).partition("\nhint: ")
    return InfrastructureError(f"{command} failed: {why}", hint or f"read its whole output: {log}")


def submission_error(course: Path, student: str, assignment: str) -> str:
    """Return why grading a submission last failed, from ``nbgrader.log``; "" if unknown."""
    text = (course / LOG).read_text(encoding="utf-8", errors="replace")
    sign = "There was an error processing assignment: "
    for section in reversed(text.split(sign)[1:]):
        if section.split("\n", 1)[0].endswith(f"submitted/{student}/{assignment}"):
            return _own_error(section)
    return ""


def _last_error(log: Path) -> str:
    """The kit's own error in the output of nbgrader's last run, or else its last line."""
    text = log.read_text(encoding="utf-8", errors="replace").rsplit("\n$ ", 1)[-1]
    lines = text.splitlines()
    # An error that ends the whole run has no traceback.
    told = re.split(r"(?:\] |\n)error: ", text)[1:]
    return (
        _own_error(text)
        or "".join(told[-1:]).strip()
        or (lines[-1].strip() if lines else "without output")
    )


def _own_error(text: str) -> str:
    """The kit's own last error in a text, with its hint; "" without one."""
    found = _OURS.findall(text)
    return "\n".join(line.strip() for line in found[-1].splitlines()) if found else ""


def read_verdict(course: Path, student: str, assignment: str, notebook: str) -> NotebookVerdict:
    """Return the verdict that grading left in ``autograded/``.

    Raises:
        InfrastructureError: if grading failed, so that there is no verdict.
        ValueError: if it is of another schema, or damaged.

    """
    path = course / "autograded" / student / assignment / f"{notebook}.verdict.json"
    try:
        return NotebookVerdict.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InfrastructureError(
            f"{student}'s {assignment} was not graded", f"read nbgrader's output: {course / LOG}"
        ) from None


def find_verdict(
    course: Path, student: str, assignment: str, notebook: str
) -> NotebookVerdict | None:
    """Return the verdict in ``autograded/``; None if it is missing or cannot be read."""
    try:
        return read_verdict(course, student, assignment, notebook)
    except (InfrastructureError, ValueError, OSError):
        return None
