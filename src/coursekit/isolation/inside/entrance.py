"""The first process in a sandbox: ``python -m coursekit.isolation.inside.entrance KIND FD``.

KIND is "kernel" to become the kernel that the conductor asks for on the
connection FD, "zygote" to fork one for each request, or "probe" to try all that
shuts a kernel in and to say how far it went.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from coursekit.isolation.inside import confinement, landlock, seccomp
from coursekit.isolation.inside.requests import KernelRequest, ReceivedRequest, receive


def main() -> None:
    """Do what the command line asks for."""
    kind, number = sys.argv[1], int(sys.argv[2])
    with socket.socket(fileno=number) as line:
        if kind == "kernel":
            received = receive(line)
            if received is None:
                return
            try:
                confine(received.request)
                prepare(received)
            except OSError as error:
                tell(line, error=str(error))
                return
            tell(line, started=True)
        elif kind == "probe":
            probe(line)
            return
        else:
            from coursekit.isolation.inside.zygote import serve_forks

            serve_forks(line)
            return
    become_kernel(received)


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
    from coursekit.kernels.student_kernel import serve

    request = received.request
    file = Path(request.home or confinement.HOME, ".connection.json")
    file.write_text(json.dumps(request.connection), encoding="utf-8")
    serve(file, received.listening)


def probe(line: socket.socket) -> None:
    """Try every step on this process, and tell what this machine has of it."""
    from coursekit.isolation.inside.zygote import try_nesting
    from coursekit.isolation.limits import Limits

    limits = Limits().as_json()
    owner = int(sys.argv[3])
    try:
        why_not_nested = try_nesting(owner)
        confine(KernelRequest(limits, owner, {}, ()))
        import coursekit.kernels.student_kernel as found

        tell(
            line,
            confined=True,
            why_not_nested=why_not_nested,
            landlock=landlock.version(),
            seccomp=seccomp.available(),
            kernel=found.__name__,
        )
    except (OSError, ImportError) as error:
        tell(line, confined=False, error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
