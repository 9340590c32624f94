"""A class's mistakes: which students made the same one, and what it cost.

One mistake makes several checks fail. What differs in how an answer is built says what the
mistake is; that values or shapes differ only follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from coursekit.reporting.class_answers import Answer
from coursekit.reporting.difference_keys import (
    Key,
    differences_by_key,
    is_of_structure,
    is_vague,
    keys_of_checks,
    plainest,
    rank,
)
from resnets_utils.border.difference import Difference

# A cause is believed if it would be as unlikely as this that both only happen to be together.
_BY_CHANCE = 0.05


@dataclass(frozen=True)
class Mistake:
    """A mistake, and all who made it.

    Attributes:
        function: the function that it is in.
        difference: what is wrong, as one of them has it.
        answers: their answers, the one that shows it best first.
        asked: how many answers to the function there are.
        checks: the checks that lost points by it, the most frequent ones first.
        points_lost: what it cost all of them together.
        besides: what else differs in the answers of all who made it.

    """

    function: str
    difference: Difference
    answers: tuple[Answer, ...]
    asked: int
    checks: tuple[str, ...]
    points_lost: float
    besides: tuple[str, ...] = ()

    @property
    def students(self) -> tuple[str, ...]:
        """Who made it."""
        return tuple(sorted(answer.student for answer in self.answers))

    @property
    def only_hidden(self) -> bool:
        """Whether students cannot see it, because all their visible checks are passed."""
        return all(check.hidden for answer in self.answers for check in answer.lost)

    @property
    def named(self) -> bool:
        """Whether a check says what the mistake is, and not only that values differ."""
        return is_of_structure(self.difference)


def mistakes_of(answers: Iterable[Answer]) -> list[Mistake]:
    """Return the mistakes in a class's answers, the most expensive first."""
    by_function: dict[str, list[Answer]] = {}
    for answer in answers:
        by_function.setdefault(answer.function, []).append(answer)
    found = [one for function in by_function for one in _in_function(by_function[function])]
    return sorted(found, key=lambda one: (-one.points_lost, -len(one.answers)))


@dataclass
class _Group:
    """A mistake while its answers are collected."""

    differences: list[Difference] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    besides: dict[Key, Difference] = field(default_factory=dict)
    checks: Counter[str] = field(default_factory=Counter)
    points_lost: float = 0.0


def _in_function(answers: Sequence[Answer]) -> list[Mistake]:
    having: dict[Key, set[int]] = {}
    for number, answer in enumerate(answers):
        for key in differences_by_key(answer):
            having.setdefault(key, set()).add(number)
    causes = _causes(having, len(answers))
    groups: dict[Key, _Group] = {}
    for answer in answers:
        if not answer.right:
            _put_down(answer, causes, groups)
    merged = _merged(groups)
    return [_mistake(key, group, len(answers)) for key, group in merged.items()]


def _merged(groups: dict[Key, _Group]) -> dict[Key, _Group]:
    """Make one of groups with exactly the same answers; the likeliest cause gives its name."""
    found: dict[frozenset[int], Key] = {}
    for key in sorted(groups, key=rank):
        group = groups[key]
        first = found.setdefault(frozenset(map(id, group.answers)), key)
        if first != key:
            into = groups[first]
            into.besides |= {key: group.differences[0], **group.besides}
            into.checks += group.checks
            into.points_lost += group.points_lost
    return {key: group for key, group in groups.items() if key in found.values()}


def _causes(having: dict[Key, set[int]], asked: int) -> dict[Key, list[Key]]:
    """From which other differences each may follow: everybody who has those has this one too.

    Args:
        having: the answers that have each difference, the likelier cause first.
        asked: how many answers there are.

    """
    order = {key: number for number, key in enumerate(having)}
    found: dict[Key, list[Key]] = {}
    for key, whose in having.items():
        for cause, its in having.items():
            alike = its == whose and _rank(cause, order) < _rank(key, order)
            others = len(whose - its) / (asked - len(its)) if len(its) < asked else 0.0
            if (alike or its < whose) and others ** len(its) < _BY_CHANCE:
                found.setdefault(key, []).append(cause)
        # The rarest says most exactly what is wrong.
        found.get(key, []).sort(key=lambda one: (len(having[one]), _rank(one, order)))
    return found


def _rank(key: Key, order: dict[Key, int]) -> tuple[int, int]:
    return rank(key), order[key]


def _put_down(answer: Answer, causes: dict[Key, list[Key]], groups: dict[Key, _Group]) -> None:
    """Put each check that an answer lost down to one of its mistakes."""
    differences = differences_by_key(answer)
    own = {key: key for key in differences}
    for key in differences:
        while more := [cause for cause in causes.get(own[key], []) if cause in differences]:
            own[key] = more[0]
    first = next((key for key in own.values() if not is_vague(key)), next(iter(own.values())))
    own = {key: first if is_vague(cause) else cause for key, cause in own.items()}
    for key in dict.fromkeys(own.values()):
        group = groups.setdefault(key, _Group())
        group.answers.append(answer)
        group.differences.append(differences[key])
    for key, cause in own.items():
        if key != cause:
            groups[cause].besides.setdefault(key, differences[key])
    for check, key in zip(answer.lost, keys_of_checks(answer), strict=True):
        group = groups[own.get(key, first)]
        group.checks[check.name] += 1
        group.points_lost += check.points


def _mistake(key: Key, group: _Group, asked: int) -> Mistake:
    # Who lost few checks shows this mistake best.
    answers = sorted(group.answers, key=lambda one: (len(one.lost), one.student))
    told = group.differences[group.answers.index(answers[0])]
    shown = plainest(answers[0], key, told)
    others = dict.fromkeys(one.sentence for one in group.besides.values())
    return Mistake(
        answers[0].function,
        shown,
        tuple(answers),
        asked,
        tuple(name for name, _ in group.checks.most_common()),
        group.points_lost,
        tuple(sentence for sentence in others if sentence != shown.sentence),
    )
