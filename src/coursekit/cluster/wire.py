"""What goes over the wire: JSON data, and bytes after it, as one sequence of bytes."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from coursekit.processes.line import encoded

_LENGTH_BYTES = 8


class Message(NamedTuple):
    """A message.

    Attributes:
        data: what it says, as JSON data.
        content: bytes that it is about.

    """

    data: dict[str, Any]
    content: bytes = b""


def to_bytes(message: Message) -> bytes:
    """Return a message as it goes over the wire."""
    data = encoded(message.data)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data + message.content


def from_bytes(sent: bytes) -> Message:
    """Return the message that was sent.

    Raises:
        ValueError: if it is not one.

    """
    start = _LENGTH_BYTES + int.from_bytes(sent[:_LENGTH_BYTES], "big")
    # A lone surrogate is a student's, and stays what it is.
    try:
        data = json.loads(sent[_LENGTH_BYTES:start].decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise ValueError("a message that is nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("a message that holds no JSON object")
    return Message(data, sent[start:])
