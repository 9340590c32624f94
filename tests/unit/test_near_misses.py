"""Answers that are wrong in one thing alone fail the checks that ask for it, and say so."""

from __future__ import annotations

from typing import Any

import pytest
from forged_answers import CELLS, NETWORK

from coursekit.course.test_cells import compose
from coursekit.judge.cell import judge_cell
from resnets_utils.answering import answer
from resnets_utils.border.call import GRAPH
from resnets_utils.checks.check_result import CheckResult, Outcome

ALL = [
    "shape",
    "convolutions",
    "connections",
    "normalisation",
    "weights",
    "parameters",
    "classifier",
    "behaviour",
    "values",
]


def judged(cell: str, text: str, *, sampled: bool = True) -> tuple[CheckResult, ...]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(text, names)
    # Tried on pictures, as in grading: a wrong answer must not fail more than it deserves.
    return judge_cell(cell, lambda call: answer(call, names), 5, sampled=sampled).checks


@pytest.mark.parametrize(
    ("old", "new", "fails", "said"),
    [
        ("", "", [], ""),
        (
            "initializer=glorot_uniform(seed=0))(X)",
            "initializer=glorot_uniform())(X)",
            ["weights", "values"],
            "starts from glorot_uniform(seed=None); the exercise asks for glorot_uniform(seed=0)",
        ),
        (
            "layers.ReLU()",
            "layers.ReLU(max_value=0.1)",
            ["connections", "behaviour", "values"],
            "ceiling",
        ),
        (
            "layers.ReLU()",
            "(lambda X: keras.ops.maximum(X, 0.5))",
            ALL,
            "calculates with a number; the exercise never does",
        ),
        ("layers.ReLU()", "(lambda X: keras.ops.maximum(X, 0))", [], ""),
        (
            'activation="softmax", kernel_initializer=glorot_uniform(seed=0))(Y)',
            "kernel_initializer=glorot_uniform(seed=0))(Y)\n    return layers.Softmax(axis=0)(Y)",
            ["classifier", "behaviour", "values"],
            "the softmax has axis 0; the exercise asks for 1",
        ),
        (
            'activation="softmax", kernel_initializer=glorot_uniform(seed=0))(Y)',
            "kernel_initializer=glorot_uniform(seed=0))(Y)\n    last = layers.Softmax()\n"
            "    Y = last(Y)\n    last.axis = 3\n    return Y",
            ALL,
            "the softmax has axis 3; what it reads has 2 axes",
        ),
    ],
    ids=[
        "right",
        "no seed",
        "a ceiling",
        "a maximum",
        "a maximum with 0",
        "another axis",
        "no axis",
    ],
)
def test_a_network_fails_exactly_what_it_misses(
    old: str, new: str, fails: list[str], said: str
) -> None:
    assert old in NETWORK
    text = NETWORK.replace(old, new, 1) if old else NETWORK
    if "return" in new:
        text = text.replace("return layers.Dense", "Y = layers.Dense")
    checks = judged(CELLS[GRAPH], text)
    assert [check.name for check in checks if check.outcome is not Outcome.PASSED] == fails
    assert said in "".join(check.reason for check in checks)


ONE = """
from keras import layers
from resnets_utils import glorot_uniform
def f(X):
    Y = layers.Conv2D(2, 3, padding="same", kernel_initializer=glorot_uniform(seed=0))(X)
    return layers.GlobalAveragePooling2D()(Y)
"""


def one_check(asks: str) -> str:
    test = (
        "import numpy as np\nfrom resnets_utils import Checks\nchecks = Checks('f')\n"
        f"with checks('it', points=1):\n    checks.trace((7, 7, 1)).{asks}"
    )
    return compose(test, None, [("f", ONE)])


def test_padding_that_changes_no_shape_is_compared() -> None:
    [check] = judged(one_check("has_convolutions()"), ONE.replace("same", "valid"))
    assert (check.outcome, check.reason.partition(": ")[2]) == (
        Outcome.FAILED,
        'the convolution has padding "valid"; the exercise asks for "same"',
    )


@pytest.mark.parametrize(("off", "outcome"), [(0.9, Outcome.PASSED), (1.1, Outcome.FAILED)])
def test_values_are_compared_within_their_tolerance(off: float, outcome: Outcome) -> None:
    # The figures of an input of ones: the sums of the weights that each output sees.
    right = [1.0309368, 0.36645618]
    figures = [value + off * 1e-4 for value in right]
    asks = f"has_values(np.ones((1, 7, 7, 1)), (0,), {figures}, 1e-4)"
    [check] = judged(one_check(asks), ONE)
    assert check.outcome is outcome, check.reason


def test_an_error_with_words_is_no_placeholder() -> None:
    def outcome(error: str) -> Outcome:
        return judged(one_check("has_output_shape()"), f"def f(X):\n    raise {error}")[0].outcome

    assert outcome("NotImplementedError") is outcome("NotImplementedError()")
    assert outcome("NotImplementedError()") is Outcome.NOT_ATTEMPTED
    assert outcome("NotImplementedError('after lunch')") is Outcome.ERROR
