"""From measured runs to figures: what one submission more costs, and what starting costs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coursekit.errors import InfrastructureError
from studio.grading.measured_run import Use


@dataclass(frozen=True)
class Rounds:
    """One grader's runs: in each round one of few and one of many submissions.

    Attributes:
        few: how many submissions are few, a multiple of the grader's workers.
        many: how many are many, also a multiple. Otherwise, in one of the two runs, a worker
            would wait while the others grade, and the difference would be no submission's cost.
        uses: what both runs of each round used.

    """

    few: int
    many: int
    uses: Sequence[tuple[Use, Use]]

    def each(self) -> list[float]:
        """The seconds that one submission more takes, in each round.

        Raises:
            InfrastructureError: if many submissions took no longer than few.

        """
        found = self._slopes(lambda use: use.seconds)
        if min(found) <= 0:
            raise InfrastructureError(
                f"{self.many} submissions took no longer than {self.few}: something else used "
                "the machine",
                "measure more submissions on a quiet machine",
            )
        return found

    @property
    def seconds(self) -> float:
        """The seconds that one submission more takes."""
        return statistics.median(self.each())

    @property
    def start(self) -> float:
        """The seconds that remain of a run without its submissions."""
        return statistics.median(
            few.seconds - self.few * each
            for (few, _), each in zip(self.uses, self.each(), strict=True)
        )

    @property
    def processor(self) -> float | None:
        """The seconds of processor time of one submission more; None where not measured."""
        if any(use.processor is None for pair in self.uses for use in pair):
            return None
        return statistics.median(self._slopes(lambda use: use.processor or 0.0))

    @property
    def memory(self) -> float:
        """The largest memory of a run of many, in megabytes."""
        return statistics.median(many.memory for _, many in self.uses) / 2**20

    @property
    def shared_once(self) -> bool:
        """Whether `memory` counts what processes share once."""
        return all(many.shared_once for _, many in self.uses)

    def times_as_fast_as(self, other: Rounds) -> float:
        """Return this grader's throughput if the other's is 1, both of the same rounds."""
        pairs = zip(self.each(), other.each(), strict=True)
        return statistics.median(theirs / ours for ours, theirs in pairs)

    def _slopes(self, value: Callable[[Use], float]) -> list[float]:
        return [(value(many) - value(few)) / (self.many - self.few) for few, many in self.uses]
