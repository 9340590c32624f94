"""``coursekit cluster worker``: grade for a coordinator on another machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from coursekit.class_grading.workers import cores_of_each, workers_here
from coursekit.cluster.addresses import read_address
from coursekit.cluster.dask_settings import set_up_dask
from coursekit.cluster.interruption import first_of, told_to_end
from coursekit.cluster.reaching import reach
from coursekit.cluster.relay import GradingWorker, unique_name
from coursekit.cluster.security import Member, read_member
from coursekit.cluster.service import Service
from coursekit.command_runner import Say
from coursekit.errors import InfrastructureError
from coursekit.processes.temporary_files import temporary_folder
from coursekit.sandbox.levels import strongest, why_no_sandbox
from coursekit.sandbox.limits import Limits

# How long a worker waits before it tries again to reach a scheduler.
_PAUSE_SECONDS = 2.0


def serve(address: str, certificate: Path, workers: int, name: str, say: Say) -> None:
    """Serve until Ctrl-C or SIGTERM, also if the scheduler goes away and comes back.

    Args:
        address: the scheduler's.
        certificate: this machine's certificate file.
        workers: how many submissions are graded side by side; 0 for as many as this machine has
            cores and memory for.
        name: what this machine is called; "" for its own name.
        say: shows a line.

    Raises:
        CourseKitError: if the address or the certificate cannot be used, or if this machine has
            no sandbox.
        KeyboardInterrupt: when it was told to end, and has ended.

    """
    address, member = read_address(address), read_member(certificate)
    if why := why_no_sandbox():
        raise InfrastructureError(
            f"this machine has no sandbox, so no student's code runs here: {why}",
            "see what is missing, with: coursekit doctor",
        )
    set_up_dask()
    number = workers or workers_here(Limits())
    name = name or socket.gethostname()
    say(f"{name} grades in {strongest().isolation}, {number} side by side")
    with temporary_folder("coursekit-worker-") as place, contextlib.ExitStack() as stack:
        # A kernel with a user id of its own passes through it to the folder of its own.
        place.chmod(0o711)
        services = [
            Service(place, at, cores, say) for at, cores in enumerate(cores_of_each(number))
        ]
        # All are told before one is waited for.
        for step in (Service.wait_for_end, Service.end):
            for service in services:
                stack.callback(step, service)
        asyncio.run(_serve(address, member, name, services, place, say))
    raise KeyboardInterrupt


async def _serve(
    address: str, member: Member, name: str, services: list[Service], place: Path, say: Say
) -> None:
    """Join the cluster, again and again, until a signal comes."""
    told = told_to_end()
    missed = ""
    while not told.is_set():
        try:
            async with _joined(address, member, name, services, place) as workers:
                say(f"{name} serves {address}")
                missed = ""
                await first_of(told.wait(), *map(_end_of, workers))
        except OSError as error:
            why = str(error) or type(error).__name__
            if why != missed:
                say(f"{address} cannot be reached: {why}; trying again")
            missed = why
        else:
            if not told.is_set():
                say(f"the connection to {address} has ended; joining again")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _PAUSE_SECONDS)


@contextlib.asynccontextmanager
async def _joined(
    address: str, member: Member, name: str, services: list[Service], place: Path
) -> AsyncIterator[list[GradingWorker]]:
    """The Dask workers of this machine, one for each service, as long as the block lasts.

    Raises:
        OSError: if the scheduler cannot be reached.

    """
    # On this machine's address towards the scheduler, and on no other.
    own = await asyncio.to_thread(reach, address, member, _PAUSE_SECONDS)
    workers = []
    try:
        for number, service in enumerate(services):
            worker = GradingWorker(
                address,
                name=unique_name(f"{name}/{number}"),
                nthreads=1,
                host=own,
                security=member.security(),
                local_directory=str(place / "dask"),
                # Nothing is kept here, so nothing has to make room.
                memory_limit=0,
                death_timeout=_PAUSE_SECONDS,
            )
            worker.service = service
            workers.append(worker)
        try:
            await asyncio.gather(*workers)
        except RuntimeError as error:
            raise OSError(str(error.__cause__ or error)) from error
        yield workers
    finally:
        await asyncio.gather(
            *(worker.close(timeout=_PAUSE_SECONDS, nanny=False) for worker in workers),
            return_exceptions=True,
        )


async def _end_of(worker: Any) -> None:
    await worker.finished()
