"""The level "none": a kernel with our own rights, only where somebody asks for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import coursekit
from coursekit.processes.line import Process
from coursekit.sandbox.entrance_process import start_cold
from coursekit.sandbox.inside.confinement import PYTHON_SETTINGS
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
        return start_cold(_start_entrance, replace(request, home=str(home)), listening, archive)


def _start_entrance(kind: str, line: socket.socket) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in ("LANG", "PATH", "TZ") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "coursekit.sandbox.inside.entrance", kind, str(line.fileno())],
        pass_fds=[line.fileno()],
        env=kept | PYTHON_SETTINGS | {"PYTHONPATH": str(Path(coursekit.__file__).parent.parent)},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


NONE = NoSandbox()
