"""How a student kernel's process is started: the one place, at every level of the sandbox.

Registered as the ``jupyter_client`` kernel provisioner "coursekit-student".
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tarfile
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from coursekit.errors import InfrastructureError
from coursekit.sandbox.inside.confinement import COPIED_AT_ONCE
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.settings import Confinement
from coursekit.sandbox.watchdog import Watchdog

# A process that the system has been told to end takes some hundredths of a second.
_ENDING_SECONDS = 5
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port")


class StudentProvisioner(LocalProvisioner):
    """Starts a student kernel in the sandbox that its manager asks for."""

    process: Any = None
    _watchdog: Watchdog | None = None
    _ended: int | None = None
    _left = 0

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, with copies of the files of its working folder.

        Raises:
            InfrastructureError: if it could not be sandboxed.

        """
        # A manager that says nothing about the sandbox gets no kernel.
        manager: Any = self.parent
        confinement: Confinement = manager.confinement
        connection: dict[str, Any] = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in self.connection_info.items()
        }
        ports = tuple(connection[name] for name in _PORTS)
        request = KernelRequest(asdict(confinement.limits), connection, ports)
        listening = [_listen(f"{connection['ip']}-{port}") for port in ports]
        try:
            with _archive(Path(kwargs["cwd"]), Path(connection["ip"]).parent) as archive:
                numbers = [line.fileno() for line in listening]
                self.process = confinement.level.start(request, numbers, archive.fileno())
        finally:
            for line in listening:
                line.close()
        self.pid = self.process.pid
        self._watchdog = Watchdog(
            self.process.pid,
            confinement.limits,
            self.process.kill,
            # Only a kernel with a guardian has one.
            guarded_home=getattr(self.process, "home", ""),
        )
        self._watchdog.deadline = manager.deadline
        return self.connection_info

    async def poll(self) -> int | None:
        """Return the kernel's exit status, or None while it runs."""
        if self.process:
            self._ended = self.process.poll()
            # Only a zygote's kernel tells how many processes it left.
            self._left = getattr(self.process, "left", 0)
        return await super().poll()

    async def wait(self) -> int | None:
        """Wait until the kernel has ended: for that itself, and not for the next look at it."""
        if self.process:
            with contextlib.suppress(TimeoutError, subprocess.TimeoutExpired):
                self.process.wait(_ENDING_SECONDS)
            if await self.poll() is None:
                return None  # the system cannot end it; nobody waits for it any longer
        return await super().wait()

    async def cleanup(self, restart: bool = False) -> None:
        """Stop watching."""
        await super().cleanup(restart=restart)
        if self._watchdog is not None:
            self._watchdog.stop()

    def end_at(self, deadline: float) -> None:
        """End the kernel at a time, as `time.monotonic` counts, if it still runs then."""
        if self._watchdog is not None:
            self._watchdog.deadline = deadline

    def crowded(self) -> str:
        """Return that no further process or thread can start, as `Watchdog.crowded`; or ""."""
        return self._watchdog.crowded() if self._watchdog else ""

    def full_disk(self) -> str:
        """Return that the kernel has filled its folder, as `Watchdog.full_disk`; or ""."""
        return self._watchdog.full_disk() if self._watchdog else ""

    def refuse_loss(self) -> None:
        """Raise if the kernel ended because something outside its sandbox did.

        Raises:
            InfrastructureError: if so; its student cannot have caused that.

        """
        lost = getattr(self.process, "was_lost", None)
        if lost and lost():
            raise InfrastructureError(
                "the process that the student's kernel was forked from has ended",
                "grade the submission again; if that fails too, look for a lack of memory, "
                "with: dmesg",
            )

    def why_it_ended(self) -> str:
        """Return which limit ended the kernel, as `Watchdog.why_it_ended`; "" if no limit did."""
        if self._watchdog is None:
            return ""
        return self._watchdog.why_it_ended(self._ended or 0, self._left)


def _listen(path: str) -> socket.socket:
    """Listen where the conductor will call; the kernel takes the socket over."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.bind(path)
    line.listen(16)
    line.setblocking(False)
    return line


def _archive(folder: Path, place: Path) -> IO[bytes]:
    """Put a folder's files into a temporary tar file, which is in another folder."""
    file: IO[bytes] = tempfile.TemporaryFile(dir=place)  # noqa: SIM115 (the caller closes it)
    form = tarfile.GNU_FORMAT  # with the shortest headers
    with tarfile.TarFile(
        fileobj=file, mode="w", format=form, copybufsize=COPIED_AT_ONCE
    ) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    file.seek(0)
    return file
