"""What the warm levels share: a zygote that has imported everything, and kernels from it."""

from __future__ import annotations

import socket
from abc import abstractmethod
from collections.abc import Callable
from multiprocessing.connection import Connection

from coursekit.errors import InfrastructureError
from coursekit.processes.forking import ForkedProcess, ForkingProcess
from coursekit.processes.line import Process, Server
from coursekit.sandbox.entrance_process import read_news, wait_until_sandboxed
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.level import Level

_READY_SECONDS = 120


class ForkedKernel(ForkedProcess):
    """A kernel that a zygote forked; a `Process`.

    Args:
        first: a descriptor of the process that the kernel and all others descend from.
        news: the connection on which it tells how the kernel ended.
        zygote: the process that forked it.
        home: its folder on a disk of the machine's; "" if it has a disk of its own.

    Attributes:
        home: as given.
        left: how many processes the kernel left when it ended.

    """

    stdin = stdout = stderr = None

    def __init__(self, first: int, news: socket.socket, zygote: Process, home: str) -> None:
        super().__init__(first)
        self.home = home
        self._news = news
        self._zygote = zygote
        self.left = 0
        self._told = False

    def terminate(self) -> None:
        """End it."""
        self.kill()

    @abstractmethod
    def was_lost(self) -> bool:
        """Return whether it ended for a reason that no student's code can bring about."""

    def _status(self) -> int:
        with self._news:
            news, _ = read_news(self._news, 0)
        self._told = "ended" in news
        self.left = int(news.get("left", 0))
        return int(news.get("ended", super()._status()))


class WarmLevel(Level):
    """Forks each kernel from one warm process, which is made when it is first needed."""

    kernel: type[ForkedKernel]

    def __init__(self) -> None:
        self.warm = ForkingProcess(self._start_zygote)

    @abstractmethod
    def _start_zygote(self) -> Server:
        """Start the zygote.

        Raises:
            InfrastructureError: if it does not get ready.

        """

    @abstractmethod
    def _owned(self, request: KernelRequest) -> KernelRequest:
        """Return the request with its owner and its home."""

    def start(self, request: KernelRequest, listening: list[int], archive: int) -> Process:
        owned = self._owned(request)
        with self.warm.lock:
            try:
                return self._fork(owned, listening, archive)
            except OSError:
                self.warm.close()
            try:
                return self._fork(owned, listening, archive)
            except OSError as error:
                self.warm.close()
                raise InfrastructureError(
                    f"the warm zygote died twice: {error}", "grade the submission again"
                ) from None

    def _fork(self, request: KernelRequest, listening: list[int], archive: int) -> ForkedKernel:
        ours = self.warm.ask()
        try:
            request.send(ours, listening, archive)
            assert self.warm.server is not None  # it was asked
            zygote = self.warm.server.process
            return self.kernel(wait_until_sandboxed(ours)[0], ours, zygote, request.home)
        except BaseException:
            ours.close()
            raise


def zygote_when_ready(
    start: Callable[[socket.socket, socket.socket], Process], hint: str
) -> Server:
    """Start a zygote, and wait until it is ready.

    Args:
        start: starts it with its end of a line, and may send it something on ours.
        hint: what to do if it does not get ready.

    Raises:
        InfrastructureError: if it does not get ready.

    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = start(ours, theirs)
        news, _ = read_news(ours, _READY_SECONDS)
        ours.settimeout(None)
        server = Server(process, Connection(ours.detach()))
    if "ready" not in news:
        server.close()
        raise InfrastructureError(f"the warm zygote did not get ready: {news['error']}", hint)
    return server
