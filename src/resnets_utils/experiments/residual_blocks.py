"""Find the residual blocks of a Keras model in its graph, whatever its layers are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.errors import StudentError
from resnets_utils.graphs.keras_private import inputs_of, sources
from resnets_utils.graphs.stages import stage_names, tells_stages


@dataclass(frozen=True)
class ResidualBlock:
    """One block: the tensors that its addition adds, and the layer that ends the main path.

    Attributes:
        name: stage and letter, as "3b", where a stage has two blocks or more; else its number.
        main: what the main path gives, a symbolic tensor (batch, height, width, channels).
        shortcut: what comes over the shortcut, of the same shape.
        last_scale: the batch normalisation that ends the main path.
        changes_shape: whether the block hands on another shape than it is given.

    """

    name: str
    main: Any
    shortcut: Any
    last_scale: Any
    changes_shape: bool


def residual_blocks(model: Any) -> list[ResidualBlock]:
    """Return a model's blocks in the order in which a picture passes them.

    Of the two tensors that an addition adds, the main path is the one with more
    layers behind it.

    Raises:
        StudentError: if the model has no block whose main path ends in batch
            normalisation.

    """
    if not isinstance(model, keras.Model):
        raise StudentError(
            f"this takes a Keras model, not {type(model).__name__}",
            "pass what your function that builds the network returned",
        )
    depth: dict[Any, int] = {}
    behind: dict[Any, set[Any]] = {}  # each operation with all that it depends on
    found = []
    operations = list(getattr(model, "operations", ()))
    for operation, read in zip(operations, sources(operations), strict=True):
        depth[operation] = 1 + max((depth[source] for source in read), default=0)
        behind[operation] = {operation}.union(*(behind[source] for source in read))
        if type(operation).__name__ == "Add" and len(read) == 2:
            # The main path is the way with more layers.
            (_, shortcut), (last, main) = sorted(
                zip(read, inputs_of(operation), strict=True), key=lambda pair: depth[pair[0]]
            )
            if isinstance(last, keras.layers.BatchNormalization):
                forks = behind[read[0]] & behind[read[1]]
                given = max(forks, key=depth.__getitem__, default=operation)
                changes = given.output.shape[1:] != operation.output.shape[1:]
                found.append((main, shortcut, last, changes))
    if not found:
        raise StudentError(
            "this model has no residual block: nowhere is a shortcut added to a main path "
            "that ends in batch normalisation",
            "look at the checks of your blocks",
        )
    names = _names([changes for *_, changes in found])
    return [ResidualBlock(name, *parts) for name, parts in zip(names, found, strict=True)]


def _names(changes_shape: Sequence[bool]) -> list[str]:
    names = stage_names(changes_shape)
    if not tells_stages(names):
        return [str(number) for number in range(1, len(names) + 1)]
    return [f"{stage}{letter}" for stage, letter in names]


def scaled(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """Return pictures in [0, 1]; those of uint8 are divided by 255, others left as they are."""
    pictures = np.asarray(pictures)
    most = 255 if pictures.dtype == np.uint8 else 1
    as_float: NDArray[np.float32] = pictures.astype(np.float32) / np.float32(most)
    return as_float
