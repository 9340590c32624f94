"""Each of Keras's private names taken away, as a later Keras may: the result stays the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from resnets_utils import glorot_uniform
from resnets_utils.border.call import Call
from resnets_utils.experiments.model_drawing import summary_rows
from resnets_utils.experiments.residual_blocks import residual_blocks
from resnets_utils.experiments.training import train
from resnets_utils.graphs import keras_private
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_private import can_wait_for_values
from resnets_utils.graphs.tracing import trace

WAITING = ("VALUE", "START", "INITIALIZER", "WAITING", "GLOBAL_STATE")
ADAM = ("PLACE", "MOMENTUMS", "VELOCITIES")
Rename = Callable[[str], None]


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> Rename:
    """Look for a private name under one that Keras does not have."""
    return lambda constant: monkeypatch.setattr(keras_private, constant, "_renamed_by_keras")


def residual_network() -> Any:
    keras.utils.set_random_seed(1)
    entrance = keras.Input((4, 4, 3))
    X = keras.layers.Conv2D(4, 1)(entrance)
    for _ in range(2):
        Y = keras.layers.ReLU()(keras.layers.Conv2D(4, 1)(X))
        Y = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 1)(Y))
        X = keras.layers.ReLU()(keras.layers.Add()([X, Y]))
    X = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(X))
    model = keras.Model(entrance, X)
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model


def test_this_keras_has_every_private_name() -> None:
    """The slow ways below are not this Keras's: each name is there, and is used."""
    assert can_wait_for_values()
    model = residual_network()
    model.optimizer.build(model.trainable_variables)
    averages = keras_private.adam_averages(model.optimizer)
    assert all(averages(weight) is not None for weight in model.trainable_variables)
    assert keras_private.drawn_from(model.inputs[0]) is model.outputs[0]


@pytest.mark.parametrize("constant", WAITING)
def test_a_graph_is_drawn_with_starting_values_where_it_cannot_wait_for_them(
    constant: str, rename: Rename
) -> None:
    rename(constant)
    assert not can_wait_for_values()
    layer = keras.layers.Conv2D(2, 3, kernel_initializer="ones")
    calls: list[Any] = []

    def block(X: Any) -> Any:
        calls.append(X)
        return layer(X)

    reply = trace(Call("block", {}, (4, 4, 3)), block, {})
    assert [node.kind for node in read_graph(reply["graph"]).nodes] == ["input", "convolution"]
    assert len(calls) == 1
    np.testing.assert_array_equal(np.asarray(layer.kernel), np.ones((3, 3, 3, 2)))
    # A value of its own: another reader finds the one that was assigned.
    layer.kernel.assign(2 * layer.kernel)
    np.testing.assert_array_equal(np.asarray(layer.kernel), 2 * np.ones((3, 3, 3, 2)))


def test_a_network_computes_the_same_with_and_without_variables(rename: Rename) -> None:
    def block(X: Any) -> Any:
        start = glorot_uniform(seed=3)
        X = keras.layers.Conv2D(3, 2, kernel_initializer=start)(X)
        X = keras.layers.BatchNormalization(momentum=0.5)(X, training=True)
        return keras.layers.Dense(2, kernel_initializer=start)(keras.layers.Flatten()(X))

    call = Call("block", {}, (4, 4, 3), sample=7)
    without = trace(call, block, {})
    rename("VALUE")
    held = trace(call, block, {})
    assert json.loads(without["values"]) == json.loads(held["values"])


@pytest.mark.parametrize("constant", ["HISTORY", "READERS"])
def test_an_error_is_told_without_the_graph_up_to_it(constant: str, rename: Rename) -> None:
    def block(X: Any) -> Any:
        keras.layers.ReLU()(X)
        raise ValueError("my own mistake")

    call = Call("block", {}, (4, 4, 3))
    assert "graph" in trace(call, block, {})
    rename(constant)
    reply = trace(call, block, {})
    assert (reply["status"], reply["reason"]) == ("raised", "ValueError: my own mistake")
    assert "graph" not in reply


def test_blocks_are_found_without_the_tensors_history(rename: Rename) -> None:
    model = residual_network()
    blocks, rows = residual_blocks(model), summary_rows(model)
    assert [block.name for block in blocks] == ["2a", "2b"]
    rename("HISTORY")
    assert residual_blocks(model) == blocks
    assert summary_rows(model) == rows


@pytest.mark.parametrize("constant", ADAM)
def test_training_keeps_to_keras_own_adam_where_its_averages_are_not_found(
    constant: str, rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    random = np.random.default_rng(2)
    X = random.random((8, 4, 4, 3), dtype=np.float32)
    Y = np.eye(3, dtype=np.float32)[np.arange(8) % 3]
    plain = residual_network()
    history = plain.fit(X, Y, epochs=2, verbose=0)
    rename(constant)
    model = residual_network()
    found = train(model, X, Y, epochs=2, verbose=0)
    assert found.history["loss"] == pytest.approx(history.history["loss"], abs=1e-4)
    weights = zip(plain.optimizer.variables, model.optimizer.variables, strict=True)
    for one, other in weights:
        np.testing.assert_allclose(np.asarray(other), np.asarray(one), atol=1e-3)
