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
from resnets_utils.graphs.rebuilding import close, compute, starts_are_known

_PICTURES = 2
_MAX_VALUES = 64
_MAX_CHARACTERS = 5_000


def sample(model: keras.Model, salt: int) -> str:
    """Return some of what a model computes with the weights it starts from, as JSON text.

    Args:
        model: a model of one input and one output.
        salt: decides the pictures.

    """
    # Not in training: a `training` argument of one layer would reach others in the same call.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of a list of one input
        values = model(_pictures(model.inputs[0].shape, salt), training=False)
    if isinstance(values, list | tuple):  # from Model(inputs=[...], outputs=[X])
        (values,) = values
    return json.dumps([float(value) for value in _some(values)])


def agrees(said: str, graph: Graph, salt: int) -> bool:
    """Whether a network computes what its graph says.

    A graph that cannot be built, or has an unknown start or setting, counts as agreeing:
    it is never the exercise's, so the other checks fail it.

    Args:
        said: what `sample` returned for the network; it may come from a student's process.
        graph: the graph that was read from the network's description.
        salt: the salt that `sample` was given.

    """
    if not starts_are_known(graph) or any("also sets" in node.settings for node in graph.nodes):
        return True
    try:
        right = _some(compute(graph, _pictures(graph.shapes[0], salt)))
    except ValueError:
        return True
    try:
        values = np.asarray(json.loads(said[:_MAX_CHARACTERS]), np.float32)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
    return close(values, right)


def _pictures(shape: Sequence[int | None], salt: int) -> NDArray[np.float32]:
    sizes = (_PICTURES, *(int(size or 1) for size in shape[1:]))
    return np.random.default_rng(salt).standard_normal(sizes).astype(np.float32)


def _some(values: Any) -> NDArray[np.float32]:
    flat = np.asarray(values, np.float32).ravel()
    return flat[:: max(1, flat.size // _MAX_VALUES)][:_MAX_VALUES]
