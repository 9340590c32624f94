"""The conductor's request to a sandbox: one message with open files."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

# By custom it owns nothing on any machine.
NOBODY = 65534
_MAX_BYTES = 65536


@dataclass(frozen=True)
class KernelRequest:
    """Asks for one kernel.

    Attributes:
        limits: the JSON data of `Limits`.
        connection: Jupyter's connection information.
        ports: the port in ``connection`` of each listening socket that is sent with it.
        owner: the user id of a sandboxed kernel, as the sandbox counts.
        home: the folder of a kernel without namespaces; "" for its private disk.

    """

    limits: dict[str, Any]
    connection: dict[str, Any]
    ports: tuple[int, ...]
    owner: int = NOBODY
    home: str = ""

    def send(self, line: socket.socket, listening: list[int], archive: int) -> None:
        """Send the request, with its sockets and the archive of files to read."""
        socket.send_fds(line, [json.dumps(asdict(self)).encode()], [*listening, archive])


@dataclass(frozen=True)
class Places:
    """What a kernel may read.

    Attributes:
        readable: files, and folders with all that is in them.
        listable: folders whose names may be seen, and those of the folders below.

    """

    readable: tuple[str, ...]
    listable: tuple[str, ...]

    def send(self, line: socket.socket) -> None:
        """Send them to a process that is to keep to them."""
        line.sendall(json.dumps(asdict(self)).encode() + b"\n")


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrives, with the numbers of its open files."""

    request: KernelRequest
    listening: dict[int, int]
    archive: int


def receive(line: socket.socket) -> ReceivedRequest | None:
    """Wait for a request; None if the conductor is gone."""
    message, files, _, _ = socket.recv_fds(line, _MAX_BYTES, 16)
    if not message:
        return None
    request = KernelRequest(**json.loads(message))
    *listening, archive = files
    return ReceivedRequest(request, dict(zip(request.ports, listening, strict=True)), archive)


def receive_places(line: socket.socket) -> Places:
    """Wait for what kernels may read, which the conductor sends before all else.

    Raises:
        EOFError: if the conductor is gone.

    """
    said = b""
    while not said.endswith(b"\n"):
        piece = line.recv(_MAX_BYTES)
        if not piece:
            raise EOFError("the conductor is gone")
        said += piece
    found = json.loads(said)
    return Places(tuple(found["readable"]), tuple(found["listable"]))
