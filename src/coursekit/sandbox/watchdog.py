"""Watch what all processes of one kernel use together, which no limit of the system counts."""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from coursekit.sandbox.limits import GIGABYTE, MEGABYTE, Limits, in_words

MAX_UNREAD = GIGABYTE
_PAUSE = 0.2  # seconds between two looks
_EXACT_SECONDS = 1.0  # that one look may spend on finding out what is shared
# What the system may hold for one of them, outside of any process.
_SOCKET_BYTES, _FILE_BYTES = 512 * 1024, 8 * 1024
# psutil lacks a process's swap, page tables and peak, and its share of shared swap.
_HELD = re.compile(r"^(?:VmRSS|VmSwap):\s+(\d+) kB", re.MULTILINE)
_HELD_ALONE = re.compile(r"^(?:VmPTE|HugetlbPages):\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(r"^(?:Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(r"^VmPeak:\s+(\d+) kB", re.MULTILINE)
_FILES = re.compile(r"^FDSize:\s+(\d+)", re.MULTILINE)
_SOCKETS = re.compile(r"^sockets: used (\d+)", re.MULTILINE)
# The shell calls a death by a signal 128 and its number, which bubblewrap passes on.
_BY_SIGNAL = 128
_NEARLY_ALL = 0.75


class Watchdog:
    """Ends a kernel that uses too much memory, its own or ours, or too much time.

    Args:
        first: the process from which all others descend.
        limits: what they may use.
        kill: ends them all.

    Attributes:
        deadline: when it is ended whatever it does, as `time.monotonic` counts.
            Messages without end can keep us from every other limit.

    """

    def __init__(self, first: int, limits: Limits, kill: Callable[[], None]) -> None:
        self.deadline = math.inf
        self._why = ""  # which limit it was ended for
        self._peak_addresses = 0  # the most bytes of addresses of one process
        self._first = first
        self._limits = limits
        self._total = limits.total_megabytes * MEGABYTE
        self._kill = kill
        self._ours = _kilobytes(_HELD, _status("self"))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def why_it_ended(self, status: int) -> str:
        """Return which limit ended a kernel of this exit status; "" if no limit did.

        For example "memory ran out in {} (4 GB)", with {} for what ran.
        """
        if self._why:
            return self._why
        number = abs(status) % _BY_SIGNAL
        if number == signal.SIGXCPU:
            return f"{{}} used up the processor time ({self._limits.processor_seconds} s)"
        most = self._limits.process_megabytes * MEGABYTE
        if (
            number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL)
            and self._peak_addresses > _NEARLY_ALL * most
        ):
            return f"memory ran out in {{}} ({in_words(most)})"
        return ""

    def _watch(self) -> None:
        while not self._why and not self._ended.wait(_PAUSE):
            if _kilobytes(_HELD, _status("self")) - self._ours > MAX_UNREAD:
                self._why = f"{{}} sent more than can be read ({in_words(MAX_UNREAD)})"
            elif time.monotonic() > self.deadline:
                self._why = "{} could not be stopped in time, so that its kernel was ended"
            elif self._used() > self._total:
                self._why = f"memory ran out in {{}} ({in_words(self._total)} in all processes)"
            if self._why:
                self._kill()

    def _used(self) -> int:
        """The bytes of memory that they use; as exact as it must be to say whether too many."""
        held: dict[int, int] = {}
        processes = descendants(self._first)
        # One of them that still runs, for they share a network.
        used = _SOCKET_BYTES * next(filter(None, map(_sockets, reversed(processes))), 0)
        for process in processes:
            process, status = _living_thread(process)
            self._peak_addresses = max(self._peak_addresses, _kilobytes(_PEAK, status))
            held[process] = _kilobytes(_HELD, status)
            used += held[process] + _kilobytes(_HELD_ALONE, status)
            used += _FILE_BYTES * sum(map(int, _FILES.findall(status)))
        # What processes share was counted for each. A closer look takes long where there are
        # many, and memory may grow meanwhile: then only the processes count that were looked
        # at, the largest first, unless little memory is left.
        until = time.monotonic() + _EXACT_SECONDS
        sure = used - sum(held.values())
        for process, counted in sorted(held.items(), key=lambda each: -each[1]):
            if used <= self._total or sure > self._total:
                break
            if time.monotonic() > until:
                return used if psutil.virtual_memory().available < self._total else sure
            share = min(counted, _shares(process, counted))
            used -= counted - share
            sure += share
        return used


def descendants(first: int) -> list[int]:
    """Return a process and all that descend from it.

    A process that outlives its parent descends from the first process of its
    namespace, so that every process of a sandbox is among them.
    """
    try:
        children = psutil.Process(first).children(recursive=True)
    except psutil.Error:
        children = []
    return [first, *(child.pid for child in children)]


def _living_thread(process: int) -> tuple[int, str]:
    """A thread of the process, and its status: the first thread, or another if that has ended.

    An ended first thread shows no memory, while the others still use it.
    """
    status = _status(process)
    if "\nState:\tZ" in status:
        with contextlib.suppress(OSError):
            for thread in map(int, os.listdir(f"/proc/{process}/task")):
                if _HELD.search(found := _status(thread)):
                    return thread, found
    return process, status


def _status(process: int | str) -> str:
    with contextlib.suppress(OSError):
        # Its name may hold anything but a line's end.
        return Path(f"/proc/{process}/status").read_text(errors="replace")
    return ""


def _kilobytes(wanted: re.Pattern[str], text: str) -> int:
    return 1024 * sum(map(int, wanted.findall(text)))


def _shares(process: int, counted: int) -> int:
    """The bytes that a process uses, with its part of what it shares with others."""
    try:
        return _kilobytes(_SHARE, Path(f"/proc/{process}/smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended since it was counted
    except OSError:
        return counted


def _sockets(process: int) -> int:
    """How many sockets a process's network namespace has, if it is not ours."""
    with contextlib.suppress(OSError):
        if not os.path.samefile(f"/proc/{process}/ns/net", "/proc/self/ns/net"):
            found = _SOCKETS.search(Path(f"/proc/{process}/net/sockstat").read_text())
            return int(found[1]) if found else 0
    return 0
