"""A test on random pictures: whether a network computes what its description says.

The description comes from a student's process. A layer whose `call` was replaced, or
a student's own function named "relu", looks right in it and computes something else.
So the student's process computes with its network, the judge computes with a network
built from the description, and both results must agree.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.graphs.graph import Graph
from resnets_utils.graphs.rebuilding import (
    close,
    compute,
    set_random_weights,
    starts_are_known,
)

_PICTURES = 2
_MAX_VALUES = 64
_MAX_CHARACTERS = 5_000


def sample(model: keras.Model, salt: int) -> str:
    """Return some of what a model computes, as JSON text.

    It computes with the weights that it starts from, and then with random ones, which
    also show a normalisation that does nothing. Its own weights are put back.

    Args:
        model: a model of one input and one output.
        salt: decides the pictures, the random weights and which values are returned.

    """
    pictures = _pictures(model.inputs[0].shape, salt)
    own = model.get_weights()
    at_start = _predicted(model, pictures)
    set_random_weights(model.weights, salt)
    values = [at_start, _predicted(model, pictures)]
    model.set_weights(own)
    return json.dumps([[float(value) for value in _some(one, salt)] for one in values])


def _predicted(model: keras.Model, pictures: NDArray[np.float32]) -> Any:
    # Not in training: a `training` argument of one layer would reach others in the same call.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of a list of one input
        values = model(pictures, training=False)
    if isinstance(values, list | tuple):  # from Model(inputs=[...], outputs=[X])
        (values,) = values
    return values


def agrees(said: str, graph: Graph, salt: int) -> bool:
    """Whether a network computes what its graph says.

    A network that cannot be compared does not agree. If the graph says nothing certain of
    the weights at the start, the values with random weights alone are compared.

    Args:
        said: what `sample` returned for the network; it may come from a student's process.
        graph: the graph that was read from the network's description.
        salt: the salt that `sample` was given.

    """
    try:
        at_start, random = (
            np.asarray(values, np.float32) for values in json.loads(said[:_MAX_CHARACTERS])
        )
        right = [
            _some(values, salt) for values in compute(graph, _pictures(graph.shapes[0], salt), salt)
        ]
    except Exception:  # whatever it is, it comes from the student's graph or values
        return False
    return close(random, right[1]) and (not starts_are_known(graph) or close(at_start, right[0]))


def _pictures(shape: Sequence[int | None], salt: int) -> NDArray[np.float32]:
    sizes = (_PICTURES, *(int(size or 1) for size in shape[1:]))
    return np.random.default_rng(salt).standard_normal(sizes).astype(np.float32)


def _some(values: Any, salt: int) -> NDArray[np.float32]:
    flat = np.asarray(values, np.float32).ravel()
    return flat[np.random.default_rng([salt, 1]).integers(flat.size, size=_MAX_VALUES)]
