"""The first process in a sandbox: ``python -m coursekit.sandbox.inside.entrance KIND FD``.

KIND is "kernel" to become the kernel that the conductor asks for on the
connection FD, "zygote" to fork one for each request, or "probe" to try every
step of the sandbox and to report the result.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import asdict

from coursekit.sandbox.inside import landlock, seccomp
from coursekit.sandbox.inside.kernel_forks import serve_forks, try_nesting
from coursekit.sandbox.inside.kernel_start import become_kernel, confine, prepare, tell, tell_error
from coursekit.sandbox.inside.requests import KernelRequest, receive


def main() -> None:
    """Do what the command line asks for."""
    kind, number = sys.argv[1], int(sys.argv[2])
    with socket.socket(fileno=number) as line:
        if kind != "kernel":
            (probe if kind == "probe" else serve_forks)(line)
            return
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
    become_kernel(received)


def probe(line: socket.socket) -> None:
    """Try every step on this process, and tell the conductor what this machine supports."""
    from coursekit.sandbox.limits import Limits

    owner = int(sys.argv[3])
    try:
        why_not_nested = try_nesting(owner)
        version = landlock.version()
        confine(KernelRequest(asdict(Limits()), {}, (), owner))
        import coursekit.sandbox.inside.student_kernel as found

        tell(
            line,
            why_not_nested=why_not_nested,
            landlock=version,
            seccomp=seccomp.available(),
            kernel=found.__name__,
        )
    except (OSError, ImportError) as error:
        tell(line, error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
