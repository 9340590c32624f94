"""Our side of a process that forks others: keep one, ask it for another, hold what it forked."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from coursekit.processes.line import Server


class ForkedProcess:
    """A `Process` that another one forked, by its file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.returncode: int | None = None
        # As we count processes, not as a sandbox does.
        text = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
        self.pid = int(text.split("Pid:")[1].split()[0])

    def poll(self) -> int | None:
        """Return its exit status, as the shell says it; None while it runs."""
        if self.returncode is None and select.select([self._descriptor], [], [], 0)[0]:
            self.returncode = self._status()
            os.close(self._descriptor)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            select.select([self._descriptor], [], [], timeout)
        status = self.poll()
        if status is None:
            raise TimeoutError(f"the process still runs after {timeout} s")
        return status

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, sig)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _status(self) -> int:
        """The exit status, which only its parent learns from the system."""
        return 128 + signal.SIGKILL


class ForkingProcess:
    """Keeps one process that forks others; starts it for the first request, and if it has ended.

    Attributes:
        server: the process; None while there is not one.
        lock: held while it is asked.

    """

    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self.server: Server | None = None
        self.lock = threading.RLock()
        atexit.register(self.close)

    def ask(self) -> socket.socket:
        """Send it one end of a new connection, for the process that it forks; return the other.

        Raises:
            OSError: if it has just ended.

        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self.hand_over(theirs.fileno())
            except OSError:
                ours.close()
                raise
        return ours

    def hand_over(self, *descriptors: int) -> Server:
        """Send it open files; return the process that has got them.

        Raises:
            OSError: if it has just ended.

        """
        with self.lock:
            if self.server is None or self.server.process.poll() is not None:
                self.close()
                self.server = self._start()
            with socket.socket(fileno=os.dup(self.server.line.fileno())) as line:
                socket.send_fds(line, [b"f"], descriptors)
            return self.server

    def close(self) -> None:
        """End it, and every process that it forked."""
        if self.server is not None:
            self.server.close()
            self.server = None
