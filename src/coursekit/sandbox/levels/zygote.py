"""The level "zygote": a kernel forked from a process that has imported everything."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from dataclasses import replace
from multiprocessing.connection import Connection

from coursekit.errors import InfrastructureError
from coursekit.processes.forking import ForkedProcess, ForkingProcess
from coursekit.processes.line import Process, Server
from coursekit.sandbox.entrance_process import read_news, start_sandbox, wait_until_sandboxed
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.level import Level
from coursekit.sandbox.owners import fresh_owner
from coursekit.sandbox.probing import probe

_READY_SECONDS = 120
# A zygote that was killed has ended as much later than its kernels.
_ENDING_SECONDS = 1


class ForkedKernel(ForkedProcess):
    """A kernel that the zygote forked; a `Process`.

    Args:
        first: a descriptor of the first process of its namespaces. It ignores all
            signals but those that kill; when it is killed, the system kills all the others.
        news: the connection on which it tells how it ended.
        zygote: the process that forked it.

    Attributes:
        left: how many processes the kernel left when it ended.

    """

    stdin = stdout = stderr = None

    def __init__(self, first: int, news: socket.socket, zygote: Process) -> None:
        super().__init__(first)
        self._news = news
        self._zygote = zygote
        self.left = 0

    terminate = ForkedProcess.kill

    def ended_with_its_zygote(self) -> bool:
        """Whether the zygote has ended too, which no student's code can do."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._zygote.wait(_ENDING_SECONDS)
        return self._zygote.poll() is not None

    def _status(self) -> int:
        with self._news:
            news, _ = read_news(self._news, 0)
        self.left = int(news.get("left", 0))
        return int(news.get("ended", super()._status()))


def _start_zygote() -> Server:
    """Start a zygote in bubblewrap.

    Raises:
        InfrastructureError: if it does not get ready.

    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = start_sandbox("zygote", theirs)
        news, _ = read_news(ours, _READY_SECONDS)
        ours.settimeout(None)
        server = Server(process, Connection(ours.detach()))
    if "ready" not in news:
        server.close()
        raise InfrastructureError(
            f"the warm zygote did not get ready: {news['error']}",
            'grade without it, with: c.StudentKernel.level = "bubblewrap"',
        )
    return server


class Zygote(Level):
    """Forks each kernel from one warm process, which is made when it is first needed."""

    name = "zygote"
    words = "forked from a warm zygote into namespaces of its own, in bubblewrap"

    def __init__(self) -> None:
        self.warm = ForkingProcess(_start_zygote)

    def why_not(self) -> str:
        return probe().why_not or probe().why_not_nested

    def start(self, request: KernelRequest, listening: list[int], archive: int) -> Process:
        owned = replace(request, owner=fresh_owner())
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
            return ForkedKernel(wait_until_sandboxed(ours)[0], ours, zygote)
        except BaseException:
            ours.close()
            raise


ZYGOTE = Zygote()
