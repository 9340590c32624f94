"""The blocks in a whole network are the blocks that were judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from judging_in_process import answer_cells, full_test_cells
from own_assignments import put_in_place

from coursekit.course.assignment import Assignment
from coursekit.judge.cell import judge_cell
from resnets_utils.answering import answer
from resnets_utils.checks.check_result import CheckResult, Outcome
from resnets_utils.checks.network_calls import MAX_SECONDS

BLOCK, NETWORK = "conv_stage", "plain_network"
STAGE = """
def conv_stage(X, filters, layers=2):
    {}
    for _ in range(layers):
        X = Conv2D(filters, (3, 3), padding="same", kernel_initializer=glorot_uniform(seed=0))(X)
        X = Activation("relu")(X)
    return MaxPooling2D((2, 2))(X)
"""
OTHER_LAYERS = "layers = 1 if filters == 64 else layers"
ELSEWHERE = "import sys; layers -= sys._getframe(1).f_code.co_name == 'plain_network'"
DRAWN_DIFFERENTLY = """
def conv_stage(X, filters, layers=2):
    import keras
    for _ in range(layers):
        X = keras.layers.ZeroPadding2D((1, 1))(X)
        X = Conv2D(filters, (3, 3), kernel_initializer=glorot_uniform(seed=0))(X)
        X = keras.layers.ReLU()(X)
    return MaxPooling2D((2, 2))(X)
"""
# Mistakes that the hidden checks of the block find, with more layers than the network asks for.
RAISES = f"assert layers < 3; {OTHER_LAYERS}"
UNTRUE = """
def conv_stage(X, filters, layers=2):
    for _ in range(1 if filters == 64 else layers):
        X = Conv2D(filters, (3, 3), padding="same", kernel_initializer=glorot_uniform(seed=0))(X)
        relu = Activation("relu")
        if layers > 2:
            relu.call = lambda inputs: -inputs
        X = relu(X)
    return MaxPooling2D((2, 2))(X)
"""
RAISES_ALONE = f"""{STAGE.format("import sys").replace("return", "X =")}
    assert sys._getframe(1).f_code.co_name == "plain_network"
    return X
"""


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    yield put_in_place("plain-network-v1", Path(tmp_path_factory.mktemp("course")))


def builds(
    assignment: Assignment,
    answers: dict[str, str],
    cells: tuple[str, ...],
    networks: dict[str, Any] | None = None,
    sampled: bool = False,
) -> CheckResult:
    """The check "builds from your stages", after the test cells named were judged in turn."""
    namespace = {"__name__": "__main__"}
    for source in answer_cells(assignment, answers):
        exec(source, namespace)
    tests = full_test_cells(assignment)
    networks = {} if networks is None else networks
    verdicts = [
        judge_cell(
            tests[name], lambda call: answer(call, namespace), 5, sampled=sampled, networks=networks
        )
        for name in cells
    ]
    return verdicts[-1].checks[0]


@pytest.mark.parametrize(
    "block", [STAGE.format("pass"), DRAWN_DIFFERENTLY], ids=["as asked", "drawn differently"]
)
def test_a_network_of_right_blocks_passes(assignment: Assignment, block: str) -> None:
    networks: dict[str, Any] = {}
    result = builds(assignment, {BLOCK: block}, (BLOCK, NETWORK), networks)
    assert result.outcome is Outcome.PASSED, result.reason
    # What it takes to open blocks is counted for all of a cell's together.
    assert networks[NETWORK]._seconds_left < MAX_SECONDS


def test_a_block_that_is_right_only_where_it_was_judged_costs_the_check(
    assignment: Assignment,
) -> None:
    result = builds(assignment, {BLOCK: STAGE.format(OTHER_LAYERS)}, (BLOCK, NETWORK))
    assert result.outcome is Outcome.FAILED
    assert "conv_stage passes its own checks, but here it is another block" in result.reason
    assert "conv_stage(X, filters=64, layers=2)" in result.reason


def test_a_block_that_knows_who_calls_it_costs_the_check(assignment: Assignment) -> None:
    for cells in ((BLOCK, NETWORK), (NETWORK,)):
        result = builds(assignment, {BLOCK: STAGE.format(ELSEWHERE)}, cells)
        assert result.outcome is Outcome.FAILED
        assert "other layers here than when they are called one by one" in result.reason


@pytest.mark.parametrize(
    "block",
    [STAGE.replace('"relu"', '"tanh"').format("pass"), STAGE.format(RAISES), UNTRUE],
    ids=["another layer", "an error", "another computation"],
)
def test_a_mistake_that_the_blocks_own_checks_found_costs_nothing_again(
    assignment: Assignment, block: str
) -> None:
    found = builds(assignment, {BLOCK: block}, (BLOCK, NETWORK), sampled=block == UNTRUE)
    assert found.outcome is Outcome.PASSED, found.reason


def test_a_block_that_fails_by_itself_costs_the_check(assignment: Assignment) -> None:
    network = answer_cells(assignment, {})[-1].replace("Dense(64", "Dense(65")
    result = builds(assignment, {BLOCK: RAISES_ALONE, NETWORK: network}, (NETWORK,))
    assert result.outcome is Outcome.FAILED
    assert "other layers here than when they are called one by one" in result.reason


def test_a_network_of_another_shape_costs_the_check(assignment: Assignment) -> None:
    network = answer_cells(assignment, {})[-1].replace("Dense(classes", "Dense(1 + classes")
    result = builds(assignment, {NETWORK: network}, (NETWORK,))
    assert result.outcome is Outcome.FAILED
    assert "the output has shape (batch, 11)" in result.reason


def test_a_mistake_of_the_networks_own_costs_nothing_here(assignment: Assignment) -> None:
    network = answer_cells(assignment, {})[-1].replace("Dense(64", "Dense(65")
    assert builds(assignment, {NETWORK: network}, (BLOCK, NETWORK)).outcome is Outcome.PASSED
