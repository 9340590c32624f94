"""Answers that draw the same network, however they are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coursekit.reporting.class_answers import Answer


@dataclass(frozen=True)
class AlikeAnswers:
    """Answers to one function that draw the same.

    Attributes:
        answers: the answers.
        asked: how many answers to the function there are.

    """

    answers: tuple[Answer, ...]
    asked: int

    @property
    def right(self) -> bool:
        """Whether they passed all checks."""
        return self.answers[0].right

    @property
    def students(self) -> tuple[str, ...]:
        """Whose they are."""
        return tuple(sorted(answer.student for answer in self.answers))


def drawn(answer: Answer) -> tuple[object, ...]:
    """Return what equal answers have in common, whatever the salt; () if nothing was drawn."""
    # Hidden checks call with arguments that vary.
    signatures = tuple(check.signature for check in answer.checks if not check.hidden)
    return (answer.right, *signatures) if any(signatures) else ()


def alike_answers(answers: Iterable[Answer]) -> dict[str, list[AlikeAnswers]]:
    """Return the ways in which each function was drawn, the most frequent first.

    Functions without networks are left out.
    """
    found: dict[str, dict[tuple[object, ...], list[Answer]]] = {}
    asked: dict[str, int] = {}
    for answer in answers:
        asked[answer.function] = asked.get(answer.function, 0) + 1
        if key := drawn(answer):
            found.setdefault(answer.function, {}).setdefault(key, []).append(answer)
    return {
        function: sorted(
            (AlikeAnswers(tuple(alike), asked[function]) for alike in ways.values()),
            key=lambda one: -len(one.answers),
        )
        for function, ways in found.items()
    }
