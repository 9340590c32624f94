"""The conductor's side of the warm judge: keep one, and ask it for the judge of a submission."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection

from coursekit.processes.line import start_process

MAX_START_SECONDS = 120
_MODULE = "coursekit.judge"


class ForkedJudge:
    """A judge that the warm one forked, with the methods of subprocess.Popen that are used.

    Args:
        process: the file descriptor of its process.

    """

    def __init__(self, process: int) -> None:
        self._process = process

    def kill(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it has ended; call this once."""
        select.select([self._process], [], [])
        os.close(self._process)


_lock = threading.Lock()
# The process, and the line on which it is asked.
_warm: tuple[subprocess.Popen[bytes], socket.socket] | None = None


def ask_for_judge() -> socket.socket | None:
    """Ask this process's warm judge for another; start a warm one if there is not one.

    Returns:
        The line for `take_over`, at once, while the judge gets ready. None if
        no judge can be forked.

    """
    global _warm
    if sys.platform != "linux":
        return None
    with _lock:
        if _warm is None or _warm[0].poll() is not None:
            close_warm_judge()
            process, line = start_process(_MODULE, "forks")
            with line:
                _warm = process, socket.socket(fileno=os.dup(line.fileno()))
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(_warm[1], [b"j"], [theirs.fileno()])
            except OSError:  # it has just ended
                ours.close()
                return None
        return ours


def take_over(
    asked: socket.socket | None,
) -> tuple[ForkedJudge | subprocess.Popen[bytes], Connection]:
    """Return the judge that was asked for and the line to it; start it cold if need be."""
    if asked is not None:
        with asked, contextlib.suppress(OSError):
            asked.settimeout(MAX_START_SECONDS)
            _, files, _, _ = socket.recv_fds(asked, 1, 1)
            if files:
                asked.settimeout(None)
                return ForkedJudge(files[0]), Connection(asked.detach())
    return start_process(_MODULE)


def close_warm_judge() -> None:
    """End this process's warm judge, if it has one, and every judge that it forked."""
    global _warm
    if _warm is not None:
        process, line = _warm
        line.close()
        process.kill()
        process.wait()
        _warm = None


atexit.register(close_warm_judge)
