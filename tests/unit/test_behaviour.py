"""Two graphs are compared by what they compute, and axes by their place."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from resnets_utils.border.call import Call
from resnets_utils.checks.check_result import CheckFailed
from resnets_utils.checks.graph_comparison import GraphComparison
from resnets_utils.checks.network_checks import Answer
from resnets_utils.graphs.graph import Graph
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.graphs.rebuilding import same_behaviour

layers = keras.layers
TOLD_NOTHING = object()


def with_dropout(rate: float | None, training: Any = TOLD_NOTHING) -> Graph:
    entrance = keras.Input((6,))
    X = layers.Dense(20, activation="relu")(entrance)
    if rate is not None:
        told = {} if training is TOLD_NOTHING else {"training": training}
        X = layers.Dropout(rate)(X, **told)
    return read_graph(keras.Model(entrance, layers.Dense(3)(X)).to_json())


def test_a_network_with_dropout_behaves_as_itself_and_as_no_other() -> None:
    assert same_behaviour(with_dropout(0.4), with_dropout(0.4), 1)
    assert same_behaviour(with_dropout(None), with_dropout(None), 1)
    assert not same_behaviour(with_dropout(0.3), with_dropout(0.4), 1)
    assert not same_behaviour(with_dropout(None), with_dropout(0.4), 1)
    assert not same_behaviour(with_dropout(0.4), with_dropout(None), 1)


def beside(answer: Graph, expected: Graph) -> GraphComparison:
    def nothing(block: Any, shape: Any) -> None:
        return None

    def computed(graph: Any, right: Any, what: str, compute: Any) -> Any:
        return compute()

    return GraphComparison(answer, expected, nothing, nothing, computed, 1, network=True)


def asked(answer: Graph, expected: Graph) -> Answer:
    return Answer(Call("f", {}), beside(answer, expected), lambda: True, {})


@pytest.mark.parametrize(("training", "equal"), [(TOLD_NOTHING, True), (True, False)])
def test_dropout_that_is_told_a_mode_is_another(training: Any, equal: bool) -> None:
    # Keras overrides a layer's own mode when the model is called with one.
    assert beside(with_dropout(0.4, training), with_dropout(0.4)).equivalent is equal


def on_an_axis(layer: str, shape: tuple[int, ...], axis: int) -> Graph:
    entrance = keras.Input(shape)
    if layer == "Concatenate":
        result = layers.Concatenate(axis=axis)([entrance, layers.ReLU()(entrance)])
    else:
        result = getattr(layers, layer)(axis=axis)(entrance)
    return read_graph(keras.Model(entrance, result).to_json())


@pytest.mark.parametrize("layer", ["BatchNormalization", "Softmax", "Concatenate"])
@pytest.mark.parametrize("shape", [(6,), (4, 5, 6)])
def test_an_axis_counts_from_the_front_however_it_was_written(
    layer: str, shape: tuple[int, ...]
) -> None:
    rank = len(shape) + 1
    for axis in range(1, rank):
        graphs = [on_an_axis(layer, shape, written) for written in (axis, axis - rank)]
        axes = [graph.nodes[graph.output]["axis"] for graph in graphs]
        assert axes == [axis, axis]
        assert same_behaviour(graphs[0], graphs[1], 1)
    channels = on_an_axis(layer, shape, -1)
    if rank > 2:
        others = on_an_axis(layer, shape, 1)
        assert not same_behaviour(others, channels, 1)
    width = shape[-1] * (2 if layer == "Concatenate" else 1)
    assert channels.output_shape == (None, *shape[:-1], width)


def test_a_softmax_over_the_pictures_is_not_one_over_the_classes() -> None:
    def network(axis: int) -> Graph:
        entrance = keras.Input((6,))
        X = layers.Softmax(axis=axis)(layers.Dense(4)(entrance))
        return read_graph(keras.Model(entrance, X).to_json())

    right, wrong = network(-1), network(0)
    assert same_behaviour(network(1), right, 1) and not same_behaviour(wrong, right, 1)
    with pytest.raises(CheckFailed, match="the softmax has axis 0; the exercise asks for 1"):
        asked(wrong, right).has_pooling_and_classifier()
    asked(network(1), right).has_pooling_and_classifier()


@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_that_is_not_there_is_refused(axis: int) -> None:
    text = keras.Model(entrance := keras.Input((6,)), layers.Softmax(axis=-1)(entrance)).to_json()
    with pytest.raises(GraphRefused, match=rf"the softmax has axis {axis}; what it reads has 2"):
        read_graph(text.replace('"axis": -1', f'"axis": {axis}'))
