"""Grade a course and watch: ``python observed_run.py COURSE ASSIGNMENT``; prints JSON.

A process of its own, which becomes the parent of every process that loses its
parent: so it sees everything that grading leaves running.
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

import psutil

from coursekit.errors import InfrastructureError
from coursekit.nbgrader_run import run_grading

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
        memory.append((graded, _memory()))

    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="many-") as temporary:
        os.environ["TMPDIR"] = temporary
        try:
            run_grading(course, assignment, watch=look)
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
    """The commands of the processes that still run after they had time to end."""
    for _ in range(_PATIENCE):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not psutil.Process().children():
            break
        time.sleep(1)
    return list(map(str, psutil.Process().children(recursive=True)))


def _memory() -> int:
    """The bytes of memory of the processes that nbgrader runs in."""
    total = 0
    for each in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            total += each.memory_info().rss
    return total


if __name__ == "__main__":
    main()
