"""The level "bubblewrap": a kernel of its own, started cold in bubblewrap."""

from __future__ import annotations

from dataclasses import replace

from coursekit.sandbox.entrance_process import start_cold, start_sandbox
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.level import KernelProcess, Level
from coursekit.sandbox.owners import fresh_owner
from coursekit.sandbox.probing import probe
from coursekit.sandbox.remedies import namespace_remedies


class Bubblewrap(Level):
    """Starts each kernel cold, in bubblewrap."""

    name = "bubblewrap"
    words = "started cold in bubblewrap"

    def why_not(self) -> str:
        return probe().why_not

    def remedies(self) -> list[str]:
        return namespace_remedies()

    def start(self, request: KernelRequest, listening: list[int], archive: int) -> KernelProcess:
        owned = replace(request, owner=fresh_owner())
        return start_cold(start_sandbox, owned, listening, archive)


BUBBLEWRAP = Bubblewrap()
