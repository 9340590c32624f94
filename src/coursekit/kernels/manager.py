"""Start a student kernel: the one place where that happens."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.session import Session
from jupyter_core.utils import run_sync
from traitlets import Float, Instance, List, Type, default

from coursekit.errors import InfrastructureError
from coursekit.kernels.kernel_client import StudentKernelClient
from coursekit.kernels.own_files import put_own_files
from coursekit.kernels.provisioner import StudentProvisioner
from coursekit.processes.plain_files import OpenFolder, copy_plain_files
from coursekit.processes.temporary_files import (
    telling_of_no_room,
    temporary_folder,
    temporary_place,
)
from coursekit.sandbox.settings import Confinement

KERNEL_NAME = "coursekit-student"
# Files that a student may hand in and read, whatever their size: see `own_files` for small ones.
DATA_SUFFIXES = frozenset({".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tiff", ".webp"})
# Larger than any picture or graph. ZeroMQ closes a channel for good on a larger message.
MAX_MESSAGE_BYTES = 32 * 1024**2
MAX_PARTS = 1000
# A socket's path has at most 104 bytes, on macOS; a folder's may have so many of them.
MAX_PLACE_BYTES = 70
MAX_HEADER_BYTES = 1024**2  # of its headers and metadata together
# A kernel that has broken its end of a channel never accepts a request again.
_SENDING_SECONDS = 2


class StudentKernelSpecs(KernelSpecManager):
    """Knows one kernel, the student's, whatever a notebook asks for."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the student kernel's spec."""
        return KernelSpec(
            # The provisioner starts it.
            argv=[KERNEL_NAME],
            display_name="Student",
            language="python",
            interrupt_mode="message",  # no signal crosses into a namespace of processes
            metadata={"kernel_provisioner": {"provisioner_name": KERNEL_NAME}},
        )


class BoundedSession(Session):
    """Reads a message only if a kernel can have sent it.

    Small parts are cheap to send, but take dozens of times their size when read as JSON.
    """

    def deserialize(
        self, msg_list: list[Any], content: bool = True, copy: bool = True
    ) -> dict[str, Any]:
        """Read a message.

        Raises:
            ValueError: if a part of it is too large, or its signature is wrong.

        """
        if len(msg_list) > MAX_PARTS or sum(map(len, msg_list)) > MAX_MESSAGE_BYTES:
            raise ValueError("a message of too many parts, or too large")
        if sum(map(len, msg_list[1:4])) > MAX_HEADER_BYTES:
            raise ValueError("a message with a header that is too large")
        return super().deserialize(msg_list, content=content, copy=copy)


class StudentKernelManager(AsyncKernelManager):
    """Tells its provisioner how to sandbox the kernel."""

    client_factory = Type(StudentKernelClient)
    confinement = Instance(Confinement)
    deadline = Float(math.inf, help="When the kernel is ended, as `time.monotonic` counts.")
    _clients: Any = List()

    @default("session")
    def _bounded_session(self) -> Session:
        return BoundedSession(parent=self)

    def client(self, **given: Any) -> Any:
        """Return a client whose sockets have our bounds."""
        made = super().client(context=self.context, **given)
        self._clients.append(made)
        return made

    def stop_clients(self) -> None:
        """Close all clients' channels, for which their context could wait for ever."""
        for client in self._clients:
            client.stop_channels()

    async def _async_start_kernel(self, **given: Any) -> None:
        """Start the kernel: its sockets, its connection file and its process."""
        with telling_of_no_room(Path(self.ip).parent.parent):
            await super()._async_start_kernel(**given)

    start_kernel = _async_start_kernel

    async def _async_interrupt_kernel(self) -> None:
        """Ask the kernel to stop what it does, without waiting for one that hears nothing."""
        with contextlib.suppress(zmq.Again):
            await super()._async_interrupt_kernel()

    interrupt_kernel = _async_interrupt_kernel

    async def _async_shutdown_kernel(self, now: bool = True, restart: bool = False) -> None:
        """End the kernel at once, whatever is asked for: it is given no time to say good-bye."""
        if self.provisioner is not None:
            await self.provisioner.kill(restart)
            await self.provisioner.wait()
        await self._async_cleanup_resources(restart)

    shutdown_kernel = _async_shutdown_kernel

    @contextlib.contextmanager
    def ended_after(self, seconds: float) -> Iterator[None]:
        """End the kernel if the block takes longer, whatever the conductor waits for."""
        self._end_at(min(time.monotonic() + seconds, self.deadline))
        try:
            yield
        finally:
            self._end_at(self.deadline)

    def _end_at(self, deadline: float) -> None:
        if isinstance(self.provisioner, StudentProvisioner):
            self.provisioner.end_at(deadline)

    def crowded(self) -> str:
        """Return that no further process or thread can start, with {} for where; or ""."""
        started = self.provisioner
        return started.crowded() if isinstance(started, StudentProvisioner) else ""

    def full_disk(self) -> str:
        """Return that the kernel has more than its disk may hold, with {} for where; or ""."""
        started = self.provisioner
        return started.full_disk() if isinstance(started, StudentProvisioner) else ""

    def refuse_loss(self) -> None:
        """Raise if the kernel ended because something outside its sandbox did.

        Raises:
            InfrastructureError: if so.

        """
        if isinstance(self.provisioner, StudentProvisioner):
            self.provisioner.refuse_loss()

    def why_it_ended(self) -> str:
        """Return which limit ended the kernel, with {} for where; "" if no limit did."""
        started = self.provisioner
        return started.why_it_ended() if isinstance(started, StudentProvisioner) else ""


@contextlib.contextmanager
def student_kernel(
    confinement: Confinement, deadline: float = math.inf
) -> Iterator[StudentKernelManager]:
    """Give a manager for one student kernel, and end the kernel afterwards.

    Its sockets are files in a folder of ours, which the sandbox does not have:
    nothing listens on the network.

    Args:
        confinement: how it is sandboxed.
        deadline: when it is ended whatever it does, as `time.monotonic` counts.

    """
    with temporary_folder("coursekit-line-", _place_for_lines()) as folder:
        manager = StudentKernelManager(
            confinement=confinement,
            deadline=deadline,
            kernel_name=KERNEL_NAME,
            kernel_spec_manager=StudentKernelSpecs(),
            transport="ipc",
            ip=f"{folder}/kernel",
            connection_file=f"{folder}/connection.json",
            cache_ports=False,
        )
        # A kernel may send messages to use up our memory.
        manager.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        manager.context.setsockopt(zmq.SNDTIMEO, 1000 * _SENDING_SECONDS)
        try:
            yield manager
        finally:
            manager.stop_clients()
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)(now=True)
            manager.context.destroy(linger=0)


def _place_for_lines() -> str:
    """The folder for temporary files, or the system's own where that has too long a path.

    Raises:
        InfrastructureError: if neither can be used.

    """
    chosen = temporary_place()
    for place in (chosen, "/tmp"):
        if len(os.fsencode(place)) <= MAX_PLACE_BYTES and os.access(place, os.W_OK | os.X_OK):
            return place
    raise InfrastructureError(
        f"the path of the folder for temporary files is too long for a socket: {chosen}",
        f"choose another of at most {MAX_PLACE_BYTES} letters, with: export TMPDIR=/var/tmp",
    )


@dataclass(frozen=True)
class WorkingFolder:
    """The folder that a student's notebook runs in.

    Attributes:
        path: the folder.
        left_out: why a file of the student's is not in it, by its path.

    """

    path: Path
    left_out: Mapping[str, str]


@contextlib.contextmanager
def working_folder(
    release: Path, submission: OpenFolder, own_files: Mapping[str, bytes]
) -> Iterator[WorkingFolder]:
    """Give a new folder with what the student's notebook may read.

    Args:
        release: the released assignment; its files are copied, but not its notebooks.
        submission: the submitted folder; only its pictures are copied.
        own_files: the small files that were handed in with the notebook, by their paths.

    """
    with temporary_folder("coursekit-work-") as folder:
        with telling_of_no_room(folder.parent):
            for path in sorted(release.rglob("*")):
                left_out = path.suffix == ".ipynb" or "__pycache__" in path.parts
                if path.is_file() and not (path.is_symlink() or left_out):
                    target = folder / path.relative_to(release)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)

            def wanted(inside: Path) -> bool:
                is_picture = inside.suffix.lower() in DATA_SUFFIXES
                return is_picture and not (folder / inside).exists()

            refused = put_own_files(own_files, folder)
            copy_plain_files(submission, folder, wanted)
        yield WorkingFolder(folder, refused)
