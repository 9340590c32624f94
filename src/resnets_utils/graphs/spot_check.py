"""What a network computes on random pictures: whether it is what its description says.

A description is what a student's process says of a network. A layer whose
`call` was replaced, or a function of one's own named "relu", looks the same in
it and computes something else. So the process that drew the network computes
with it, and whoever reads the description does the same with what it says.
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
from resnets_utils.graphs.rebuilding import close, compute, starts_are_known

_PICTURES = 2
_MOST_VALUES = 64
_MOST_CHARACTERS = 5_000


def sample(model: keras.Model, salt: int) -> str:
    """Return some of what a model computes with the weights it starts from, as JSON text.

    Args:
        model: a model of one input and one output.
        salt: settles the pictures.

    """
    # Predicting: within one call, a layer's `training` would reach other layers.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's, of a list of one input
        values = model(_pictures(model.inputs[0].shape, salt), training=False)
    if isinstance(values, list | tuple):  # Model(inputs=[...], outputs=[X]) is right, too
        (values,) = values
    return json.dumps([float(value) for value in _some(values)])


def agrees(said: str, graph: Graph, salt: int) -> bool:
    """Whether a network computes what its graph says.

    Nothing is held against a graph that cannot be built, or whose weights or
    settings are not all known: it is not the exercise's anyway.

    Args:
        said: what `sample` gave for the network; it may come from a student's process.
        graph: the graph that was read from the network's description.
        salt: as `sample` was given.

    """
    if not starts_are_known(graph) or any("also sets" in node.settings for node in graph.nodes):
        return True
    try:
        right = _some(compute(graph, _pictures(graph.shapes[0], salt)))
    except ValueError:
        return True
    try:
        values = np.asarray(json.loads(said[:_MOST_CHARACTERS]), np.float32)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
    return close(values, right)


def _pictures(shape: Sequence[int | None], salt: int) -> NDArray[np.float32]:
    sizes = (_PICTURES, *(int(size or 1) for size in shape[1:]))
    return np.random.default_rng(salt).standard_normal(sizes).astype(np.float32)


def _some(values: Any) -> NDArray[np.float32]:
    flat = np.asarray(values, np.float32).ravel()
    return flat[:: max(1, flat.size // _MOST_VALUES)][:_MOST_VALUES]
