"""The level "zygote": a kernel forked from a process that has imported everything."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import replace

from coursekit.processes.line import Server
from coursekit.sandbox.entrance_process import start_sandbox
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.warm import ForkedKernel, WarmLevel, zygote_when_ready
from coursekit.sandbox.owners import fresh_owner
from coursekit.sandbox.probing import probe

# A zygote that was killed has ended as much later than its kernels.
_ENDING_SECONDS = 1


class NamespacedKernel(ForkedKernel):
    """A kernel whose first process ignores all signals but those that kill.

    When it is killed, the system kills all the others of its namespaces.
    """

    def was_lost(self) -> bool:
        """Return whether its zygote has ended too, which no student's code can do."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._zygote.wait(_ENDING_SECONDS)
        return self._zygote.poll() is not None


class Zygote(WarmLevel):
    """Forks each kernel into namespaces of its own, in bubblewrap."""

    name = "zygote"
    words = "forked from a warm zygote into namespaces of its own, in bubblewrap"
    kernel = NamespacedKernel

    def why_not(self) -> str:
        return probe().why_not or probe().why_not_nested

    def _start_zygote(self) -> Server:
        return zygote_when_ready(
            lambda _, line: start_sandbox("zygote", line),
            'grade without it, with: c.StudentKernel.level = "bubblewrap"',
        )

    def _owned(self, request: KernelRequest) -> KernelRequest:
        return replace(request, owner=fresh_owner())


ZYGOTE = Zygote()
