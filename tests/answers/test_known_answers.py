"""Every known wrong answer fails exactly the checks it names; every right one passes all."""

from __future__ import annotations

import ast
import tempfile
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from pathlib import Path

import pytest
from judging_in_process import answer_cells, full_test_cells, judge_in_process
from own_assignments import FUNCTIONS, put_in_place
from simulated_class import simulated_class

from coursekit.course.assignment import Assignment, assignments
from coursekit.course.hidden_tests import hidden_tests
from coursekit.course.known_answers import KnownAnswer, known_answers
from coursekit.judge.verdict import CellVerdict
from coursekit.reporting.class_answers import Answer
from coursekit.reporting.mistake_groups import mistakes_of
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
        """All but those that another version has too; see `ONCE`."""
        once = ONCE.get(self.assignment.name, set())
        answers = known_answers(self.assignment, "wrong_answers.toml")
        return [one for one in answers if (one.function, one.name) not in once]

    @cached_property
    def right(self) -> list[KnownAnswer]:
        return known_answers(self.assignment, "right_answers.toml")

    @cached_property
    def _judged(self) -> dict[tuple[str, str, int], CellVerdict]:
        return {}

    def judged(self, answer: KnownAnswer, salt: int, *, sampled: bool = False) -> CellVerdict:
        """The verdict on an answer, which is judged once with a salt."""
        key = answer.function, answer.name, salt
        if key not in self._judged:
            cells = answer_cells(self.assignment, {answer.function: answer.code})
            test = self.tests[answer.function]
            self._judged[key] = judge_in_process(test, cells, salt, sampled=sampled)
        return self._judged[key]

    def not_passed(self, answer: KnownAnswer, salt: int, *, sampled: bool = False) -> set[str]:
        """The names of the checks of its test cell that an answer does not pass."""
        results = self.judged(answer, salt, sampled=sampled).checks
        return {result.name for result in results if result.outcome is not Outcome.PASSED}

    def differences(self, answer: KnownAnswer, salt: int) -> dict[str, Difference | None]:
        """How an answer differs, by the name of each check that it does not pass."""
        return {
            result.name: result.difference
            for result in self.judged(answer, salt).checks
            if result.outcome is not Outcome.PASSED
        }


SALT, OTHER_SALT = 2024, 7
# Right answers are judged with these in turn. In the hidden checks of each block they ask for
# every stage, for square and for high pictures, and for every size of the window.
SALTS = (1, 6, 12, 13, 20)
# A whole network takes seconds. Of these, one version is judged, the later one.
ONCE = {
    "residual-networks-v2a": {
        ("ResNet50", name)
        for name in (
            "stride 1 in stage 4",
            "f = 5 in one block",
            "average pooling with stride 1",
            "max pooling at the end",
            "no softmax",
            "returns the tensor, not the model",
        )
    }
}
LATER = "residual-networks-v3"
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
RIGHT = [
    (exercise, answer, salt)
    for exercise in EXERCISES
    for answer, salt in zip(exercise.right, cycle(SALTS), strict=False)
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
    found = exercise.differences(answer, SALT)
    assert set(found) == answer.fails
    assert all(each and each.sentence and len(each.sentence) < 300 for each in found.values())


@pytest.mark.parametrize(("exercise", "answer", "salt"), RIGHT, ids=label)
def test_a_right_answer_passes_every_check(
    exercise: Exercise, answer: KnownAnswer, salt: int
) -> None:
    assert exercise.not_passed(answer, salt, sampled=True) == set()


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


@pytest.mark.parametrize("exercise", EXERCISES, ids=label)
def test_what_is_judged_once_fails_what_another_answer_fails(exercise: Exercise) -> None:
    (later,) = (one for one in EXERCISES if one.assignment.name == LATER)
    judged = {(one.function, one.fails) for one in exercise.wrong}
    judged_later = {(one.function, one.name) for one in later.wrong}
    for answer in known_answers(exercise.assignment, "wrong_answers.toml"):
        if answer not in exercise.wrong:
            assert (answer.function, answer.name) in judged_later
            assert (answer.function, answer.fails) in judged


# Wrong answers that checks tell apart by nothing but values, or by nothing at all: for the class
# report, each line of them is one mistake.
ALIKE = {
    "numbers-v1": [
        {"the largest score not taken away", "the largest score taken away twice"},
    ],
    "plain-network-v1": [
        {"no ReLU", "a ReLU only at the end"},
        {"no pooling", "the pooling's result is not kept"},
        {
            "dropout before the first dense layer",
            "dropout before both dense layers",
            "no second dense layer",
        },
    ],
    "residual-networks-v2a": [
        {"ReLU before the addition", "ReLU only before the addition", "no addition"},
        {"a syntax error", "the library's own stand-in"},
    ],
    "residual-networks-v3": [
        {"ReLU before the addition", "no addition"},
        # Of both, the first thing that differs is the stride of the first convolution.
        {"stride on the 3 x 3 instead of the 1 x 1", "s = 1 by default"},
    ],
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=label)
def test_each_mistake_is_one_group_of_the_class_report_with_exactly_who_made_it(
    exercise: Exercise,
) -> None:
    wrong = {
        (answer.function, answer.name): exercise.judged(answer, SALT) for answer in exercise.wrong
    }
    answers, planted = simulated_class(wrong, students=300, seed=7)
    expected: dict[tuple[str, str], set[str]] = {}
    for (function, name), who in planted.items():
        alike = next((one for one in ALIKE[exercise.assignment.name] if name in one), {name})
        expected.setdefault((function, min(alike)), set()).update(who)
    mistakes = mistakes_of(answers)
    found = {(one.function, frozenset(one.students)) for one in mistakes}
    assert found == {(function, frozenset(who)) for (function, _), who in expected.items()}
    assert len(mistakes) == len(expected)
    lost = sum(check.points for answer in answers for check in answer.lost)
    assert sum(one.points_lost for one in mistakes) == pytest.approx(lost)


@pytest.mark.parametrize(
    ("assignment", "name"),
    [
        ("residual-networks-v2a", "F1 where F2 belongs"),
        ("residual-networks-v2a", "f hard-coded as 2"),
        ("residual-networks-v2a", "no names"),
        ("residual-networks-v2a", "the wrong seed"),
        ("residual-networks-v2a", "stride 2 in the second convolution"),
        ("residual-networks-v3", "batch normalisation over axis 1"),
        ("numbers-v1", "powers of two"),
    ],
)
def test_gradings_with_other_arguments_find_the_same_mistake(assignment: str, name: str) -> None:
    exercise = next(one for one in EXERCISES if one.assignment.name == assignment)
    answer = next(one for one in exercise.wrong if one.name == name)
    graded = [
        Answer(f"graded with {salt}", "Notebook", answer.function, verdict.checks)
        for salt in (SALT, OTHER_SALT)
        for verdict in [exercise.judged(answer, salt)]
    ]
    [mistake] = mistakes_of(graded)
    assert len(mistake.answers) == 2
