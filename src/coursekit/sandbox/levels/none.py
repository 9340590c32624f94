"""The level "none": a kernel with our own rights, only where somebody asks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coursekit.processes.line import Process
from coursekit.sandbox.entrance_process import start_beside, start_cold
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.level import Level


class NoSandbox(Level):
    """Starts each kernel as a process of ours, with an empty home."""

    name = "none"
    words = "separate process, no sandbox"
    sandboxed = False

    def why_not(self) -> str:
        return ""

    def start(self, request: KernelRequest, listening: list[int], archive: int) -> Process:
        # Beside the kernel's sockets, so that it is removed with them.
        home = Path(f"{request.connection['ip']}-home")
        home.mkdir(mode=0o700)
        return start_cold(start_beside, replace(request, home=str(home)), listening, archive)


NONE = NoSandbox()
