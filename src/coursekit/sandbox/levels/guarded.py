"""The level "landlock": a kernel forked from a warm process, confined without namespaces."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import replace

from coursekit.processes.line import Process, Server
from coursekit.sandbox.entrance_process import start_beside
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.warm import ForkedKernel, WarmLevel, zygote_when_ready
from coursekit.sandbox.owners import has_own_owners, home_place, owner_without_namespaces
from coursekit.sandbox.probing import probe_guarding
from coursekit.sandbox.view import readable_places


class GuardedKernel(ForkedKernel):
    """A kernel whose guardian ends it, and all that it left, when we hang up."""

    _hung_up = False

    def kill(self) -> None:
        """Let the guardian end it; it has ended when nothing of it is left."""
        if self.returncode is None:
            self._hung_up = True
            self._news.shutdown(socket.SHUT_WR)

    def send_signal(self, sig: int) -> None:
        """End it: it hears of no other signal."""
        self.kill()

    def was_lost(self) -> bool:
        """Return whether its guardian ended without a word, which no student's code can do."""
        return self.poll() is not None and not self._told and not self._hung_up


class Landlock(WarmLevel):
    """Forks each kernel beside us; Landlock, seccomp and a guardian confine it."""

    name = "landlock"
    words = "forked from a warm zygote, confined by Landlock and seccomp, without namespaces"
    kernel = GuardedKernel

    @property
    def isolation(self) -> str:
        """The name, and whose user id the kernel has."""
        return f"{self.name} ({'own' if has_own_owners() else 'your'} user)"

    def whose_user(self) -> str:
        return "a user id of their own" if has_own_owners() else "your user id"

    def why_not(self) -> str:
        return probe_guarding()

    def _start_zygote(self) -> Server:
        def start(ours: socket.socket, theirs: socket.socket) -> Process:
            process = start_beside("guarding-zygote", theirs)
            readable_places().send(ours)
            return process

        return zygote_when_ready(start, "see what this machine supports, with: coursekit doctor")

    def _owned(self, request: KernelRequest) -> KernelRequest:
        home = os.path.join(home_place(), f"coursekit-home-{secrets.token_hex(8)}")
        return replace(request, owner=owner_without_namespaces(), home=home)


LANDLOCK = Landlock()
