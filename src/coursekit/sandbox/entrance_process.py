"""Start the first process of a sandbox, and hear from it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any

from coursekit.errors import InfrastructureError
from coursekit.sandbox.inside.requests import NOBODY, KernelRequest
from coursekit.sandbox.owners import only_user, real_root
from coursekit.sandbox.view import (
    BUBBLEWRAP,
    bubblewrap_arguments,
    environment_beside,
    first_environment,
)

SILENT = "it ended without a message"
_MAX_NEWS_BYTES = 65536
_START_SECONDS = 60


def start_sandbox(
    kind: str, line: socket.socket, *words: str, errors: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start bubblewrap with the entrance in it.

    Args:
        kind: what the entrance becomes.
        line: the entrance's end of a connection.
        words: further words of the entrance's command line.
        errors: where its standard error goes.

    """
    root = real_root()
    arguments = bubblewrap_arguments(own_users=not root)
    dropped: dict[str, Any] = {}
    if os.getuid() == 0 and not root:
        if only_user():
            # Outside it is an ordinary user; inside it has an ordinary user's number.
            arguments += ["--uid", str(NOBODY), "--gid", str(NOBODY)]
        else:
            # Root without root's rights becomes an ordinary user first.
            dropped = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    program = shutil.which(BUBBLEWRAP) or BUBBLEWRAP
    entrance = ["-m", "coursekit.sandbox.inside.entrance", kind, str(line.fileno()), *words]
    with memory_file() as file:
        # The sandboxed processes can read a command line, but not this file.
        file.write(b"".join(argument.encode() + b"\0" for argument in arguments))
        file.seek(0)
        return subprocess.Popen(
            [program, "--args", str(file.fileno()), "--", sys.executable, *entrance],
            pass_fds=[file.fileno(), line.fileno()],
            env=first_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            **dropped,
        )


def start_beside(kind: str, line: socket.socket, *words: str) -> subprocess.Popen[bytes]:
    """Start the entrance with our rights, in our namespaces; otherwise as `start_sandbox`."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "coursekit.sandbox.inside.entrance",
            kind,
            str(line.fileno()),
            *words,
        ],
        pass_fds=[line.fileno()],
        env=environment_beside(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def memory_file() -> IO[bytes]:
    """Return a new file in memory, which needs no folder."""
    return os.fdopen(os.memfd_create("coursekit"), "w+b")


def read_news(line: socket.socket, seconds: float) -> tuple[dict[str, Any], list[int]]:
    """Wait for one message of a sandbox's first process.

    Returns:
        The message, with the key "error" if none came, and the descriptors that
        came with it.

    """
    line.settimeout(seconds)
    try:
        said, files, _, _ = socket.recv_fds(line, _MAX_NEWS_BYTES, 1)
    except TimeoutError:
        return {"error": f"it sent no message within {seconds:g} s"}, []
    except OSError as error:
        return {"error": str(error)}, []
    return json.loads(said.split(b"\n")[0]) if said else {"error": SILENT}, files


def wait_until_sandboxed(line: socket.socket) -> list[int]:
    """Wait until a kernel's first process is sandboxed; return the descriptors that it sends.

    Raises:
        InfrastructureError: if it could not be sandboxed; then no code of a student's ran.

    """
    news, files = read_news(line, _START_SECONDS)
    if news.get("full"):
        raise InfrastructureError(
            "the assignment's files do not fit on the disk of the student's kernel",
            "raise c.StudentKernel.disk_megabytes and c.StudentKernel.files, or, without a "
            "sandbox, choose a folder with more room: export TMPDIR=/var/tmp",
        )
    if "started" not in news:
        raise InfrastructureError(
            f"the student's kernel could not be sandboxed: {news.get('error', SILENT)}",
            "see what this machine supports, with: coursekit doctor",
        )
    return files


def start_cold(
    start_entrance: Callable[[str, socket.socket], subprocess.Popen[bytes]],
    request: KernelRequest,
    listening: list[int],
    archive: int,
) -> subprocess.Popen[bytes]:
    """Start a kernel whose first process ``start_entrance`` starts; otherwise as `Level.start`.

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
