"""Measure what all processes of one kernel hold together, which no limit of the system counts."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from coursekit.sandbox.watched_files import MAX_WATCHES, most_watches, watched_files

_EXACT_SECONDS = 1.0  # that one look may spend on finding out what is shared
# What the system holds outside of any process: for an open file, which may be half a pipe,
# for a mapping, and for a file that another one (epoll) waits for.
_FILE_BYTES, _MAPPING_BYTES, _WATCH_BYTES = 8 * 1024, 280, 192
_SOCKET_OWN_BYTES = 4096  # besides what waits in it
_MAX_MAPPINGS = Path("/proc/sys/vm/max_map_count")
# psutil lacks a process's swap, page tables and peak, and its share of shared swap.
_HELD = re.compile(r"^(?:VmRSS|VmSwap):\s+(\d+) kB", re.MULTILINE)
_HELD_ALONE = re.compile(r"^(?:VmPTE|HugetlbPages):\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(r"^(?:Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(r"^VmPeak:\s+(\d+) kB", re.MULTILINE)
_FILES = re.compile(r"^FDSize:\s+(\d+)", re.MULTILINE)
_THREADS = re.compile(r"^Threads:\s+(\d+)", re.MULTILINE)
_SOCKETS = re.compile(r"^sockets: used (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """What the processes use together.

    Attributes:
        memory: bytes of memory; as exact as it must be to say whether too many.
        threads: how many threads there are, and processes that nobody has waited for.
        peak_addresses: the most bytes of addresses that one process has had.
        watches_too_many: whether they watch so many files that we may lack some.

    """

    memory: int
    threads: int
    peak_addresses: int
    watches_too_many: bool = False


class Measuring:
    """Measures a kernel's processes again and again.

    Args:
        first: the process from which all others descend.
        most: the bytes of memory that they may use.
        guarded: whether the first process is a guardian, which is ours, and the others
            have no network of their own.

    """

    def __init__(self, first: int, most: int, *, guarded: bool = False) -> None:
        self._first = first
        self._guarded = guarded
        self._most = most
        self._looked_at: dict[int, tuple[float, int]] = {}  # when, and the bytes

    def measure(self) -> Use:
        """Measure what the process and all its descendants use."""
        processes = descendants(self._first)[self._guarded :]
        living = [_living_thread(process) for process in processes]
        # Where they share a network of their own, one of them that still runs tells of all.
        used = socket_bytes() * (
            _open_sockets([thread for thread, _ in living])
            if self._guarded
            else next(filter(None, map(_sockets, reversed(processes))), 0)
        )
        threads = peak = watches = 0
        held: dict[int, int] = {}
        mappings = _MAPPING_BYTES * _setting(_MAX_MAPPINGS, 65_530)
        for process, status in living:
            peak = max(peak, _kilobytes(_PEAK, status))
            files = _sum(_FILES, status)
            watches += files**2
            threads += _sum(_THREADS, status)
            if size := _kilobytes(_HELD, status):
                held[process] = size + mappings
            used += _kilobytes(_HELD_ALONE, status) + _FILE_BYTES * files
        used += _WATCH_BYTES * min(watches, _setting(MAX_WATCHES, watches))
        memory = used + self._held_together(held, self._most - used)
        return Use(memory, threads, peak, _watch_too_many(living))

    def _held_together(self, held: dict[int, int], most: int) -> int:
        """The bytes that processes hold; as exact as it must be to say whether too many.

        What they share was counted for each, and as many mappings as one can have. A closer
        look takes long where there are many, and memory may grow meanwhile: then what the
        last looks found counts for the others, unless little memory is left.
        """
        used = sum(held.values())
        until = time.monotonic() + _EXACT_SECONDS
        before = {each: self._looked_at.get(each, (0.0, 0)) for each in held}
        self._looked_at = {each: found for each, found in before.items() if found[0]}
        sure = 0
        # Those that no look has reached yet come first, and of them the largest.
        for process in sorted(held, key=lambda each: (before[each][0], -held[each])):
            if used <= most or sure > most:
                return used
            if time.monotonic() > until:
                if psutil.virtual_memory().available < self._most:
                    return used
                break
            share = min(held[process], _share(process, held[process]))
            used -= held[process] - share
            sure += share
            self._looked_at[process] = time.monotonic(), share
        return sum(self._looked_at.get(each, (0.0, 0))[1] for each in held)


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


def memory_of_this_process() -> int:
    """Return the bytes of memory that this process holds."""
    return _kilobytes(_HELD, _status("self"))


def _watch_too_many(living: Iterable[tuple[int, str]]) -> bool:
    """Whether processes watch so many files that this user may lack some."""
    if not os.getuid():
        return False  # each kernel has another user
    watched, most = 0, most_watches()
    for process, status in living:
        watched += watched_files(process, _sum(_FILES, status), most - watched)
        if watched > most:
            return True
    return False


@functools.cache
def socket_bytes() -> int:
    """Return the most bytes that one socket holds on this machine.

    The sandbox lets nobody change the sizes of a socket's buffers. A last message may
    exceed them.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        options = (socket.SO_SNDBUF, socket.SO_RCVBUF)
        sizes = [one.getsockopt(socket.SOL_SOCKET, option) for option in options]
    return 2 * max(sizes) + _SOCKET_OWN_BYTES


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


def _setting(path: Path, otherwise: int) -> int:
    """A number of the machine's settings."""
    with contextlib.suppress(OSError):
        return int(path.read_text())
    return otherwise


def _sum(wanted: re.Pattern[str], text: str) -> int:
    return sum(map(int, wanted.findall(text)))


def _kilobytes(wanted: re.Pattern[str], text: str) -> int:
    return 1024 * _sum(wanted, text)


def _share(process: int, counted: int) -> int:
    """The bytes that a process uses, with its part of what it shares with others."""
    try:
        with _as_its_user(process):
            mappings = Path(f"/proc/{process}/maps").read_bytes().count(b"\n")
            shared = _kilobytes(_SHARE, Path(f"/proc/{process}/smaps_rollup").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended since it was counted
    except OSError:
        return counted
    return shared + _MAPPING_BYTES * mappings


def _sockets(process: int) -> int:
    """How many sockets a process's network namespace has, if it is not ours."""
    with contextlib.suppress(OSError):
        if not os.path.samefile(f"/proc/{process}/ns/net", "/proc/self/ns/net"):
            found = _SOCKETS.search(Path(f"/proc/{process}/net/sockstat").read_text())
            return int(found[1]) if found else 0
    return 0


def _open_sockets(processes: list[int]) -> int:
    """How many sockets processes have open; as many as they may have where none can be seen."""
    seen: set[int] = set()
    unseen = 0
    for process in processes:
        try:
            with _as_its_user(process), os.scandir(f"/proc/{process}/fd") as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        found = entry.stat()
                        if stat.S_ISSOCK(found.st_mode):
                            seen.add(found.st_ino)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        except OSError:
            unseen += _sum(_FILES, _status(process))
    return len(seen) + unseen


@contextlib.contextmanager
def _as_its_user(process: int) -> Iterator[None]:
    """Let this thread open files as a process's user does.

    Root in a container may have no right to trace; a user may look at what is theirs.
    """
    owner = os.stat(f"/proc/{process}")
    if os.getuid() or not owner.st_uid:
        yield
        return
    libc = ctypes.CDLL(None)
    libc.setfsgid(owner.st_gid)
    libc.setfsuid(owner.st_uid)
    try:
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)
