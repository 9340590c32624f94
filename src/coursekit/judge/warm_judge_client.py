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


class WarmJudge:
    """A process that has imported what a judge needs, and forks judges."""

    def __init__(self) -> None:
        self._process, line = start_process(_MODULE, "forks")
        with line:
            self._line = socket.socket(fileno=os.dup(line.fileno()))

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(self) -> socket.socket:
        """Ask for a judge; return the line on which it will answer.

        Raises:
            OSError: if the process has ended.

        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._line, [b"j"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """End it, and every judge that it forked."""
        self._line.close()
        self._process.kill()
        self._process.wait()


_lock = threading.Lock()
_warm: WarmJudge | None = None


def ask_for_judge() -> socket.socket | None:
    """Ask this process's warm judge for another; start a warm one if there is not one.

    Returns:
        The line for `take_over`, at once, while the judge gets ready. None on
        a system where judges cannot be forked.

    """
    global _warm
    if sys.platform != "linux":
        return None
    with _lock:
        if _warm is None or not _warm.alive:
            close_warm_judge()
            _warm = WarmJudge()
        try:
            return _warm.ask()
        except OSError:
            return None


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
    """End this process's warm judge, if it has one."""
    global _warm
    if _warm is not None:
        _warm.close()
        _warm = None


atexit.register(close_warm_judge)
