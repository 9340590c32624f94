"""``coursekit cluster scheduler``: what coordinator and workers connect to."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

from distributed import Scheduler

from coursekit.cluster.addresses import PORT
from coursekit.cluster.certificates import SCHEDULER, certificate_of
from coursekit.cluster.dask_settings import set_up_dask
from coursekit.cluster.interruption import first_of, told_to_end
from coursekit.cluster.security import Member, read_member
from coursekit.cluster.without_http import WithoutHttp
from coursekit.command_runner import Say
from coursekit.errors import CourseKitError, InfrastructureError

LOOPBACK = "127.0.0.1"
_EVERY_NETWORK = {"0.0.0.0", "::"}


def serve(course: Path, host: str, port: int, certificate: Path | None, say: Say) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        course: the course folder.
        host: the name or address of this machine on which to listen; "" for loopback.
        port: the port; 0 for any.
        certificate: the certificate file; None for the one in the course folder.
        say: shows a line.

    Raises:
        CourseKitError: if the certificate cannot be used, if nothing can listen there, or if
            another participant has ended it.
        KeyboardInterrupt: when it was told to end, and has ended.

    """
    member = read_member(certificate or certificate_of(course, SCHEDULER))
    told = asyncio.run(_serve(member, host or LOOPBACK, port, say))
    if not told:
        raise InfrastructureError(
            "a participant of the cluster has ended the scheduler", "run the command again"
        )
    raise KeyboardInterrupt


async def _serve(member: Member, host: str, port: int, say: Say) -> bool:
    """Serve; return whether a signal has ended it."""
    told = told_to_end()
    async with await start_scheduler(member, host, port) as scheduler:
        say(f"the scheduler serves at {scheduler.address}")
        if host == LOOPBACK:
            say("only this machine reaches it; for others: --host NAME_OR_ADDRESS")
        say(
            f"a machine joins with: coursekit cluster worker {scheduler.address} "
            "--certificate NAME.pem"
        )
        await first_of(told.wait(), scheduler.finished())
    return told.is_set()


async def start_scheduler(member: Member, host: str, port: int) -> Scheduler:
    """Start a scheduler on this machine, in this process.

    Args:
        member: as whom it serves.
        host: the name or address to listen on.
        port: the port; 0 for any.

    Raises:
        CourseKitError: if it cannot listen there.

    """
    if host in _EVERY_NETWORK:
        raise CourseKitError(
            f"{host} would open the scheduler to every network that this machine is in",
            "name the address that the other machines reach; see all, with: ip -brief address",
        )
    set_up_dask()
    scheduler = _Scheduler(
        host=host, port=port, protocol="tls", security=member.security(), dashboard=False
    )
    try:
        await scheduler
    except RuntimeError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise _cannot_listen(error.__cause__, host, port) from None
    return scheduler


def _cannot_listen(error: OSError, host: str, port: int) -> CourseKitError:
    """What it means that nothing can listen on an address and port."""
    if error.errno == errno.EADDRINUSE:
        return CourseKitError(
            f"port {port} of {host} is in use by another program, perhaps another scheduler",
            "see which, with: ss -ltnp; or choose another, with: "
            f"coursekit cluster scheduler --port {port + 1}",
        )
    if error.errno == errno.EACCES:
        return CourseKitError(
            f"you may not listen on port {port}", f"choose a port above 1023, such as {PORT}"
        )
    return CourseKitError(
        f"{host} is not a name or address of this machine ({error.strerror})",
        "see its addresses, with: ip -brief address",
    )


class _Scheduler(WithoutHttp, Scheduler):
    """A scheduler that opens one port, for TLS."""
