"""Every known wrong answer fails exactly the checks it names; every right one passes all."""

from __future__ import annotations

import ast
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from judging_in_process import answer_cells, full_test_cells, judge_in_process
from own_assignments import FUNCTIONS, put_in_place

from coursekit.course.assignment import Assignment, assignments
from coursekit.course.hidden_tests import hidden_tests
from coursekit.course.known_answers import KnownAnswer, known_answers
from resnets_utils.border.difference import Difference
from resnets_utils.checks.check_result import Outcome

COURSE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Exercise:
    """An assignment with its cells, read once."""

    assignment: Assignment

    @cached_property
    def tests(self) -> dict[str, str]:
        return full_test_cells(self.assignment)

    @cached_property
    def wrong(self) -> list[KnownAnswer]:
        return known_answers(self.assignment, "wrong_answers.toml")

    @cached_property
    def right(self) -> list[KnownAnswer]:
        return known_answers(self.assignment, "right_answers.toml")

    def not_passed(
        self, answer: KnownAnswer, test: str, salt: int, *, sampled: bool = False
    ) -> set[str]:
        """The names of the checks of a test cell that an answer does not pass."""
        return set(self.differences(answer, test, salt, sampled=sampled))

    def differences(
        self, answer: KnownAnswer, test: str, salt: int, *, sampled: bool = False
    ) -> dict[str, Difference | None]:
        """How an answer differs, by the name of each check that it does not pass."""
        cells = answer_cells(self.assignment, {answer.function: answer.code})
        results = judge_in_process(test, cells, salt, sampled=sampled).checks
        return {
            result.name: result.difference
            for result in results
            if result.outcome is not Outcome.PASSED
        }


# The tests' own assignments lie in a course of their own, which is gone with these tests.
OWN = tempfile.TemporaryDirectory()
EXERCISES = [
    Exercise(assignment)
    for assignment in (
        *assignments(COURSE),
        *(put_in_place(name, Path(OWN.name)) for name in FUNCTIONS),
    )
]
WRONG = [(exercise, answer) for exercise in EXERCISES for answer in exercise.wrong]
# Each is judged with another salt, which determines the hidden checks' arguments.
RIGHT = [
    (exercise, answer, salt)
    for exercise in EXERCISES
    for salt, answer in enumerate(exercise.right, 1)
]


def label(part: object) -> str:
    if isinstance(part, Exercise):
        return part.assignment.name
    return f"{part.function}: {part.name}" if isinstance(part, KnownAnswer) else str(part)


def check_names(text: str) -> list[str]:
    """The names of a test cell's checks, in order."""
    found = []
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.With):
            call = statement.items[0].context_expr
            assert isinstance(call, ast.Call) and isinstance(call.args[0], ast.Constant)
            found.append(str(call.args[0].value))
    return found


@pytest.mark.parametrize(("exercise", "answer"), WRONG, ids=label)
def test_a_wrong_answer_fails_exactly_the_checks_it_names(
    exercise: Exercise, answer: KnownAnswer
) -> None:
    assert answer.fails, "a wrong answer must name at least one check"
    found = exercise.differences(answer, exercise.tests[answer.function], 2024)
    assert set(found) == answer.fails
    assert all(each and each.sentence and len(each.sentence) < 300 for each in found.values())


def test_a_difference_is_the_same_whatever_was_asked() -> None:
    exercise = next(each for each in EXERCISES if each.assignment.name.startswith("plain-network"))
    compared = 0
    for answer in exercise.wrong[:8]:
        test = exercise.tests[answer.function]
        one, other = (exercise.differences(answer, test, salt) for salt in (1, 2))
        for name in set(one) & set(other):
            # A number in the answer may happen to be that of an argument.
            told = [
                found and (found.kind, found.place, found.setting)
                for found in (one[name], other[name])
            ]
            assert told[0] == told[1], (answer.name, name)
            compared += 1
    assert compared > 8


@pytest.mark.parametrize(("exercise", "answer", "salt"), RIGHT, ids=label)
def test_a_right_answer_passes_every_check(
    exercise: Exercise, answer: KnownAnswer, salt: int
) -> None:
    test = exercise.tests[answer.function]
    assert exercise.not_passed(answer, test, salt, sampled=True) == set()


HIDDEN = [
    (exercise, function, name)
    for exercise in EXERCISES
    for function, text in hidden_tests(exercise.assignment.tests).items()
    for name in check_names(text)
]


@pytest.mark.parametrize(("exercise", "function", "name"), HIDDEN, ids=label)
def test_without_a_hidden_check_a_wrong_answer_would_go_red(
    exercise: Exercise, function: str, name: str
) -> None:
    # Each is shown above to fail this check: without it, it would fail others than it names.
    witnesses = [
        answer for answer in exercise.wrong if answer.function == function and name in answer.fails
    ]
    assert witnesses, f"no wrong answer needs {name!r}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=label)
def test_there_are_enough_of_them(exercise: Exercise) -> None:
    functions = {answer.function for answer in exercise.wrong}
    assert functions == {answer.function for answer in exercise.right} == set(exercise.tests)
    assert len(exercise.wrong) >= 13 * len(functions) and len(exercise.right) >= 5 * len(functions)
