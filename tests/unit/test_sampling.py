"""A network is trusted only if it computes what its description says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from exercises import MODES_BLOCKS

from coursekit.course.test_cells import PLACEHOLDER, compose
from coursekit.judge.cell import judge_cell
from resnets_utils import glorot_uniform
from resnets_utils.answering import answer
from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply
from resnets_utils.checks.check_result import Outcome
from resnets_utils.graphs.graph import Graph
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.spot_check import agrees, right_values, sample
from resnets_utils.graphs.stand_ins import Blocks, in_place_of_blocks
from resnets_utils.graphs.tracing import trace
from resnets_utils.tensorflow1 import GlorotUniform

layers = keras.layers
BLOCKS = Blocks(MODES_BLOCKS)
Function = Callable[[Any], Any]


def network(
    relu: Any = "relu", start: Any = None, change: Callable[[keras.Model], Any] = lambda model: None
) -> keras.Model:
    entrance = keras.Input((5, 4, 2))
    X = layers.Conv2D(3, 1, name="conv", kernel_initializer=start or glorot_uniform(seed=0))(
        entrance
    )
    # With training=True, so that both sides must ask for prediction.
    X = layers.BatchNormalization(axis=3, name="norm")(X, training=True)
    model = keras.Model(entrance, layers.Activation(relu, name="relu")(X))
    change(model)
    return model


def is_true(said: str, graph: Graph) -> bool:
    return agrees(said, graph, lambda: right_values(graph, 7))


def believed(model: keras.Model) -> bool:
    return is_true(sample(model, 7), read_graph(model.to_json(), BLOCKS))


def named_relu(function: Function) -> Function:
    function.__name__ = "relu"
    return function


def zeros(model: keras.Model) -> None:
    model.set_weights([0 * weight for weight in model.get_weights()])


def other_call(model: keras.Model) -> None:
    model.get_layer("norm").call = lambda inputs, **others: 2 * inputs


def hidden_epsilon(model: keras.Model) -> None:
    model.get_layer("norm").epsilon = 0.5
    config = {**model.get_layer("norm").get_config(), "epsilon": 0.001}
    model.get_layer("norm").get_config = lambda: config


def test_a_network_of_keras_layers_is_believed() -> None:
    assert believed(network())
    assert believed(network(named_relu(lambda x: keras.ops.maximum(x, 0))))


@pytest.mark.parametrize("change", [zeros, other_call, hidden_epsilon])
def test_a_network_that_was_tampered_with_is_not(change: Callable[[keras.Model], Any]) -> None:
    assert not believed(network(change=change))


def test_a_function_of_ones_own_is_not_keras_relu_by_its_name() -> None:
    model = network(named_relu(lambda x: -x))
    assert [node.kind for node in read_graph(model.to_json()).nodes][-1] == "ReLU"
    assert not believed(model)


def test_a_start_of_ones_own_is_not_the_exercises_by_its_description() -> None:
    class Own(GlorotUniform):
        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return keras.ops.ones(shape)

    model = network(start=Own(seed=0))
    forged = json.loads(model.to_json())
    start = forged["config"]["layers"][1]["config"]["kernel_initializer"]
    start["registered_name"] = "resnets_utils>GlorotUniform"
    assert not is_true(sample(model, 7), read_graph(json.dumps(forged)))
    # Keras's own starts are not checked here; they cost points elsewhere.
    assert believed(network(start=keras.initializers.HeNormal(seed=0)))


def test_closed_blocks_compute_by_what_they_were_called_with() -> None:
    def closed(f: int, s: int) -> keras.Model:
        entrance = keras.Input((6, 5, 3))
        names: dict[str, Any] = {}
        with in_place_of_blocks(names, BLOCKS):
            block = names["convolutional_block"](entrance, f, [2, 2, 4], s)
        return keras.Model(entrance, layers.Flatten()(block))

    assert believed(closed(3, 2))
    graph = read_graph(closed(3, 1).to_json(), BLOCKS)
    assert not is_true(sample(closed(3, 2), 7), graph)


@pytest.mark.parametrize(
    "said", ["", "[", "null", "{}", "[[1], 2]", '["x"]', "[NaN]", "[1e999]", "[" * 4000, "[0, 0]"]
)
def test_what_is_no_list_of_its_values_is_not_believed(said: str) -> None:
    assert not is_true(said, read_graph(network().to_json()))


def never(relu: Any) -> Any:
    relu.call = lambda inputs: 0 * inputs
    return relu


def no_normalisation(model: keras.Model) -> None:
    model.get_layer("norm").call = lambda inputs, **others: inputs


@pytest.mark.parametrize(
    ("relu", "start"),
    [
        (lambda: never(layers.ReLU(trainable=False)), None),
        (lambda: never(layers.ReLU(max_value=6)), None),
        (lambda: never(layers.ReLU()), keras.initializers.HeNormal(seed=0)),
        (lambda: never(layers.ReLU(activity_regularizer="l2")), None),
    ],
)
def test_an_unusual_setting_or_start_switches_no_trial_off(relu: Any, start: Any) -> None:
    """A network with such a setting is tried like any other, and is trusted if it is true."""

    def drawn(relu: Any) -> keras.Model:
        entrance = keras.Input((5, 4, 2))
        given = {} if start is None else {"kernel_initializer": start}
        return keras.Model(entrance, relu(layers.Conv2D(3, 1, **given)(entrance)))

    assert not believed(drawn(relu()))
    honest = relu()
    del honest.call
    assert believed(drawn(honest))


@pytest.mark.parametrize(
    "given",
    [{"trainable": False}, {"dilation_rate": 2}, {"groups": 2}, {"kernel_regularizer": "l2"}],
)
def test_every_setting_that_was_read_is_used(given: dict[str, Any]) -> None:
    entrance = keras.Input((5, 4, 2))
    assert believed(keras.Model(entrance, layers.Conv2D(4, 2, **given)(entrance)))


def no_training(model: keras.Model) -> None:
    given = model.get_layer("norm").call
    model.get_layer("norm").call = lambda inputs, **others: given(inputs, training=False)


def no_averages(model: keras.Model) -> None:
    norm = model.get_layer("norm")
    given = norm.call

    def call(inputs: Any, training: Any = None, **others: Any) -> Any:
        values = given(inputs, training=training)
        norm.moving_mean.assign(keras.ops.zeros_like(norm.moving_mean))
        return values

    norm.call = call


def no_prediction(model: keras.Model) -> None:
    given = model.get_layer("norm").call
    model.get_layer("norm").call = lambda inputs, **others: given(inputs, training=True)


@pytest.mark.parametrize("change", [no_training, no_averages, no_prediction])
@pytest.mark.parametrize("start", [None, keras.initializers.HeNormal(seed=0)])
def test_a_mode_that_a_normalisation_lacks_shows(
    change: Callable[[keras.Model], Any], start: Any
) -> None:
    assert not believed(network(start=start, change=change))


@pytest.mark.parametrize("start", [None, keras.initializers.HeNormal(seed=0)])
def test_a_network_with_a_dropout_is_tried_with_random_weights(start: Any) -> None:
    """Its training is random, so only predictions before that are compared."""

    def drawn(change: Callable[[keras.Model], Any]) -> keras.Model:
        within = network(start=start)
        X = layers.Dense(2, kernel_initializer=start or glorot_uniform(seed=0))(
            layers.Dropout(0.5)(within.output)
        )
        model = keras.Model(within.input, X)
        change(model)
        return model

    assert believed(drawn(lambda model: None))
    assert not believed(drawn(no_normalisation))


def test_a_normalisation_that_does_nothing_shows() -> None:
    """With the averages that it starts from, it changes values by 0.05 % only."""
    assert not believed(network(change=no_normalisation))


def test_a_network_that_cannot_be_computed_is_not_believed() -> None:
    model = network()
    graph = read_graph(model.to_json())
    damaged = graph.with_nodes(replace(node, settings={}) for node in graph.nodes)
    assert not is_true(sample(model, 7), damaged)


def test_a_trial_leaves_the_weights_as_they_were() -> None:
    model = network()
    before = model.get_weights()
    sample(model, 7)
    for one, other in zip(before, model.get_weights(), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("change", [zeros, other_call, hidden_epsilon, lambda model: None])
def test_a_function_that_changes_what_it_drew_is_not_believed(
    change: Callable[[keras.Model], Any],
) -> None:
    """A trace makes no variables, and still sees the values that a function sets."""
    honest = change not in (zeros, other_call, hidden_epsilon)
    reply = trace(Call("stage", {}, sample=7), lambda: network(change=change), {})
    graph = read_graph(reply["graph"])
    assert agrees(reply["values"], graph, lambda: right_values(graph, 7)) is honest


def test_a_trial_leaves_a_layer_that_the_notebook_made_as_it_was() -> None:
    normal = layers.BatchNormalization()
    normal.build((None, 5, 4, 2))
    normal.set_weights([weight + 3 for weight in normal.get_weights()])
    before = normal.get_weights()
    reply = trace(Call("stage", {}, (5, 4, 2), sample=7), lambda X: normal(X, training=True), {})
    # It does not start as a new one does.
    graph = read_graph(reply["graph"])
    assert not agrees(reply["values"], graph, lambda: right_values(graph, 7))
    np.testing.assert_array_equal(normal.get_weights(), before)


def test_networks_that_hidden_checks_ask_for_are_tried_at_each_size() -> None:
    """A ReLU that is right only at some sizes loses every check of the function."""
    test = """
from resnets_utils import Checks
checks = Checks("stage")
with checks("visible", points=1):
    checks.trace((4, 4, 2)).has_connections()
### HIDDEN TESTS
checks.report()
"""
    hidden = """
with checks("the same again", points=1):
    checks.trace((4, 4, 2)).has_connections()
with checks("hidden", points=1):
    checks.trace((5, 6, 2)).has_connections()
with checks("no network", points=1):
    pass
"""
    solution = "import keras\ndef stage(X):\n    return keras.layers.ReLU()(X)\n"

    def false_at(rows: int) -> list[Outcome]:
        def stage(X: Any) -> Any:
            return (never(layers.ReLU()) if X.shape[1] == rows else layers.ReLU())(X)

        cell = compose(test, hidden, [("stage", solution)], "")
        names = {"stage": stage}
        return [one.outcome for one in judge_cell(cell, lambda call: answer(call, names), 3).checks]

    assert false_at(9) == [Outcome.PASSED] * 4
    assert false_at(5) == [*[Outcome.FAILED] * 3, Outcome.PASSED]
    # What a visible check asks for is in the student's folder: a lie there gains nothing.
    assert false_at(4) == [Outcome.PASSED] * 4


@pytest.mark.parametrize(("function", "shape"), [("stage", "(1, 1, 1), "), ("whole", "")])
def test_of_other_networks_of_one_size_some_are_tried(function: str, shape: str) -> None:
    test = f"""
from resnets_utils import Checks
checks = Checks("{function}")
with checks("all", points=1):
    for n in range(25):
        checks.trace({shape}n=n)
"""
    solution = """import keras
def stage(X, n):
    return keras.layers.ReLU()(X)
def whole(n):
    X = keras.Input((1, 1, 1))
    return keras.Model(X, stage(X, n))
"""
    names: dict[str, Any] = {}
    exec(solution, names)

    def tried(visible: str, hidden: str | None) -> list[bool]:
        asked: list[Call] = []

        def tracer(call: Call) -> Reply:
            asked.append(call)
            return answer(call, names)

        cell = compose(visible, hidden, [("stage", solution)], "")
        assert judge_cell(cell, tracer, 3).outcome is Outcome.PASSED
        return [call.sample is not None for call in asked]

    found = tried(PLACEHOLDER, test)
    assert found[0] and 1 < sum(found) < 25
    assert tried(test, None) == [False] * 25
