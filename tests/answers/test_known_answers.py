"""Every known wrong answer fails exactly the checks it names; every right one passes all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coursekit.courses import Assignment
from coursekit.judge.markers import BEGIN_HIDDEN, END_HIDDEN
from coursekit.judge.trusted import judge_trusted
from coursekit.known_answers import (
    KnownAnswer,
    full_test_cells,
    import_cells,
    known_answers,
    solution_cells,
)
from resnets_utils.checks import Outcome

ASSIGNMENT = Assignment(Path(__file__).resolve().parents[2], "residual-networks-v2a")
WRONG = known_answers(ASSIGNMENT, "wrong_answers.toml")
RIGHT = known_answers(ASSIGNMENT, "right_answers.toml")
TESTS = full_test_cells(ASSIGNMENT)
IMPORTS = import_cells(ASSIGNMENT)
SOLUTION = solution_cells(ASSIGNMENT)


def label(answer: KnownAnswer) -> str:
    return f"{answer.function}: {answer.name}"


def not_passed(answer: KnownAnswer, test: str, salt: int) -> set[str]:
    cells = [
        IMPORTS,
        *(answer.code if name == answer.function else code for name, code in SOLUTION.items()),
    ]
    results = judge_trusted(test, cells, salt).results
    return {result.name for result in results if result.outcome is not Outcome.PASSED}


def hidden_checks(function: str) -> list[str]:
    text = TESTS[function].split(BEGIN_HIDDEN)[1].split(END_HIDDEN)[0]
    return [name for name, _ in check_blocks(text)]


def check_blocks(text: str) -> list[tuple[str, ast.With]]:
    """The named checks of a test cell's text."""
    found = []
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.With):
            call = statement.items[0].context_expr
            assert isinstance(call, ast.Call) and isinstance(call.args[0], ast.Constant)
            found.append((str(call.args[0].value), statement))
    return found


def without_check(text: str, name: str) -> str:
    """The test cell's text with one check's lines taken out."""
    statement = dict(check_blocks(text))[name]
    lines = text.split("\n")
    assert statement.end_lineno is not None
    del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(lines)


@pytest.mark.parametrize("answer", WRONG, ids=label)
def test_a_wrong_answer_fails_exactly_the_checks_it_names(answer: KnownAnswer) -> None:
    assert answer.fails, "a wrong answer must name at least one check"
    assert not_passed(answer, TESTS[answer.function], salt=2024) == answer.fails


@pytest.mark.parametrize("salt", [7, 99])
@pytest.mark.parametrize("answer", RIGHT, ids=label)
def test_a_right_answer_passes_every_check(answer: KnownAnswer, salt: int) -> None:
    assert not_passed(answer, TESTS[answer.function], salt) == set()


HIDDEN = [(function, name) for function in TESTS for name in hidden_checks(function)]


@pytest.mark.parametrize(("function", "name"), HIDDEN, ids=lambda part: part)
def test_removing_a_hidden_check_makes_a_wrong_answer_go_red(function: str, name: str) -> None:
    witnesses = [answer for answer in WRONG if answer.function == function and name in answer.fails]
    assert witnesses, f"no wrong answer needs {name!r}"
    # The one with the fewest failures leans most on this check.
    witness = min(witnesses, key=lambda answer: len(answer.fails))
    weakened = without_check(TESTS[function], name)
    assert not_passed(witness, weakened, salt=2024) != witness.fails


def test_there_are_enough_of_them() -> None:
    assert len(WRONG) >= 40 and len(RIGHT) >= 15
    assert {answer.function for answer in WRONG} == set(SOLUTION) == set(TESTS)
