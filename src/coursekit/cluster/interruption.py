"""Ctrl-C and SIGTERM, as an event that a serving process waits for."""

from __future__ import annotations

import asyncio
import signal


def told_to_end() -> asyncio.Event:
    """Return the event that is set by a signal to end; within a running loop."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told
