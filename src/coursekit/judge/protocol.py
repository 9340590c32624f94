"""The line between the conductor and the judge's process: JSON messages, one at a time."""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any

# The largest message either side takes, in bytes: a graph's JSON and room to spare.
MAX_BYTES = 16_000_000


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
