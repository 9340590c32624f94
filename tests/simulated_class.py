"""A class that is made up: known wrong answers among right ones, several in one notebook."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coursekit.judge.verdict import CellVerdict
from coursekit.reporting.class_answers import Answer
from resnets_utils.checks.check_result import CheckResult, Outcome

# How many of the answers to a function are wrong in ways that all occur already.
WRONG_SHARE = 0.45


def simulated_class(
    wrong: Mapping[tuple[str, str], CellVerdict], students: int, seed: int
) -> tuple[list[Answer], dict[tuple[str, str], set[str]]]:
    """Return the answers of a class, and who gave each of the wrong ones.

    Args:
        wrong: the verdict on each wrong answer, by its function and name.
        students: how many students there are; each wrong answer is given at least once.
        seed: determines who gives which.

    """
    chance = random.Random(seed)
    by_function: dict[str, list[str]] = {}
    for function, name in wrong:
        by_function.setdefault(function, []).append(name)
    answers: list[Answer] = []
    planted: dict[tuple[str, str], set[str]] = {place: set() for place in wrong}
    for number in range(students):
        who = f"student-{number:03}"
        for function, names in by_function.items():
            name = names[number] if number < len(names) else ""
            if not name and chance.random() < WRONG_SHARE:
                # Some are frequent, most are rare.
                weights = [1 / (place + 1) for place in range(len(names))]
                [name] = chance.choices(names, weights)
            if name:
                planted[function, name].add(who)
                checks: Sequence[CheckResult] = wrong[function, name].checks
            else:
                checks = [
                    replace(check, outcome=Outcome.PASSED, reason="", difference=None)
                    for check in wrong[function, names[0]].checks
                ]
            answers.append(Answer(who, "Notebook", function, tuple(checks)))
    return answers, planted
