"""The conductor's side of the warm judge: keep one, and ask it for the judge of a submission."""

from __future__ import annotations

import contextlib
import socket
import sys
from multiprocessing.connection import Connection

from coursekit.processes.forking import ForkedProcess, ForkingProcess
from coursekit.processes.line import Server, start_process

MAX_START_SECONDS = 120
_MODULE = "coursekit.judge"

WARM_JUDGE = ForkingProcess(lambda: start_process(_MODULE, "forks"))


def ask_for_judge() -> socket.socket | None:
    """Ask this process's warm judge for another; start a warm one if there is not one.

    Returns:
        The line for `take_over`, at once, while the judge gets ready. None if
        no judge can be forked.

    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it has just ended
            return WARM_JUDGE.ask()
    return None


def take_over(asked: socket.socket | None) -> Server:
    """Return the judge that was asked for; start it cold if need be."""
    if asked is not None:
        with asked, contextlib.suppress(OSError):
            asked.settimeout(MAX_START_SECONDS)
            _, files, _, _ = socket.recv_fds(asked, 1, 1)
            if files:
                asked.settimeout(None)
                return Server(ForkedProcess(files[0]), Connection(asked.detach()))
    return start_process(_MODULE)
