"""How a started or forked process becomes a student's kernel, step by step."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import tempfile
from pathlib import Path

from coursekit.sandbox.inside import confinement
from coursekit.sandbox.inside.requests import KernelRequest, ReceivedRequest
from coursekit.sandbox.inside.system_calls import PR_SET_DUMPABLE, prctl
from coursekit.sandbox.limits import most_threads


def tell(line: socket.socket, **news: object) -> None:
    """Send the conductor a message, unless it is gone."""
    try:
        line.sendall(json.dumps(news).encode() + b"\n")
    except OSError:
        return


def tell_error(line: socket.socket, error: OSError) -> None:
    """Tell the conductor why this process cannot become a kernel."""
    tell(line, error=str(error), full=error.errno == errno.ENOSPC)


def confine(request: KernelRequest) -> None:
    """Sandbox this process as the request says, in namespaces that it has already.

    Raises:
        OSError: if the kernel refuses a step; then no student's code may run.

    """
    if request.home:
        confinement.limit_resources(request.limits, threads=None)
        return
    confinement.make_disk(request.limits, request.owner)
    os.chdir("/")
    confinement.hide_name()
    confinement.go_first_when_memory_runs_out()
    confinement.become(request.owner)
    confinement.limit_resources(request.limits, most_threads(request.limits["processes"]))
    confinement.give_up_rights()


def prepare(received: ReceivedRequest) -> None:
    """Prepare home, working folder and environment.

    Raises:
        OSError: if the files do not fit.

    """
    home = received.request.home or confinement.HOME
    temporary = received.request.home or confinement.TEMPORARY
    work = f"{home}/work"
    confinement.unpack(received.archive, work)
    kept = {name: os.environ[name] for name in ("LANG", "PATH", "TZ") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept | confinement.environment(home, temporary))
    # The zygote has looked for the folder already, where it was itself.
    tempfile.tempdir = None
    os.chdir(work)
    # Python's first entry is the folder that it was started in.
    sys.path[0] = work


def become_kernel(received: ReceivedRequest) -> None:
    """Be the kernel until it shuts down."""
    from coursekit.sandbox.inside.student_kernel import serve

    request = received.request
    if not request.home:
        # As with any process, the kernel's own files in /proc belong to it: it has changed its
        # user, or comes from a process whose files do not.
        prctl(PR_SET_DUMPABLE, 1)
    file = Path(request.home or confinement.HOME, ".connection.json")
    file.write_text(json.dumps(request.connection), encoding="utf-8")
    serve(file, received.listening)
