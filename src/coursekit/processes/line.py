"""The line between the conductor and a process that serves it: JSON messages, one at a time."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

# The largest message either side takes, in bytes: a graph's JSON and room to spare.
MAX_BYTES = 16_000_000


class Process(Protocol):
    """What we, Jupyter and the watchdog use of `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


class Server(NamedTuple):
    """A process that serves us, and our end of the line to it."""

    process: Process
    line: Connection

    def receive(self, seconds: float) -> dict[str, Any]:
        """Wait for a message, as `receive`.

        Raises:
            TimeoutError: if none comes in time.

        """
        if not self.line.poll(max(seconds, 0.0)):
            raise TimeoutError
        return receive(self.line)

    def close(self) -> None:
        """End the process."""
        self.line.close()
        self.process.kill()
        self.process.wait()


def start_process(module: str, *arguments: str) -> Server:
    """Start ``python -m MODULE FD ARGUMENTS``."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            # -P: nothing is imported from the folder that grading runs in.
            [sys.executable, "-P", "-m", module, str(theirs.fileno()), *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return Server(process, Connection(ours.detach()))


def encoded(message: Any) -> bytes:
    """Return JSON data as the line carries it: UTF-8, and lone surrogates as they are."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")


def send(line: Connection, message: dict[str, Any]) -> None:
    """Send a message of JSON data.

    Raises:
        OSError: if the other side is gone.
        ValueError: if the message is larger than `MAX_BYTES`, which the other side cannot take.

    """
    content = encoded(message)
    if len(content) > MAX_BYTES:
        raise ValueError(f"a message of {len(content):,} bytes; a line takes {MAX_BYTES:,}")
    line.send_bytes(content)


def receive(line: Connection) -> dict[str, Any]:
    """Wait for a message.

    Raises:
        EOFError: if the other side is gone.
        OSError: if the message is larger than `MAX_BYTES`.

    """
    message = json.loads(line.recv_bytes(MAX_BYTES))
    assert isinstance(message, dict)
    return message
