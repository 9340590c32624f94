"""A kernel of its own: started cold, in bubblewrap or without."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import coursekit
from coursekit.errors import InfrastructureError
from coursekit.sandbox.inside.confinement import PYTHON_SETTINGS
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.probing import read_news, start_sandbox

_START_SECONDS = 60


def start_cold(
    request: KernelRequest, listening: list[int], archive: int
) -> subprocess.Popen[bytes]:
    """Start a kernel, and wait until it is shut in.

    Args:
        request: what kernel is wanted.
        listening: its listening sockets, in the order of the request's ports.
        archive: the file of files that it may read.

    Raises:
        InfrastructureError: if it could not be shut in; then nothing of a student's ran.

    """
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(_START_SECONDS)
        with theirs:
            start = start_sandbox if request.confined else _start_bare
            process = start("kernel", theirs)
        try:
            request.send(ours, listening, archive)
            wait_for_news(ours, "started")
        except BaseException:
            process.kill()
            process.wait()
            raise
    return process


def wait_for_news(line: socket.socket, wanted: str) -> None:
    """Wait until a sandbox tells the news that are wanted.

    Raises:
        InfrastructureError: if it tells of an error, or nothing.

    """
    news = read_news(line)
    if wanted not in news:
        raise InfrastructureError(
            f"the student's kernel could not be shut in: {news.get('error')}",
            "see what this machine can do, with: coursekit doctor",
        )


def _start_bare(kind: str, line: socket.socket) -> subprocess.Popen[bytes]:
    """Start the entrance with our own rights."""
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
