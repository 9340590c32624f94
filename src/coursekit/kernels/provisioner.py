"""How a student kernel's process is started: the one place, whatever shuts it in.

Registered as the ``jupyter_client`` kernel provisioner "coursekit-student".
"""

from __future__ import annotations

import os
import socket
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.levels.bubblewrap import start_cold
from coursekit.sandbox.limits import in_words
from coursekit.sandbox.probing import NONE, ZYGOTE, fresh_owner
from coursekit.sandbox.settings import Confinement, StudentKernel
from coursekit.sandbox.watchdog import MOST_UNREAD, Watchdog

# How the shell calls a death by a signal, which bubblewrap passes on.
_BY_SIGNAL = 128
_ABORTED, _KILLED, _SEGMENT, _PROCESSOR_TIME = 6, 9, 11, 24
_NEARLY_ALL = 0.75
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port")


class StudentProvisioner(LocalProvisioner):
    """Starts a student kernel in the sandbox that its manager asks for."""

    confinement: Confinement
    process: Any = None
    _home: tempfile.TemporaryDirectory[str] | None = None
    _watchdog: Watchdog | None = None
    _ended: int | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, with copies of the files of its working folder.

        Raises:
            InfrastructureError: if it could not be shut in.

        """
        # A manager that says nothing of it gets the strongest sandbox there is, or none at all.
        self.confinement = getattr(self.parent, "confinement", None) or (
            StudentKernel(parent=self).confinement()
        )
        confined = self.confinement.level != NONE
        if not confined:
            self._home = tempfile.TemporaryDirectory(prefix="coursekit-home-")
        connection: dict[str, Any] = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in self.connection_info.items()
        }
        request = KernelRequest(
            self.confinement.limits.as_json(),
            fresh_owner() if confined else os.getuid(),
            connection,
            tuple(connection[name] for name in _PORTS),
            confined=confined,
            home="" if self._home is None else self._home.name,
            alone=confined,
        )
        listening = [_listen(f"{connection['ip']}-{port}") for port in request.ports]
        try:
            with _archive(Path(kwargs["cwd"])) as archive:
                numbers = [line.fileno() for line in listening]
                if self.confinement.level == ZYGOTE:
                    from coursekit.sandbox.levels.zygote import start_warm

                    self.process = start_warm(request, numbers, archive.fileno())
                else:
                    self.process = start_cold(request, numbers, archive.fileno())
        finally:
            for line in listening:
                line.close()
        self.pid = self.process.pid
        self._watchdog = Watchdog(self.process.pid, self.confinement.limits, self.process.kill)
        return self.connection_info

    async def poll(self) -> int | None:
        """Return the kernel's exit status, or None while it runs."""
        if self.process:
            self._ended = self.process.poll()
        return await super().poll()

    async def cleanup(self, restart: bool = False) -> None:
        """Stop watching, and remove what the kernel left."""
        await super().cleanup(restart=restart)
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._home is not None:
            self._home.cleanup()
            self._home = None

    def end_at(self, deadline: float) -> None:
        """End the kernel at a time, as `time.monotonic` counts, if it still runs then."""
        if self._watchdog is not None:
            self._watchdog.deadline = deadline

    def why_it_ended(self) -> str:
        """Return which limit ended the kernel, as "memory ran out in {} (4 GB)"; "" if none."""
        limits = self.confinement.limits
        if self._watchdog is not None and self._watchdog.flooded:
            return f"{{}} sent more than can be read ({in_words(MOST_UNREAD)})"
        if self._watchdog is not None and self._watchdog.overran:
            return "{} could not be stopped in time, so that its kernel was ended"
        ended = abs(self._ended or 0) % _BY_SIGNAL
        if self._watchdog is not None and self._watchdog.memory_ran_out:
            return f"memory ran out in {{}} ({in_words(limits.total_memory)} in all processes)"
        if ended == _PROCESSOR_TIME:
            return f"{{}} used up the processor time ({limits.processor_seconds} s)"
        if (
            ended in (_ABORTED, _SEGMENT, _KILLED)
            and self._watchdog is not None
            and self._watchdog.peak_addresses > _NEARLY_ALL * limits.process_memory
        ):
            return f"memory ran out in {{}} ({in_words(limits.process_memory)})"
        return ""


def _listen(path: str) -> socket.socket:
    """Listen where the conductor's side will call; the kernel takes the socket over."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.bind(path)
    line.listen(16)
    line.setblocking(False)
    return line


def _archive(folder: Path) -> IO[bytes]:
    """Put a folder's files into one, without their owners."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    file.seek(0)
    return file
