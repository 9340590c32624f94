"""Watch a run: what it spends its time on, its memory, its queues."""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Self

import psutil

_SECONDS_BETWEEN_LOOKS = 0.005


@dataclass(frozen=True)
class Moment:
    """What a run was like at one moment.

    Attributes:
        seconds: since it began.
        memory: the process's resident memory, in bytes.
        sent: how many jobs the engine has had.
        taken: how many results the coordinator has taken.
        waiting: how many jobs have ended and wait for the coordinator.
        idle: how many workers have nothing to do.

    """

    seconds: float
    memory: int
    sent: int
    taken: int
    waiting: int
    idle: int


class Observer:
    """Looks at what the main thread does, many times a second, while the block runs.

    A signal interrupts it: a thread would mostly see it where it waits for the disk.

    Args:
        phases: names of what a function's code does; the innermost one on the stack counts.
        look: returns the run's state; called once in a while with the seconds and the memory.
        interval: seconds between two such calls.

    Attributes:
        moments: what ``look`` has returned.
        seconds: wall time by phase.
        processor: processor time by phase.

    """

    def __init__(
        self,
        phases: Mapping[CodeType, str],
        look: Callable[[float, int], Moment],
        interval: float,
    ) -> None:
        self._phases, self._look, self._interval = phases, look, interval
        self._process = psutil.Process()
        self.moments: list[Moment] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self.processor: dict[str, float] = defaultdict(float)

    def __enter__(self) -> Self:
        self._began = self._last = time.monotonic()
        self._last_processor = time.process_time()
        self._note()
        self._before = signal.signal(signal.SIGALRM, self._see)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_BETWEEN_LOOKS, _SECONDS_BETWEEN_LOOKS)
        return self

    def __exit__(self, *raised: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._note()

    def _see(self, number: int, frame: FrameType | None) -> None:
        """Put the time since the last look down to what is done now."""
        now, processor = time.monotonic(), time.process_time()
        phase = self._phase(frame)
        self.seconds[phase] += now - self._last
        self.processor[phase] += processor - self._last_processor
        self._last, self._last_processor = now, processor
        if now - self._began >= self.moments[-1].seconds + self._interval:
            self._note()

    def _note(self) -> None:
        seconds = time.monotonic() - self._began
        self.moments.append(self._look(seconds, self._process.memory_info().rss))

    def _phase(self, frame: FrameType | None) -> str:
        while frame is not None:
            if found := self._phases.get(frame.f_code):
                return found
            frame = frame.f_back
        return "other"
