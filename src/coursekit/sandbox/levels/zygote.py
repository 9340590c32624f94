"""The conductor's side of the warm zygote: keep one, ask it for kernels, end them."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import threading
import time
from pathlib import Path

from coursekit.errors import InfrastructureError
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.probing import read_news, start_sandbox

_READY_SECONDS = 120
_START_SECONDS = 60


class ForkedKernel:
    """A kernel that the zygote forked; what it has of subprocess.Popen is what Jupyter uses.

    Args:
        first: a descriptor of the first process of its namespaces. When that
            is killed, the system kills all the others.
        news: where it tells how it ended.

    """

    stdin = stdout = stderr = None

    def __init__(self, first: int, news: socket.socket) -> None:
        self._first = first
        self._news = news
        self._said = b""
        self.returncode: int | None = None
        self.pid = _process_number(first)

    def poll(self) -> int | None:
        """Return its exit status, as the shell says it; None while it runs."""
        if self.returncode is None and select.select([self._first], [], [], 0)[0]:
            self.returncode = self._status()
            os.close(self._first)
            self._news.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            select.select([self._first], [], [], timeout)
        status = self.poll()
        if status is None:
            raise TimeoutError(f"the kernel still runs after {timeout} s")
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal to the first process, which heeds none but those that kill."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, number)

    def kill(self) -> None:
        """End all its processes."""
        self.send_signal(signal.SIGKILL)

    terminate = kill

    def _status(self) -> int:
        self._news.setblocking(False)
        with contextlib.suppress(OSError, ValueError, KeyError):
            return int(json.loads(self._news.recv(4096))["ended"])
        return 128 + signal.SIGKILL


def _process_number(descriptor: int) -> int:
    """The number, as we count processes, of the process that a descriptor stands for."""
    text = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    return int(text.split("Pid:")[1].split()[0])


class Zygote:
    """A warm zygote in bubblewrap.

    Raises:
        InfrastructureError: if it does not get ready.

    """

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = start_sandbox("zygote", theirs)
        self._line.settimeout(_READY_SECONDS)
        news = read_news(self._line)
        if "ready" not in news:
            self.close()
            raise InfrastructureError(
                f"the warm zygote did not get ready: {news.get('error')}",
                'grade without it, with: c.StudentKernel.level = "bubblewrap"',
            )

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def fork(self, request: KernelRequest, listening: list[int], archive: int) -> ForkedKernel:
        """Fork a kernel, and wait until it is shut in.

        Raises:
            InfrastructureError: if it could not be shut in; then nothing of a student's ran.
            OSError: if the zygote is gone.

        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._line, [b"k"], [theirs.fileno()])
            ours.settimeout(_START_SECONDS)
            request.send(ours, listening, archive)
            return _take_over(ours)
        except BaseException:
            ours.close()
            raise

    def close(self) -> None:
        """End it, and every kernel that it forked."""
        self._line.close()
        self._process.kill()
        self._process.wait()


def _take_over(line: socket.socket) -> ForkedKernel:
    """Receive a forked kernel's descriptor, then its word that it is shut in."""
    said, files = b"", []
    deadline = time.monotonic() + _START_SECONDS
    while b"started" not in said:
        if b"error" in said or time.monotonic() > deadline:
            break
        more, found, _, _ = socket.recv_fds(line, 4096, 1)
        files += found
        said += more
        if not more:
            break
    if b"started" in said and files:
        return ForkedKernel(files[0], line)
    for number in files:
        os.close(number)
    why = said.decode(errors="replace").strip().splitlines()
    raise InfrastructureError(
        f"the student's kernel could not be shut in: {why[-1] if why else 'no word of it'}",
        "see what this machine can do, with: coursekit doctor",
    )


_lock = threading.Lock()
_zygote: Zygote | None = None


def start_warm(request: KernelRequest, listening: list[int], archive: int) -> ForkedKernel:
    """Fork a kernel from this process's zygote, which is made when it is first needed or has died.

    Raises:
        InfrastructureError: if there is no zygote to be had, or the kernel
            could not be shut in; then nothing of a student's ran.

    """
    global _zygote
    with _lock:
        for attempt in (1, 2):
            if _zygote is None or not _zygote.alive:
                close_zygote()
                _zygote = Zygote()
            try:
                return _zygote.fork(request, listening, archive)
            except OSError as error:
                close_zygote()
                if attempt == 2:
                    raise InfrastructureError(
                        f"the warm zygote died twice: {error}", "grade the submission again"
                    ) from None
        raise AssertionError("unreachable")


def close_zygote() -> None:
    """End this process's zygote, if it has one."""
    global _zygote
    if _zygote is not None:
        _zygote.close()
        _zygote = None


atexit.register(close_zygote)
