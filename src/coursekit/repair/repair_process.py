"""Repair in a process of its own: start it, ask it, and go on if it ends."""

from __future__ import annotations

import time
from base64 import b64decode
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any

import nbformat

from coursekit.errors import InfrastructureError, UnreadableSubmission
from coursekit.processes.line import Server, send, start_process
from coursekit.processes.plain_files import OpenFolder
from coursekit.processes.temporary_files import temporary_folder
from coursekit.repair.finding.files_beside import OwnFiles
from coursekit.repair.notebook_choice import ChooseRelease
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt


class RepairProcess:
    """Repairs one submission after another in a process of its own.

    The process starts with the first submission, and again after one that ended it. One
    submission may take ``timeout`` seconds.
    """

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout
        self._server: Server | None = None

    def repair(
        self, folder: OpenFolder, expected: str, release: Path, choose: ChooseRelease
    ) -> Rebuilt:
        """Return a submission as it is graded; what it takes is what `submission.repair` takes.

        Raises:
            UnreadableSubmission: if no notebook of the submission can be graded.
            InfrastructureError: if the process that reads it ended, or took too long.

        """
        # A process that is killed leaves its files behind: this folder is removed after it.
        with temporary_folder("coursekit-read-") as scratch:
            request = {
                "folder": str(folder.path),
                "expected": expected,
                "release": str(release.absolute()),
                "scratch": str(scratch),
            }
            reply = self._ask(folder, request, choose)
        if "reason" in reply:
            raise UnreadableSubmission(f"{folder.path}: {reply['reason']}", reply["hint"])
        files = {name: b64decode(content) for name, content in reply["files"].items()}
        return Rebuilt(
            nbformat.from_dict(reply["notebook"]),
            tuple(reply["repairs"]),
            reply["python"],
            OwnFiles(files, reply["left_out"]),
        )

    def close(self) -> None:
        """End the process."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def __del__(self) -> None:
        self.close()

    def _ask(
        self, folder: OpenFolder, request: dict[str, str], choose: ChooseRelease
    ) -> dict[str, Any]:
        server = self._server = self._server or start_process("coursekit.repair")
        deadline = time.monotonic() + self._timeout
        try:
            send(server.line, request)
            send_handle(server.line, folder.fileno(), server.process.pid)
            while "stamp" in (reply := server.receive(deadline - time.monotonic())):
                send(server.line, {"release": choose(reply["stamp"])})
            return reply
        except TimeoutError:
            self.close()
            raise _gave_up(folder.path, f"reading it took more than {self._timeout:g} s") from None
        except (EOFError, OSError):
            self.close()
            raise _gave_up(folder.path, "the process that reads it stopped") from None
        except BaseException:
            # Its late answer must not be taken for the next submission's.
            self.close()
            raise


def _gave_up(folder: Path, reason: str) -> InfrastructureError:
    return InfrastructureError(
        f"{folder}: the submission cannot be read as a notebook: {reason}",
        "look at the file by hand, or ask the student to hand it in again",
    )
