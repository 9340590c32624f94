"""The level "bubblewrap": a kernel of its own, started cold in bubblewrap."""

from __future__ import annotations

from dataclasses import replace

from coursekit.processes.line import Process
from coursekit.sandbox.entrance_process import start_cold, start_sandbox
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.level import Level
from coursekit.sandbox.owners import fresh_owner
from coursekit.sandbox.probing import probe


class Bubblewrap(Level):
    """Starts each kernel cold, in bubblewrap."""

    name = "bubblewrap"
    words = "started cold in bubblewrap"

    def why_not(self) -> str:
        return probe().why_not

    def start(self, request: KernelRequest, listening: list[int], archive: int) -> Process:
        owned = replace(request, owner=fresh_owner())
        return start_cold(start_sandbox, owned, listening, archive)


BUBBLEWRAP = Bubblewrap()
