"""Ctrl-C and SIGTERM, as an event that a serving process waits for, among other ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable


def told_to_end() -> asyncio.Event:
    """Return the event that is set by a signal to end; within a running loop."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def first_of(*waits: Awaitable[object]) -> None:
    """Wait until one of several has come, and no longer for the others."""
    ends = [asyncio.ensure_future(one) for one in waits]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
