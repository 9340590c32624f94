"""The level "zygote": a kernel forked from a process that has imported everything."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import threading
from dataclasses import replace
from pathlib import Path

from coursekit.errors import InfrastructureError
from coursekit.sandbox.entrance_process import read_news, start_sandbox, wait_until_sandboxed
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.level import KernelProcess, Level
from coursekit.sandbox.owners import fresh_owner
from coursekit.sandbox.probing import probe
from coursekit.sandbox.remedies import namespace_remedies

_READY_SECONDS = 120


class ForkedKernel:
    """A kernel that the zygote forked; a `KernelProcess`.

    Args:
        first: a descriptor of the first process of its namespaces. When that
            is killed, the system kills all the others.
        news: the connection on which it tells how it ended.

    """

    stdin = stdout = stderr = None

    def __init__(self, first: int, news: socket.socket) -> None:
        self._first = first
        self._news = news
        self.returncode: int | None = None
        # As we count processes, not as the sandbox does.
        text = Path(f"/proc/self/fdinfo/{first}").read_text()
        self.pid = int(text.split("Pid:")[1].split()[0])

    def poll(self) -> int | None:
        """Return its exit status, as the shell says it; None while it runs."""
        if self.returncode is None and select.select([self._first], [], [], 0)[0]:
            news, _ = read_news(self._news, 0)
            self.returncode = int(news.get("ended", 128 + signal.SIGKILL))
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

    def send_signal(self, sig: int) -> None:
        """Send a signal to the first process, which ignores all but those that kill."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, sig)

    def kill(self) -> None:
        """End all its processes."""
        self.send_signal(signal.SIGKILL)

    terminate = kill


class WarmProcess:
    """A zygote in bubblewrap.

    Raises:
        InfrastructureError: if it does not get ready.

    """

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self.process = start_sandbox("zygote", theirs)
        news, _ = read_news(self._line, _READY_SECONDS)
        if "ready" not in news:
            self.close()
            raise InfrastructureError(
                f"the warm zygote did not get ready: {news['error']}",
                'grade without it, with: c.StudentKernel.level = "bubblewrap"',
            )

    def fork(self, request: KernelRequest, listening: list[int], archive: int) -> ForkedKernel:
        """Fork a kernel, and wait until it is sandboxed.

        Raises:
            InfrastructureError: if it could not be sandboxed; then no code of a student's ran.
            OSError: if the zygote is gone.

        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._line, [b"k"], [theirs.fileno()])
            request.send(ours, listening, archive)
            return ForkedKernel(wait_until_sandboxed(ours)[0], ours)
        except BaseException:
            ours.close()
            raise

    def close(self) -> None:
        """End it, and every kernel that it forked."""
        self._line.close()
        self.process.kill()
        self.process.wait()


class Zygote(Level):
    """Forks each kernel from one warm process, which is made when it is first needed."""

    name = "zygote"
    words = "forked from a warm zygote into namespaces of its own, in bubblewrap"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.warm: WarmProcess | None = None
        atexit.register(self.close)

    def why_not(self) -> str:
        return probe().why_not or probe().why_not_nested

    def remedies(self) -> list[str]:
        return namespace_remedies()

    def start(self, request: KernelRequest, listening: list[int], archive: int) -> KernelProcess:
        owned = replace(request, owner=fresh_owner())
        with self._lock:
            try:
                return self._living().fork(owned, listening, archive)
            except OSError:
                self.close()
            try:
                return self._living().fork(owned, listening, archive)
            except OSError as error:
                self.close()
                raise InfrastructureError(
                    f"the warm zygote died twice: {error}", "grade the submission again"
                ) from None

    def close(self) -> None:
        """End the warm process, if there is one."""
        if self.warm is not None:
            self.warm.close()
            self.warm = None

    def _living(self) -> WarmProcess:
        if self.warm is None or self.warm.process.poll() is not None:
            self.close()
            self.warm = WarmProcess()
        return self.warm


ZYGOTE = Zygote()
