"""A test on random pictures: whether a network computes what its description says.

The description comes from a student's process. A layer whose `call` was replaced, or
a student's own function named "relu", looks right in it and computes something else.
So the student's process computes with its network, the judge computes with a network
built from the description, and both results must agree.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.graphs.graph import Graph
from resnets_utils.graphs.keras_layers import FOR_TRAINING
from resnets_utils.graphs.rebuilding import (
    close,
    compute,
    results,
    starts_are_known,
)

_PICTURES = 2
_MAX_VALUES = 64
_MAX_CHARACTERS = 10_000


def sample(model: keras.Model, salt: int) -> str:
    """Return some of what a model computes, and how many weights it has, as JSON text.

    Its own weights are put back.

    Args:
        model: a model of one input and one output.
        salt: decides the pictures, the random weights and which values are returned.

    """
    pictures = _pictures(model.inputs[0].shape, salt)

    def call(training: bool) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of a list of one input
            values = model(pictures, training=training)
        if isinstance(values, list | tuple):  # from Model(inputs=[...], outputs=[X])
            (values,) = values
        return values

    own = model.get_weights()
    dropout = any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)
    values = results(call, lambda: model.weights, salt, dropout=dropout)
    model.set_weights(own)
    said = {
        "values": [[float(value) for value in _some(one, salt)] for one in values],
        "parameters": [_size(model.weights), _size(model.trainable_weights)],
        "restrained": any(one.regularizer or one.constraint for one in model.weights),
    }
    return json.dumps(said)


def _size(weights: Sequence[Any]) -> int:
    """How many numbers there are in weights; one that two layers share counts once."""
    distinct = {id(weight): math.prod(weight.shape) for weight in weights}
    return sum(distinct.values())


def right_values(graph: Graph, salt: int) -> list[NDArray[np.float32]]:
    """Return the values that `sample` returns for a network that is what its graph says.

    Raises:
        Exception: whatever Keras raises for the graph.

    """
    pictures = _pictures(graph.shapes[0], salt)
    return [_some(values, salt) for values in compute(graph, pictures, salt)]


def agrees(said: str, graph: Graph, right: Callable[[], Sequence[NDArray[np.float32]]]) -> bool:
    """Whether a network is and computes what its graph says.

    A network that cannot be compared does not agree. If the graph says nothing certain of
    the weights at the start, values with random weights alone are compared; if it holds a
    dropout, which is random, values of prediction alone.

    Args:
        said: what `sample` returned for the network; it may come from a student's process.
        graph: the graph that was read from the network's description.
        right: gives the `right_values` of the graph.

    """
    try:
        told = json.loads(said[:_MAX_CHARACTERS])
        values = [np.asarray(some, np.float32) for some in told["values"]]
        weights_are_right = told["parameters"] == [
            graph.parameters(),
            graph.parameters(trainable_only=True),
        ]
        restrained = any(FOR_TRAINING & set(node.also_sets) for node in graph.nodes)
        compared = [close(one, other) for one, other in zip(values, right(), strict=True)]
    except Exception:  # whatever it is, it comes from the student's graph or values
        return False
    if not starts_are_known(graph):
        compared[0] = True
    if any(0 < float(str(node["rate"])) < 1 for node in graph.of_kind("dropout")):
        compared[2:] = [True, True]
    return all(compared) and weights_are_right and (restrained or told["restrained"] is False)


def _pictures(shape: Sequence[int | None], salt: int) -> NDArray[np.float32]:
    sizes = (_PICTURES, *(int(size or 1) for size in shape[1:]))
    return np.random.default_rng(salt).standard_normal(sizes).astype(np.float32)


def _some(values: Any, salt: int) -> NDArray[np.float32]:
    flat = np.asarray(values, np.float32).ravel()
    return flat[np.random.default_rng([salt, 1]).integers(flat.size, size=_MAX_VALUES)]
