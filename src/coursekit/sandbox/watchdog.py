"""Watch what all processes of one kernel use together, which no limit of the system counts."""

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from coursekit.sandbox.limits import GIGABYTE, Limits

MOST_UNREAD = GIGABYTE
_PAUSE = 0.2  # seconds between two looks
_EXACT_SECONDS = 1.0  # that one look may spend on finding out what is shared
# What the system may hold for one of them, outside of any process.
_SOCKET_BYTES, _FILE_BYTES = 512 * 1024, 8 * 1024
_HELD = re.compile(r"^(?:VmRSS|VmSwap):\s+(\d+) kB", re.MULTILINE)
_HELD_ALONE = re.compile(r"^(?:VmPTE|HugetlbPages):\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(r"^(?:Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(r"^VmPeak:\s+(\d+) kB", re.MULTILINE)
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)
_FILES = re.compile(r"^FDSize:\s+(\d+)", re.MULTILINE)
_SOCKETS = re.compile(r"^sockets: used (\d+)", re.MULTILINE)


class Watchdog:
    """Kills a kernel that uses more than it may of memory, of ours too, or of time.

    Args:
        first: the process that all others descend from.
        limits: what they may use.
        kill: ends them all.

    Attributes:
        deadline: when it is killed whatever it does, as `time.monotonic` counts.
            Messages without end can keep us from heeding any other limit.
        memory_ran_out: whether it was killed for memory.
        flooded: whether it was killed because we held more of its messages than
            we can: `MOST_UNREAD`, even as parts of a single message.
        overran: whether it was killed at the deadline.
        peak_addresses: the most bytes of addresses that one process had.

    """

    def __init__(self, first: int, limits: Limits, kill: Callable[[], None]) -> None:
        self.deadline = math.inf
        self.memory_ran_out = False
        self.flooded = False
        self.overran = False
        self.peak_addresses = 0
        self._first = first
        self._limits = limits
        self._kill = kill
        self._ours = _kilobytes(_HELD, _status("self"))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE):
            self.overran = time.monotonic() > self.deadline
            self.flooded = _kilobytes(_HELD, _status("self")) - self._ours > MOST_UNREAD
            self.memory_ran_out = self._used() > self._limits.total_memory
            if self.overran or self.flooded or self.memory_ran_out:
                self._kill()
                return

    def _used(self) -> int:
        """The bytes of memory that they use; as exact as it must be to say whether too many."""
        held: dict[int, int] = {}
        processes = descendants(self._first)
        used = _SOCKET_BYTES * _sockets(processes[-1])
        for process in processes:
            status = _status(process)
            self.peak_addresses = max(self.peak_addresses, _kilobytes(_PEAK, status))
            held[process] = _kilobytes(_HELD, status)
            used += held[process] + _kilobytes(_HELD_ALONE, status)
            used += _FILE_BYTES * sum(map(int, _FILES.findall(status)))
        # What processes share was counted for each. To look closer takes long where there are
        # many, and memory may grow meanwhile: then only what was looked at counts, the
        # largest first, unless little memory is left.
        until = time.monotonic() + _EXACT_SECONDS
        sure = used - sum(held.values())
        for process, counted in sorted(held.items(), key=lambda each: -each[1]):
            if used <= self._limits.total_memory or sure > self._limits.total_memory:
                break
            if time.monotonic() > until:
                return used if _available() < self._limits.total_memory else sure
            share = min(counted, _shares(process, counted))
            used -= counted - share
            sure += share
        return used


def descendants(first: int) -> list[int]:
    """Return a process and all that descend from it.

    Whoever outlives its parent descends from the first process of its
    namespace, so that nobody in a sandbox is left out.
    """
    children: dict[int, list[int]] = {}
    # Only Linux tells; elsewhere there is no sandbox either.
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            with contextlib.suppress(OSError):
                # The name between brackets may hold anything.
                fields = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], [first]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def _status(process: int | str) -> str:
    with contextlib.suppress(OSError):
        # Its name may hold anything but a line's end.
        return Path(f"/proc/{process}/status").read_text(errors="replace")
    return ""


def _kilobytes(wanted: re.Pattern[str], text: str) -> int:
    return 1024 * sum(map(int, wanted.findall(text)))


def _shares(process: int, counted: int) -> int:
    """The bytes that a process uses, its part of what it shares with others included."""
    try:
        return _kilobytes(_SHARE, Path(f"/proc/{process}/smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended since it was counted
    except OSError:
        return counted


def _available() -> int:
    """The bytes of memory that the machine has left."""
    with contextlib.suppress(OSError):
        return _kilobytes(_AVAILABLE, Path("/proc/meminfo").read_text())
    return 0


def _sockets(process: int) -> int:
    """How many sockets there are in a process's namespace of the network, if it is not ours."""
    with contextlib.suppress(OSError):
        if not os.path.samefile(f"/proc/{process}/ns/net", "/proc/self/ns/net"):
            found = _SOCKETS.search(Path(f"/proc/{process}/net/sockstat").read_text())
            return int(found[1]) if found else 0
    return 0
