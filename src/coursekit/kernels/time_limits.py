"""The wall time that a submission has left, and which of its limits ended it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from coursekit.sandbox.limits import Limits

_LEAST_SECONDS = 0.1  # no cell gets less: nbclient takes 0 for no limit


class TimeLimits:
    """Counts a submission's wall time; it begins now.

    Args:
        limits: what the submission may use.

    Attributes:
        end: when all of it is over, as `time.monotonic` counts.

    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left_to_cells = limits.notebook_seconds
        self.end = time.monotonic() + limits.submission_seconds

    def left(self) -> float:
        """Return the seconds that are left for anything, at least 0."""
        return max(self.end - time.monotonic(), 0.0)

    def left_to_cell(self) -> float:
        """Return the seconds that the next cell, or the running one, may take."""
        least = min(self._limits.cell_seconds, self._left_to_cells, self.left())
        return max(least, _LEAST_SECONDS)

    @contextlib.contextmanager
    def counting_as_cells(self) -> Iterator[None]:
        """Count the time of the block as the cells'."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._left_to_cells -= time.monotonic() - started

    def over(self) -> str:
        """Return which limit lets no further cell run; "" if one may."""
        if self.over_for_all():
            return self.over_for_all()
        if self._left_to_cells <= 0:
            return f"all cells together took {self._limits.notebook_seconds:g} s"
        return ""

    def over_for_all(self) -> str:
        """Return that the submission's time is over; "" if it is not."""
        return "" if self.left() else f"the submission took {self._limits.submission_seconds:g} s"
