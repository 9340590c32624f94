"""How a class's scores are spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_BINS = (10, 5, 4, 2)


@dataclass(frozen=True)
class Bin:
    """A range of scores, and how many have one in it; the upper end belongs to the last bin."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class ScoreFigures:
    """The scores in figures.

    Attributes:
        count: how many have a score.
        bins: the histogram, from 0 up; () if there is nothing to show.
        median: the score in the middle; None without scores.
        quartiles: the scores with a quarter of the class below and above; None for few scores.
        mean: the mean; None without scores.

    """

    count: int
    bins: tuple[Bin, ...] = ()
    median: float | None = None
    quartiles: tuple[float, float] | None = None
    mean: float | None = None


def score_figures(scores: Sequence[float], max_score: float, fewest: int = 1) -> ScoreFigures:
    """Return figures about scores.

    Args:
        scores: those of everybody who has one.
        max_score: what the assignment is worth; extra credit may lead above it.
        fewest: nothing is said about fewer students than these.

    """
    count = len(scores)
    if count < fewest or not scores:
        return ScoreFigures(count if count >= fewest else 0)
    low, middle, high = (
        statistics.quantiles(scores, n=4, method="inclusive") if count > 1 else [scores[0]] * 3
    )
    return ScoreFigures(
        count,
        _histogram(scores, max_score, fewest),
        middle,
        (low, high) if count >= 4 * fewest else None,
        statistics.fmean(scores),
    )


def _histogram(scores: Sequence[float], max_score: float, fewest: int) -> tuple[Bin, ...]:
    """The finest histogram that says nothing about too few students."""
    for number in _BINS if max_score > 0 else ():
        width = max_score / number
        counts = [0] * number
        for score in scores:
            counts[max(0, min(number - 1, int(score / width)))] += 1
        if all(not found or found >= fewest for found in counts):
            return tuple(
                Bin(at * width, (at + 1) * width, found) for at, found in enumerate(counts)
            )
    return ()
