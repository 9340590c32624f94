"""Start a kernel in a process of its own, which imports everything itself."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable

from coursekit.sandbox.bubblewrap_process import wait_until_sandboxed
from coursekit.sandbox.inside.requests import KernelRequest


def start_cold(
    start_entrance: Callable[[str, socket.socket], subprocess.Popen[bytes]],
    request: KernelRequest,
    listening: list[int],
    archive: int,
) -> subprocess.Popen[bytes]:
    """Start a kernel, and wait until it is sandboxed.

    Args:
        start_entrance: starts the first process, given its kind and its end of a connection.
        request: as for `Level.start`.
        listening: as for `Level.start`.
        archive: as for `Level.start`.

    Raises:
        InfrastructureError: if it could not be started; then no code of a student's ran.

    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = start_entrance("kernel", theirs)
        try:
            request.send(ours, listening, archive)
            wait_until_sandboxed(ours)
        except BaseException:
            process.kill()
            process.wait()
            raise
    return process
