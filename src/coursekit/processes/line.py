"""The line between the conductor and a process that serves it: JSON messages, one at a time."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any

# The largest message either side takes, in bytes: a graph's JSON and room to spare.
MAX_BYTES = 16_000_000


def start_process(module: str, *arguments: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start ``python -m MODULE FD ARGUMENTS``; return the process and our end of its line."""
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
        return process, Connection(ours.detach())


def send(line: Connection, message: dict[str, Any]) -> None:
    """Send a message of JSON data."""
    line.send_bytes(json.dumps(message).encode())


def receive(line: Connection) -> dict[str, Any]:
    """Wait for a message.

    Raises:
        EOFError: if the other side is gone.
        OSError: if the message is larger than `MAX_BYTES`.

    """
    message = json.loads(line.recv_bytes(MAX_BYTES))
    assert isinstance(message, dict)
    return message
