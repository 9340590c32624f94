"""How far a run of grading is: a bar on a terminal, elsewhere a line for each submission."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from coursekit.command_runner import line_printer
from coursekit.course.student_names import escaped

_MINUTE = 60


class GradingProgress:
    """Shows each submission that has been graded, the rate, and the time that is left.

    Args:
        console: where it is shown.
        total: how many submissions are to be graded, as far as that is known.

    Attributes:
        total: the same, as far as it is known now.

    """

    def __init__(self, console: Console, total: int) -> None:
        self._say = line_printer(console)
        self.total = total
        self._done = self._failed = 0
        self._started = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("grading"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[said]}"),
                console=console,
            )
            self._task: TaskID = self._bar.add_task("", total=total, said="")

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar:
            self._bar.stop()

    def expects(self, more: int) -> None:
        """Count so many submissions more, or fewer, that are to be graded."""
        self.total += more

    def graded(self, student: str, score: float, points: float) -> None:
        """Show a submission that has its score."""
        self._done += 1
        self._show(f"{escaped(student)}: {score:g} of {points:g} points")

    def failed(self, student: str, why: str) -> None:
        """Show a submission that could not be graded, and why, in one line."""
        self._done += 1
        self._failed += 1
        self._show(f"{escaped(student)}: not graded: {why}", keep=True)

    def waits(self) -> None:
        """Show that another program holds the gradebook."""
        self._say("           the gradebook is in use by another program; waiting for it")

    def _show(self, line: str, *, keep: bool = False) -> None:
        rate = self._done / max(time.monotonic() - self._started, 1e-9)
        left = (self.total - self._done) / rate
        said = f"{60 * rate:.3g} a minute, {_in_words(left)} left"
        if self._failed:
            said += f", {self._failed} not graded"
        if self._bar:
            self._bar.update(self._task, completed=self._done, total=self.total, said=said)
        if keep or not self._bar:
            more = "" if self._bar else f"; {said}"
            self._say(f"{self._done} of {self.total}  {line}{more}")


def _in_words(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min"
