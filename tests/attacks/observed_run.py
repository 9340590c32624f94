"""Grade a course and watch: ``python observed_run.py COURSE ASSIGNMENT``; prints JSON.

A process of its own, to which every process that loses its parent comes, so
that what grading leaves running is seen whoever started it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from coursekit.errors import InfrastructureError
from coursekit.grading.nbgrader_run import run_nbgrader
from coursekit.sandbox.watchdog import descendants

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 10  # seconds that ending processes get


def main() -> None:
    """Grade, and print what was seen."""
    course, assignment = Path(sys.argv[1]), sys.argv[2]
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    mounts = Path("/proc/self/mountinfo").read_text()
    memory: list[tuple[int, int]] = []

    def look() -> None:
        graded = len(list((course / "autograded").glob("*/*/*.verdict.json")))
        memory.append((graded, sum(map(_resident, _conductors()))))

    # The path of a socket may not be long.
    with tempfile.TemporaryDirectory(prefix="many-") as temporary:
        os.environ["TMPDIR"] = temporary
        try:
            run_nbgrader(course, "autograde", assignment, watch=look)
            failure = ""
        except InfrastructureError as error:
            failure = str(error)
        seen: dict[str, Any] = {
            "failure": failure,
            "memory": memory,
            "processes": _left(),
            "files": [str(path.relative_to(temporary)) for path in Path(temporary).rglob("*")],
            "sockets": [
                line.split()[-1]
                for line in Path("/proc/net/unix").read_text().splitlines()
                if temporary in line
            ],
            "mounts": sorted(
                set(Path("/proc/self/mountinfo").read_text().splitlines())
                - set(mounts.splitlines())
            ),
        }
    print(json.dumps(seen))


def _left() -> list[str]:
    """The commands of what still runs, when what was ending had time for it."""
    for _ in range(_PATIENCE):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not descendants(os.getpid())[1:]:
            break
        time.sleep(1)
    return [_command(each) for each in descendants(os.getpid())[1:]]


def _conductors() -> list[int]:
    """The process that nbgrader runs in."""
    return [each for each in descendants(os.getpid())[1:] if _parent(each) == os.getpid()]


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _resident(process: int) -> int:
    """The bytes of memory that a process has of its own and shares."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
