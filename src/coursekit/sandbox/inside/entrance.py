"""The first process of a level: ``python -m coursekit.sandbox.inside.entrance KIND FD``.

KIND is "kernel" to become the kernel that the conductor asks for on the
connection FD, or "zygote" to fork one for each request; "guarding-zygote" does so
without namespaces. "probe" and "probe-guarding" try every step of the sandbox and
report the result.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from coursekit.sandbox.inside import guardian, namespaces
from coursekit.sandbox.inside.kernel_start import become_kernel, confine, prepare, tell, tell_error
from coursekit.sandbox.inside.requests import KernelRequest, receive, receive_places


def main() -> None:
    """Do what the command line asks for."""
    kind, number = sys.argv[1], int(sys.argv[2])
    with socket.socket(fileno=number) as line:
        if kind == "kernel":
            _be_kernel(line)
        else:
            _OTHERS[kind](line)


def _be_kernel(line: socket.socket) -> None:
    received = receive(line)
    if received is None:
        return
    try:
        confine(received.request)
        prepare(received)
    except OSError as error:
        tell_error(line, error)
        return
    tell(line, started=True)
    line.close()
    become_kernel(received)


def probe(line: socket.socket) -> None:
    """Try every step on this process, and tell the conductor what this machine supports."""
    from coursekit.sandbox.limits import Limits

    owner = int(sys.argv[3])
    try:
        why_not_nested = namespaces.try_nesting(owner)
        confine(KernelRequest(asdict(Limits()), {}, (), owner))
        import coursekit.sandbox.inside.student_kernel as found

        tell(line, why_not_nested=why_not_nested, kernel=found.__name__)
    except (OSError, ImportError) as error:
        tell(line, error=f"{type(error).__name__}: {error}")


def serve_guarded_kernels(line: socket.socket) -> None:
    """Fork guarded kernels, which may read what the conductor names first."""
    guardian.serve_kernels(line, receive_places(line))


def probe_guarding(line: socket.socket) -> None:
    """Confine this process without namespaces, and tell the conductor whether that is of use."""
    from coursekit.sandbox.limits import Limits

    places = receive_places(line)
    owner, home, outside = int(sys.argv[3]), sys.argv[4], sys.argv[5]
    request = KernelRequest(asdict(Limits()), {}, (), owner, home)
    try:
        guardian.make_home(request)
        guardian.confine(request, places)
        import coursekit.sandbox.inside.student_kernel as found

        Path(home, "written").write_text(found.__name__)
        tell(line, reached=list(_reached(outside)))
    except (OSError, ImportError) as error:
        tell(line, error=f"{type(error).__name__}: {error}")


def _reached(outside: str) -> Iterator[str]:
    """What can be reached though it is outside of what confines this process."""
    with contextlib.suppress(OSError), open(outside):
        yield outside
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX):
        yield "sockets"


_OTHERS: dict[str, Callable[[socket.socket], None]] = {
    "zygote": namespaces.serve_kernels,
    "guarding-zygote": serve_guarded_kernels,
    "probe": probe,
    "probe-guarding": probe_guarding,
}

if __name__ == "__main__":
    main()
