"""What each level of the sandbox does: start a student's kernel, or say why it cannot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from coursekit.processes.line import Process
from coursekit.sandbox.inside.requests import KernelRequest
from coursekit.sandbox.owners import real_root


class Level(ABC):
    """A way to start a student's kernel.

    Attributes:
        name: how settings and verdicts name it.
        words: what it is, for people.
        sandboxed: whether it keeps a student's code from the course and the network.

    """

    name: ClassVar[str]
    words: ClassVar[str]
    sandboxed: ClassVar[bool] = True

    @property
    def isolation(self) -> str:
        """What verdicts say of a kernel at this level."""
        return self.name

    def whose_user(self) -> str:
        """Whose user id its kernels have, for people."""
        return "a user id of their own" if real_root() else "your user id, in a namespace of users"

    @abstractmethod
    def why_not(self) -> str:
        """Return why this machine lacks the level; "" if it has it."""

    @abstractmethod
    def start(self, request: KernelRequest, listening: list[int], archive: int) -> Process:
        """Start a kernel, and wait until it is as sandboxed as the level makes it.

        Args:
            request: the kernel that is wanted; the level chooses its owner and its home.
            listening: its listening sockets, in the order of the request's ports.
            archive: the tar file of the files that it may read.

        Raises:
            InfrastructureError: if it could not be started; then no code of a student's ran.

        """
