"""How the process that was started or forked becomes a student's kernel, step by step."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from coursekit.sandbox.inside import confinement
from coursekit.sandbox.inside.requests import KernelRequest, ReceivedRequest


def tell(line: socket.socket, **news: object) -> None:
    """Tell the conductor something, unless it is gone."""
    try:
        line.sendall(json.dumps(news).encode() + b"\n")
    except OSError:
        return


def confine(request: KernelRequest) -> None:
    """Shut this process in as the request says.

    Raises:
        OSError: if the kernel refuses a step; then no student's code may run.

    """
    if request.confined:
        confinement.make_disk(request.limits, request.owner)
        os.chdir("/")
        confinement.go_first_when_memory_runs_out()
        confinement.become(request.owner)
    confinement.limit_resources(request.limits, alone=request.alone)
    if request.confined:
        confinement.give_up_rights()


def prepare(received: ReceivedRequest) -> None:
    """Lay out home, working folder and environment.

    Raises:
        OSError: if the files do not fit.

    """
    home = received.request.home or confinement.HOME
    work = f"{home}/work"
    confinement.unpack(received.archive, work)
    kept = {name: os.environ[name] for name in ("LANG", "PATH", "TZ") if name in os.environ}
    temporary = confinement.TEMPORARY if received.request.confined else home
    os.environ.clear()
    os.environ.update(kept | confinement.environment(home, temporary))
    os.chdir(work)
    # Python put the folder there that it was started in.
    sys.path[0] = work


def become_kernel(received: ReceivedRequest) -> None:
    """Be the kernel; returns when it shuts down."""
    from coursekit.sandbox.inside.student_kernel import serve

    request = received.request
    file = Path(request.home or confinement.HOME, ".connection.json")
    file.write_text(json.dumps(request.connection), encoding="utf-8")
    serve(file, received.listening)
