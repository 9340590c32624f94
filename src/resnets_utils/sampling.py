"""What a network computes on random pictures: whether it is what its description says.

A description is what a student's process says of a network. A layer whose
`call` was replaced, or a function of one's own named "relu", looks the same in
it and computes something else. So the process that drew the network computes
with it, and whoever reads the description does the same with what was rebuilt.
"""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.building import build, close, set_random_weights, starts_are_known
from resnets_utils.graph import Graph

_PICTURES = 2
_MOST_VALUES = 64
_MOST_CHARACTERS = 10_000


def sample(model: keras.Model, salt: int) -> str:
    """Return some of what a model computes, as JSON text; its weights stay as they were.

    Args:
        model: a model of one input and one output.
        salt: settles the pictures, and the weights of the second round.

    Returns:
        two lists of numbers: from the weights that the model starts with, and
        from random ones.

    """
    before = model.get_weights()
    try:
        return json.dumps([list(map(float, values)) for values in _rounds(model, salt)])
    finally:
        model.set_weights(before)


def agrees(said: str, graph: Graph, salt: int) -> bool:
    """Whether a network computes what its graph says.

    A graph with settings that are not rebuilt, or that cannot be, is given the
    benefit of the doubt: it is not the exercise's anyway.

    Args:
        said: what `sample` gave for the network; it may come from a student's process.
        graph: the graph that was read from the network's description.
        salt: as `sample` was given.

    """
    if any("also sets" in node.settings for node in graph.nodes):
        return True
    try:
        model = build(graph)
    except ValueError:
        return True
    try:
        if len(said) > _MOST_CHARACTERS:
            return False
        rounds = [np.asarray(values, np.float64) for values in json.loads(said)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
    ours = _rounds(model, salt)
    if len(rounds) != len(ours) or not close(rounds[1], ours[1]):
        return False
    return not starts_are_known(graph) or close(rounds[0], ours[0])


def _rounds(model: keras.Model, salt: int) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(salt)
    shape = [_PICTURES, *(int(size or 1) for size in model.input.shape[1:])]
    pictures = rng.standard_normal(shape).astype(np.float32)
    started = _compute(model, pictures)
    set_random_weights(model, salt)
    return [started, _compute(model, pictures)]


def _compute(model: keras.Model, pictures: Any) -> NDArray[np.float64]:
    # Predicting: within one call, a layer's `training` would reach other layers.
    values = np.asarray(model(pictures, training=False), np.float64).ravel()
    return values[:: max(1, values.size // _MOST_VALUES)][:_MOST_VALUES]
