"""Watch what all processes of one kernel use together, which no limit of the system counts."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from coursekit.isolation.limits import Limits

_PAUSE = 0.2  # seconds between two looks
_SHARE = re.compile(r"^(?:Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(r"^VmPeak:\s+(\d+) kB", re.MULTILINE)


class Watchdog:
    """Kills a kernel whose processes use more memory together than they may.

    Args:
        first: the process that all others descend from.
        limits: what they may use.
        kill: ends them all.

    Attributes:
        memory_ran_out: whether it had to.
        peak_addresses: the most bytes of addresses that one process had.

    """

    def __init__(self, first: int, limits: Limits, kill: Callable[[], None]) -> None:
        self.memory_ran_out = False
        self.peak_addresses = 0
        self._first = first
        self._limits = limits
        self._kill = kill
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE):
            used = 0
            for process in descendants(self._first):
                used += _memory(process)
                self.peak_addresses = max(self.peak_addresses, _addresses(process))
            if used > self._limits.total_memory:
                self.memory_ran_out = True
                self._kill()
                return


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


def _memory(process: int) -> int:
    """The bytes that a process uses, its part of what it shares with others included."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return 1024 * sum(map(int, _SHARE.findall(text)))
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _addresses(process: int) -> int:
    with contextlib.suppress(OSError):
        found = _PEAK.search(Path(f"/proc/{process}/status").read_text())
        return 1024 * int(found[1]) if found else 0
    return 0
