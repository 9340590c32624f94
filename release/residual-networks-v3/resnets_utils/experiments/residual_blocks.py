"""Find the residual blocks of a Keras model in its graph, whatever its layers are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.graphs.keras_private import inputs_of, sources
from resnets_utils.graphs.stages import stage_names
from resnets_utils.hinted_errors import StudentError


@dataclass(frozen=True)
class ResidualBlock:
    """One block: the tensors that its addition adds, and the last layer of the main path.

    Attributes:
        name: its stage and letter, such as "3b", or its number in a network without stages.
        main: the main path's output, a symbolic tensor (batch, height, width, channels).
        shortcut: the shortcut's output, of the same shape.
        last_scale: the batch normalisation that ends the main path.
        changes_shape: whether the block's output and input differ in shape.

    """

    name: str
    main: Any
    shortcut: Any
    last_scale: Any
    changes_shape: bool


def residual_blocks(model: Any) -> list[ResidualBlock]:
    """Return a model's blocks in the order in which a picture passes them.

    The main path is the one with more layers of the two that an addition adds.

    Raises:
        StudentError: if the model has no block whose main path ends in batch
            normalisation.

    """
    if not isinstance(model, keras.Model):
        raise StudentError(
            f"this takes a Keras model, not {type(model).__name__}",
            "pass the result of your function that builds the network",
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
            "this model has no residual block: no shortcut is added to a main path "
            "that ends in batch normalisation",
            "run the checks of your blocks above",
        )
    stages = stage_names([changes for *_, changes in found])
    names = [f"{stage}{letter}" for stage, letter in stages]
    names = names or [str(number) for number in range(1, len(found) + 1)]
    return [ResidualBlock(name, *parts) for name, parts in zip(names, found, strict=True)]


def identity_stages(blocks: Sequence[ResidualBlock]) -> dict[str, list[ResidualBlock]]:
    """Return the blocks that keep the shape by the stage in their names.

    A block whose name has no letter is a stage of its own.
    """
    stages: dict[str, list[ResidualBlock]] = {}
    for block in blocks:
        if not block.changes_shape:
            stages.setdefault(block.name.rstrip(ascii_lowercase), []).append(block)
    return stages


def scaled(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """Return pictures in [0, 1]; uint8 pictures are divided by 255, others unchanged."""
    pictures = np.asarray(pictures)
    white = 255 if pictures.dtype == np.uint8 else 1
    as_float: NDArray[np.float32] = pictures.astype(np.float32) / np.float32(white)
    return as_float
