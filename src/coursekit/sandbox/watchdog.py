"""Watch what all processes of one kernel use together, which no limit of the system counts."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable

from coursekit.sandbox.folder_use import FolderUse
from coursekit.sandbox.limits import (
    GIGABYTE,
    MEGABYTE,
    Limits,
    filled_disk,
    in_words,
    most_threads,
    too_many_files,
    too_many_threads,
)
from coursekit.sandbox.measured_use import Measuring, memory_of_this_process

MAX_UNREAD = GIGABYTE
_PAUSE = 0.2  # seconds between two looks
# The shell calls a death by a signal 128 and its number, which bubblewrap passes on.
_BY_SIGNAL = 128
_NEARLY_ALL = 0.75
_BESIDES = 2  # processes of the limited user that are not among those counted


class Watchdog:
    """Ends a kernel that uses too much memory, its own or ours, or too much time.

    Args:
        first: the process from which all others descend.
        limits: what they may use.
        kill: ends them all.
        guarded_home: the folder of a kernel without namespaces, whose first process is its
            guardian, which is ours; "" for a kernel in namespaces.

    Attributes:
        deadline: when it is ended whatever it does, as `time.monotonic` counts.
            Messages without end can keep us from every other limit.

    """

    def __init__(
        self, first: int, limits: Limits, kill: Callable[[], None], guarded_home: str = ""
    ) -> None:
        self.deadline = math.inf
        self._why = ""  # which limit it was ended for
        self._peak_addresses = 0  # the most bytes of addresses of one process
        self._watches_too_many = False
        # At the last looks: the very last may find only those that have not ended yet.
        self._threads: deque[int] = deque([0], maxlen=2)
        guarded = bool(guarded_home)
        self._measuring = Measuring(first, limits.total_megabytes * MEGABYTE, guarded=guarded)
        self._disk = FolderUse(guarded_home, limits) if guarded else None
        self._limits = limits
        self._total = limits.total_megabytes * MEGABYTE
        self._kill = kill
        self._ours = memory_of_this_process()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def why_it_ended(self, status: int, left: int) -> str:
        """Return which limit ended a kernel; "" if no limit did.

        For example "memory ran out in {} (4 GB)", with {} for what ran.

        Args:
            status: the kernel's exit status.
            left: how many processes it left, if that is known; otherwise 0.

        """
        if self._why:
            return self._why
        if max(self._threads) + _BESIDES >= most_threads(self._limits.processes):
            return too_many_threads(self._limits.processes)
        number = abs(status) % _BY_SIGNAL
        if number == signal.SIGXCPU:
            return f"{{}} used up the processor time ({self._limits.processor_seconds} s)"
        most = self._limits.process_megabytes * MEGABYTE
        if (
            number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL)
            and self._peak_addresses > _NEARLY_ALL * most
        ):
            return f"memory ran out in {{}} ({in_words(most)})"
        # A library that cannot start a thread aborts, often before the next look; the threads
        # of the kernel itself are gone then.
        crowd = max(left, *self._threads)
        if number == signal.SIGABRT and crowd > _NEARLY_ALL * self._limits.processes:
            return too_many_threads(self._limits.processes)
        return ""

    def crowded(self) -> str:
        """Return that no further process or thread can start, with {} for what ran, or ""."""
        self._look()
        if self._threads[-1] + _BESIDES < most_threads(self._limits.processes):
            return ""
        return too_many_threads(self._limits.processes)

    def full_disk(self) -> str:
        """Return that the kernel has filled its folder, with {} for what ran, or ""."""
        return filled_disk(self._limits) if self._disk and self._disk.is_full() else ""

    def _look(self) -> int:
        """Measure what the kernel's processes use; return the bytes of memory."""
        found = self._measuring.measure()
        self._peak_addresses = max(self._peak_addresses, found.peak_addresses)
        self._watches_too_many = found.watches_too_many
        if found.threads:
            self._threads.append(found.threads)
        return found.memory

    def _watch(self) -> None:
        while not self._why and not self._ended.wait(_PAUSE):
            if memory_of_this_process() - self._ours > MAX_UNREAD:
                self._why = f"{{}} sent more than can be read ({in_words(MAX_UNREAD)})"
            elif time.monotonic() > self.deadline:
                self._why = "{} could not be stopped in time, so that its kernel was ended"
            elif self._look() > self._total:
                self._why = f"memory ran out in {{}} ({in_words(self._total)} in all processes)"
            elif self._watches_too_many:
                self._why = too_many_files(self._limits)
            elif self._disk and self._disk.is_far_too_full():
                self._why = filled_disk(self._limits)
            if self._why:
                self._kill()
