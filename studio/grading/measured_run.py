"""Run a command, and measure what it and every process that it starts use."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from coursekit.errors import InfrastructureError
from coursekit.processes.started_command import started

_MOUNTS = Path("/proc/self/mountinfo")
_SECONDS_BETWEEN = 0.5
# What processes share is told apart only where there is so much more memory than before: that
# takes 25 ms of processor time for each process that has imported TensorFlow.
_GROWTH = 1.01
_PATIENCE = 30  # seconds that a command's last processes get to end
# The shell puts itself into the control group; so everything that follows is in it.
_ENTER = 'echo $$ > "$0" && exec "$@"'


@dataclass(frozen=True)
class Use:
    """What one run used.

    Attributes:
        seconds: wall time.
        processor: seconds of processor time of all its processes, those that were killed
            included; None where this user may make no control group.
        memory: largest sum over its processes at one moment, in bytes.
        shared_once: whether memory that processes share is counted once (PSS). If not, it is
            counted for each of them (RSS).

    """

    seconds: float
    processor: float | None
    memory: int
    shared_once: bool


def measure(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    watch: Callable[[float], None] = lambda seconds: None,
) -> Use:
    """Run a command and measure it.

    Args:
        command: what to run.
        folder: where.
        environment: the command's environment variables.
        log: the file that gets its output.
        watch: called about twice a second while it runs, with the seconds so far.

    Raises:
        InfrastructureError: if it fails; the message ends with its output.

    """
    with _control_group() as group, log.open("wb") as output:
        entrance = ["sh", "-c", _ENTER, str(group / "cgroup.procs")] if group else []
        since = time.perf_counter()
        with started([*entrance, *command], folder, environment, output) as process:
            memory = _Memory(process.pid, group, lambda: watch(time.perf_counter() - since))
            memory.start()
            try:
                status = process.wait()
                seconds = time.perf_counter() - since
            finally:
                memory.stop()
        if status:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise InfrastructureError(
                f"{' '.join(command)} ended with status {status}: {said}",
                "see whether this machine can grade at all, with: make demo",
            )
        processor = _processor_seconds(group) if group else None
    return Use(seconds, processor, memory.peak, memory.shared_once)


class _Memory(threading.Thread):
    """Look now and then at the memory of a process and its descendants, or of a whole group."""

    def __init__(self, pid: int, group: Path | None, watch: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._pid, self._group, self._watch = pid, group, watch
        self._ended = threading.Event()
        self._pss = self._rss = 0
        self.shared_once = True

    @property
    def peak(self) -> int:
        """The largest sum that was seen, in bytes."""
        return self._pss if self.shared_once else self._rss

    def run(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN):
            self._look()
            self._watch()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self.join()

    def _look(self) -> None:
        rss = self._sum(lambda process: process.memory_info().rss)
        if rss > _GROWTH * self._rss:
            self._rss = rss
            self._pss = max(self._pss, self._sum(lambda process: process.memory_full_info().pss))

    def _sum(self, value: Callable[[psutil.Process], int]) -> int:
        total = 0
        for pid in self._members():
            try:
                total += value(psutil.Process(pid))
            except psutil.AccessDenied:
                self.shared_once = False
            except psutil.NoSuchProcess:
                continue
        return total

    def _members(self) -> list[int]:
        if self._group:
            return _members(self._group)
        try:
            first = psutil.Process(self._pid)
            return [process.pid for process in [first, *first.children(recursive=True)]]
        except psutil.NoSuchProcess:
            return []


@contextlib.contextmanager
def _control_group() -> Iterator[Path | None]:
    """Make a control group of version 2; None where this user may make none."""
    place = _control_groups()
    group = place / f"coursekit-benchmark-{os.getpid()}" if place else None
    try:
        if group:
            group.mkdir()
    except OSError:
        group = None
    if group is None:
        yield None
        return
    try:
        yield group
    finally:
        _end_all(group)
        group.rmdir()


def _control_groups() -> Path | None:
    """The folder of this process's own control group, if this user may move processes there."""
    own = next(
        (
            line.removeprefix("0::/").rstrip("\n")
            for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
            if line.startswith("0::/")
        ),
        None,
    )
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        mount, _, kind = line.partition(" - ")
        if own is not None and kind.startswith("cgroup2 "):
            place = Path(mount.split()[4]) / own
            if os.access(place / "cgroup.procs", os.W_OK):
                return place
    return None


def _processor_seconds(group: Path) -> float:
    """Return the processor time of a group, when its last process has ended."""
    deadline = time.monotonic() + _PATIENCE
    while members := _members(group):
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"{len(members)} processes still run {_PATIENCE} s after the command ended",
                "measure again on a quiet machine",
            )
        time.sleep(0.05)
    words = (group / "cpu.stat").read_text().split()
    return int(words[words.index("usage_usec") + 1]) / 1e6


def _end_all(group: Path) -> None:
    """Kill what still runs in a group, and wait until it has ended."""
    while members := _members(group):
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _members(group: Path) -> list[int]:
    return list(map(int, (group / "cgroup.procs").read_text(encoding="ascii").split()))
