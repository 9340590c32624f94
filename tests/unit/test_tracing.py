"""Graphs are drawn without starting values, with the same result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from resnets_utils.answering import answer
from resnets_utils.border.call import Call, as_arguments
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_private import waiting_variables, waits
from resnets_utils.graphs.tracing import trace

CALL = Call("block", {}, (4, 4, 3))


def kinds(reply: dict[str, str]) -> list[str]:
    assert reply["status"] == "graph", reply
    return [node.kind for node in read_graph(reply["graph"]).nodes]


def test_a_layer_that_the_notebook_made_before_has_its_values_afterwards() -> None:
    layer = keras.layers.Conv2D(2, 3, kernel_initializer="ones")
    before = list(waiting_variables())
    assert not layer.built

    def block(X: Any) -> Any:
        return keras.layers.BatchNormalization()(layer(X))

    assert kinds(trace(CALL, block, {})) == ["input", "convolution", "batch normalisation"]
    # Without a value of its own a variable would be drawn again by each reader.
    assert not waits(layer.kernel) and not waits(layer.bias)
    np.testing.assert_array_equal(np.asarray(layer.kernel), np.ones((3, 3, 3, 2)))
    assert [id(one) for one in waiting_variables()] == [id(one) for one in before]
    # It computes, as a layer of the notebook's does.
    values = np.asarray(layer(np.ones((1, 3, 3, 3), np.float32)))
    np.testing.assert_allclose(values, 27 * np.ones((1, 1, 1, 2)))


def test_nothing_drawn_waits_for_values_though_an_error_came() -> None:
    before = len(waiting_variables())
    kept: list[Any] = []

    def block(X: Any) -> Any:
        kept.append(keras.layers.Dense(4, kernel_initializer="ones"))
        kept[-1](X)
        raise ValueError("my own mistake")

    reply = trace(CALL, block, {})
    assert (reply["status"], reply["reason"]) == ("raised", "ValueError: my own mistake")
    assert len(waiting_variables()) == before
    for layer in kept:
        np.testing.assert_array_equal(np.asarray(layer.kernel), np.ones((3, 4)))


@pytest.mark.parametrize(
    "use",
    [
        lambda layer: layer.get_weights()[0].sum() == 6,
        lambda layer: np.asarray(layer.kernel).sum() == 6,
        lambda layer: layer.set_weights(layer.get_weights()) is None,
        lambda layer: layer.kernel.assign(layer.kernel * 2) is not None,
        lambda layer: layer(np.ones((1, 4, 4, 3), np.float32)).shape == (1, 4, 4, 2),
    ],
    ids=["weights", "kernel", "set", "assign", "call"],
)
def test_a_function_that_needs_values_still_gives_its_graph(use: Callable[[Any], bool]) -> None:
    def block(X: Any) -> Any:
        layer = keras.layers.Conv2D(2, 1, kernel_initializer="ones")
        X = layer(X)
        assert use(layer)
        return X

    assert kinds(trace(CALL, block, {})) == ["input", "convolution"]


def test_a_function_that_fails_without_values_is_called_again_with_them() -> None:
    calls: list[Any] = []

    def block(X: Any) -> Any:
        layer = keras.layers.Conv2D(2, 1)
        calls.append(layer(X))
        if waits(layer.kernel):
            raise RuntimeError("it has no value")
        return calls[-1]

    assert kinds(trace(CALL, block, {})) == ["input", "convolution"]
    assert len(calls) == 2


def test_values_are_drawn_where_pictures_are_tried() -> None:
    calls: list[Any] = []

    def block(X: Any) -> Any:
        calls.append(X)
        return keras.layers.Conv2D(2, 1)(X)

    reply = trace(Call("block", {}, (4, 4, 3), sample=3), block, {})
    assert len(calls) == 1 and reply["values"].startswith('{"values"')


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_not_followed_by_a_second_run(error: type[BaseException]) -> None:
    calls: list[Any] = []

    def block(X: Any) -> Any:
        calls.append(X)
        raise error

    reply = trace(CALL, block, {})
    assert len(calls) == 1
    assert (reply["status"], reply["reason"]) == ("raised", error.__name__)


def test_a_function_that_is_called_twice_gets_arguments_of_its_own_each_time() -> None:
    seen: list[list[int]] = []

    def block(X: Any, filters: list[int]) -> Any:
        seen.append(list(filters))
        filters.append(99)
        if len(seen) == 1:
            raise ValueError
        return keras.layers.Conv2D(filters[0], 1)(X)

    call = Call("block", as_arguments({"filters": [4, 5]}), (4, 4, 3))
    assert kinds(answer(call, {"block": block})) == ["input", "convolution"]
    assert seen == [[4, 5], [4, 5]]


def test_the_graph_up_to_an_error_comes_with_it() -> None:
    def block(X: Any) -> Any:
        X = keras.layers.ReLU()(keras.layers.Conv2D(2, 1)(X))
        raise ValueError

    reply = trace(CALL, block, {})
    assert reply["status"] == "raised"
    assert [node.kind for node in read_graph(reply["graph"]).nodes] == [
        "input",
        "convolution",
        "ReLU",
    ]


def test_an_initializer_that_fails_is_told_though_a_graph_needs_no_values() -> None:
    def broken(shape: Any, dtype: Any = None) -> Any:
        raise ValueError("my own start")

    def block(X: Any) -> Any:
        return keras.layers.Dense(4, kernel_initializer=broken)(X)

    assert "my own start" in trace(CALL, block, {})["reason"]
