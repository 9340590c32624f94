"""Build a real Keras model from a `Graph`, and compare two graphs by what they compute."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils import tensorflow1, tensorflow2
from resnets_utils.graphs.graph import (
    CLOSED_BLOCK,
    MERGING,
    TRAINING_KINDS,
    WEIGHTED,
    Graph,
    Node,
)
from resnets_utils.graphs.keras_layers import (
    ACTIVATIONS,
    BENDS,
    BENT_RELU,
    FOR_THE_START,
    LAYERS,
)
from resnets_utils.graphs.stand_ins import StandIn

Array = NDArray[np.float32]
Layers = dict[tuple[str, ...], keras.layers.Layer]

# Two builds of one function differ by rounding alone: with oneDNN on and off,
# x86-64, by at most 1.6e-5 of the largest value (ResNet-50 in training mode;
# the blocks not at all). A wrong layer moves values by tens of per cent.
SAME_VALUES = 1e-3
# Of layers one after the other; a ResNet-152 has about 500.
MAX_DEPTH = 900


def build(graph: Graph) -> keras.Model:
    """Build the model that a graph describes.

    Only settings that `keras_json` has checked reach Keras.

    Args:
        graph: the graph, whose own initializers its weights start from; closed blocks in it
            become stand-ins.

    Raises:
        ValueError: if a kind cannot be built, or the graph is too deep or too large.

    """
    entrance = keras.Input(graph.nodes[0]["shape"])
    values = _values(graph, entrance, seeded=True)
    try:
        return keras.Model(entrance, values[graph.output])
    except RecursionError:
        raise ValueError("the layers are stacked too deeply") from None


def compute(graph: Graph, pictures: Array, salt: int) -> list[Array]:
    """Return what a graph computes, step by step: see `results`.

    This is quicker than building a model and calling it several times.

    Args:
        graph: the graph.
        pictures: its input, float32, of shape (pictures, height, width, channels).
        salt: decides the random weights.

    Raises:
        ValueError: for the same reasons as `build`.

    """
    layers: Layers = {}

    def call(training: bool) -> Array:
        called = _in_mode(graph, training)
        return np.asarray(_values(called, pictures, True, layers=layers)[graph.output])

    return results(
        call,
        lambda: [one for layer in layers.values() for one in layer.weights],
        salt,
        dropout=bool(graph.of_kind("dropout")),
    )


def _in_mode(graph: Graph, training: bool) -> Graph:
    """A graph as a model runs it that is called with ``training``."""
    return graph.with_nodes(
        replace(node, settings={**node.settings, "training": training})
        if node.kind in TRAINING_KINDS
        else node
        for node in graph.nodes
    )


def results(
    call: Callable[[bool], Array],
    weights: Callable[[], Iterable[Any]],
    salt: int,
    *,
    dropout: bool,
) -> list[Array]:
    """Return what a network gives at its start and then with random weights.

    With random weights it trains and then predicts: a normalisation that does nothing, or
    keeps other averages, shows, and so does everything that a prediction before the training
    would show. A dropout makes the training random, and all that follows; a network that has
    one predicts before it trains, too.

    Args:
        call: calls the network, told whether it is training.
        weights: returns the network's weights.
        salt: decides the random weights; see `set_random_weights`.
        dropout: whether the network has a dropout.

    """
    found = [call(False)]
    set_random_weights(weights(), salt)
    return [*found, *(call(training) for training in (*[False] * dropout, True, False))]


class FixedDropout(keras.layers.Layer):  # type: ignore[misc]
    """Dropout that leaves the same values out each time, so that two networks can be compared.

    Args:
        rate: share of the values that are left out while training.
        salt: decides which ones, together with the rate and the input's shape.

    """

    def __init__(self, rate: float, salt: int) -> None:
        super().__init__()
        self.rate, self.salt = rate, salt

    def call(self, values: Any, training: bool = False) -> Any:
        """Return the values as Dropout does: scaled up where they stay."""
        if not training or not 0 < self.rate < 1:
            return values * float(self.rate < 1 or not training)
        shape = tuple(values.shape[1:])
        key = hashlib.sha256(repr((self.salt, self.rate, shape)).encode()).digest()
        kept = np.random.default_rng(list(key)).random(shape) >= self.rate
        return values * (kept / (1 - self.rate)).astype(np.float32)


def _values(
    graph: Graph,
    entrance: Any,
    seeded: bool,
    dropout_salt: int | None = None,
    layers: Layers | None = None,
    named: bool = False,
    made: Callable[[keras.layers.Layer], None] | None = None,
) -> list[Any]:
    """Call the layers that a graph describes one after the other, on symbols or on numbers.

    Layers that are missing in ``layers`` are made and put there. A new one that has weights is
    first handed to ``made``, if there is one.
    """
    if graph.too_large:
        raise ValueError(graph.too_large)
    layers = {} if layers is None else layers
    values: list[Any] = []
    for at, node in enumerate(graph.nodes):
        if node.kind == "input":
            values.append(entrance)
            continue
        sources = [values[source] for source in node.inputs]
        # A layer called twice stays one layer with shared weights.
        key = (node.kind, *node.weights_of(at))
        if key not in layers:
            layers[key] = _layer(node, seeded, dropout_salt)
            if named and node.kind in WEIGHTED:
                layers[key].name = node.layer
            if made is not None and node.kind in WEIGHTED:
                layers[key].build(sources[0].shape)
                made(layers[key])
        options = (
            {"training": node["training"]} if node.settings.get("training") is not None else {}
        )
        argument = sources if node.kind in MERGING else sources[0]
        values.append(layers[key](argument, **options))
    return values


_STARTS: dict[str, Callable[[Any], keras.initializers.Initializer]] = {
    "glorot_uniform": tensorflow1.GlorotUniform,
    "stateless glorot_uniform": tensorflow2.GlorotUniform,
    "stateless random_uniform": tensorflow2.RandomUniform,
    "constant": tensorflow2.constant,
}


# What an activation, and a ReLU, may be.
FUNCTIONS = (*ACTIVATIONS, BENT_RELU)
# The class that is built for each kind.
_CLASSES = {LAYERS[name].kind: name for name in reversed(LAYERS)}


def starts_are_known(graph: Graph) -> bool:
    """Whether a model that is built from the graph starts with exactly the graph's weights."""
    if any(FOR_THE_START & set(node.also_sets) for node in graph.nodes):
        return False
    return all(
        node.settings["bias initializer"] == ("default",)
        and isinstance(start := node["initializer"], tuple)
        and start[0] in _STARTS
        and start[1] is not None
        for node in graph.of_kind("convolution", "dense")
    )


def _initializer(node: Node, seeded: bool) -> Any:
    start = node["initializer"]
    if not seeded:
        return "zeros"
    if isinstance(start, tuple) and start[0] in _STARTS:
        return _STARTS[str(start[0])](start[1])
    # The numbers of another initializer are never the exercise's; any will differ.
    return "glorot_uniform"


def _layer(node: Node, seeded: bool, dropout_salt: int | None) -> keras.layers.Layer:
    if node.kind == CLOSED_BLOCK:
        return StandIn(node.function, {}, tuple(size or 1 for size in node.gives[1:]))
    if node.kind == "dropout" and dropout_salt is not None:
        return FixedDropout(float(str(node["rate"])), dropout_salt)
    if node.kind not in _CLASSES or node.settings.get("function", "relu") not in FUNCTIONS:
        raise ValueError(f"a step of kind {node.kind!r} cannot be built")
    if node.settings.get("function") == BENT_RELU:
        return keras.layers.ReLU(**{key: node[key] for key in BENDS})
    name = _CLASSES[node.kind]
    given = {key: node[ours] for ours, (key, *_) in LAYERS[name].settings.items()}
    if given.pop("bias_initializer", None) is not None:
        given["kernel_initializer"] = _initializer(node, seeded)
    return getattr(keras.layers, name)(**given)


def set_random_weights(
    weights: Iterable[Any],
    salt: int,
    *,
    by_name: bool = False,
    drawn: dict[Any, Array] | None = None,
) -> None:
    """Give each of a model's weights values that depend on its role, shape and ``salt`` alone.

    With ``by_name`` they depend on its layer's name, too.

    Two models of one function then hold the same weights, whatever the names and
    the order of their layers. Batch normalisation gets statistics that differ from
    its start, so that a missing one or a wrong axis changes the result. Values that
    stand in ``drawn`` are taken from there, others are put there.
    """
    drawn = {} if drawn is None else drawn
    for variable in weights:
        *layer, role = variable.path.split("/")
        shape = tuple(variable.shape)
        said = (salt, role, shape, layer[-1]) if by_name else (salt, role, shape)
        if said not in drawn:
            drawn[said] = _random_values(role, shape, repr(said))
        variable.assign(drawn[said])


def _random_values(role: str, shape: tuple[int, ...], key: str) -> Array:
    rng = np.random.default_rng(list(hashlib.sha256(key.encode()).digest()))
    if role in {"gamma", "moving_variance"}:
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    values = rng.standard_normal(shape, np.float32)
    scale = 1 / math.sqrt(math.prod(shape[:-1])) if role == "kernel" else 0.3
    return values * np.float32(scale)


def same_behaviour(answer: Graph, expected: Graph, salt: int, *, by_name: bool = False) -> bool:
    """Whether two graphs compute the same with equal weights, predicting and training.

    They must also predict the same after the training call: then the averages that a
    batch normalisation keeps have moved, and moved alike.

    Args:
        answer: a graph with its blocks open.
        expected: what to compare with, on an input of the same shape.
        salt: decides the random weights and the random pictures.
        by_name: whether layers of one name have equal weights, and others do not.

    """
    sizes = [
        (graph.output_shape, graph.parameters(), graph.parameters(trainable_only=True))
        for graph in (answer, expected)
    ]
    if sizes[0] != sizes[1]:
        return False
    if _shares_weights(answer):
        return False  # equal weights would hide that
    if max(answer.depths) > MAX_DEPTH:
        return False  # Keras makes no model of it
    shape = expected.shapes[0][1:]
    rng = np.random.default_rng([salt, 1])
    pictures = rng.standard_normal((3, *(int(size or 1) for size in shape))).astype(np.float32)
    graphs = [answer, expected]
    ends = [graph.nodes[graph.output] for graph in graphs]
    if all(end.kind == "softmax" for end in ends) and ends[0].settings == ends[1].settings:
        # A softmax would round differences away.
        graphs = [replace(graph, output=graph.nodes[graph.output].inputs[0]) for graph in graphs]
    drawn: dict[Any, Array] = {}

    def caller(graph: Graph) -> Callable[[bool], Array]:
        """What calls a graph's layers, which get their weights when they are first called."""
        layers: Layers = {}

        def made(layer: keras.layers.Layer) -> None:
            set_random_weights(layer.weights, salt, by_name=by_name, drawn=drawn)

        def call(training: bool) -> Array:
            called = _in_mode(graph, training)
            values = _values(called, pictures, False, salt, layers, named=by_name, made=made)
            return np.asarray(values[graph.output])

        return call

    one, other = map(caller, graphs)
    return all(close(one(training), other(training)) for training in (False, True, False))


def _shares_weights(graph: Graph) -> bool:
    weighted = [at for at in graph.reached if graph.nodes[at].kind in WEIGHTED]
    return len({graph.nodes[at].weights_of(at) for at in weighted}) < len(weighted)


def close(one: Array, other: Array, tolerance: float = SAME_VALUES) -> bool:
    """Whether two arrays agree to ``tolerance`` times the largest value."""
    if one.shape != other.shape or not np.isfinite(one).all():
        return False
    scale = float(np.abs(other).max()) or 1.0
    return bool(np.abs(one - other).max() <= tolerance * scale)
