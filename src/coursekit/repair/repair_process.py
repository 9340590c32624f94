"""Repair in a process of its own: start it, ask it, and go on if it ends."""

from __future__ import annotations

import subprocess
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import nbformat

from coursekit.errors import InfrastructureError
from coursekit.processes.line import receive, send, start_process
from coursekit.processes.temporary_files import temporary_folder
from coursekit.repair.rebuilt_notebook import Rebuilt
from coursekit.repair.submission import ChooseRelease


class RepairProcess:
    """Repairs one submission after another in a process of its own.

    The process starts with the first submission, and again after one that ended it.

    Args:
        timeout: seconds that one submission may take.

    """

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def repair(self, folder: Path, expected: str, release: Path, choose: ChooseRelease) -> Rebuilt:
        """Return a submission as it is graded.

        Args:
            folder: the submitted folder.
            expected: the notebook's file name as nbgrader expects it.
            release: the released notebook that is expected.
            choose: tells the release that a notebook with a given stamp goes into.

        Raises:
            InfrastructureError: if no notebook of the submission can be graded.

        """
        # A process that is killed leaves its files behind: this folder is removed after it.
        with temporary_folder("coursekit-read-") as scratch:
            request = {
                "folder": str(folder),
                "expected": expected,
                "release": str(release.absolute()),
                "scratch": str(scratch),
            }
            reply = self._ask(folder, request, choose)
        if "reason" in reply:
            raise InfrastructureError(f"{folder}: {reply['reason']}", reply["hint"])
        return Rebuilt(nbformat.from_dict(reply["notebook"]), tuple(reply["repairs"]))

    def close(self) -> None:
        """End the process."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.kill()
            self._process.wait()
        self._line = self._process = None

    def __del__(self) -> None:
        self.close()

    def _ask(self, folder: Path, request: dict[str, str], choose: ChooseRelease) -> dict[str, Any]:
        line = self._connect()
        deadline = time.monotonic() + self._timeout
        try:
            send(line, request)
            while "stamp" in (reply := self._wait(line, deadline)):
                send(line, {"release": choose(reply["stamp"])})
            return reply
        except TimeoutError:
            self.close()
            raise _gave_up(folder, f"reading it took more than {self._timeout:g} s") from None
        except (EOFError, OSError):
            self.close()
            raise _gave_up(folder, "the process that reads it stopped") from None
        except BaseException:
            # Its late answer must not be taken for the next submission's.
            self.close()
            raise

    def _connect(self) -> Connection:
        if self._line is None:
            self._process, self._line = start_process("coursekit.repair")
        return self._line

    @staticmethod
    def _wait(line: Connection, deadline: float) -> dict[str, Any]:
        if not line.poll(max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        return receive(line)


def _gave_up(folder: Path, reason: str) -> InfrastructureError:
    return InfrastructureError(
        f"{folder}: the submission cannot be read as a notebook: {reason}",
        "look at the file by hand, or ask the student to hand it in again",
    )
