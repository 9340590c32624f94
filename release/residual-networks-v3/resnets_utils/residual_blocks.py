"""Find the residual blocks of a Keras model in its graph, whatever its layers are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.sentences import StudentError

# How ResNet-50 groups its blocks into the stages 2 to 5.
STAGES = {2: 3, 3: 4, 4: 6, 5: 3}


@dataclass(frozen=True)
class ResidualBlock:
    """One block: the tensors that its addition adds, and the layer that ends the main path.

    Attributes:
        name: stage and letter, as "3b", in a model of sixteen blocks; else its number.
        main: what the main path gives, a symbolic tensor (batch, height, width, channels).
        shortcut: what comes over the shortcut, of the same shape.
        last_scale: the batch normalisation that ends the main path.

    """

    name: str
    main: Any
    shortcut: Any
    last_scale: Any


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
            f"this takes a model that ResNet50 built, not {type(model).__name__}",
            "pass what ResNet50() returned",
        )
    depth: dict[Any, int] = {}
    found = []
    for operation in getattr(model, "operations", ()):
        inputs = [tensor for node in operation._inbound_nodes[:1] for tensor in node.input_tensors]
        depths = [depth[tensor._keras_history.operation] for tensor in inputs]
        depth[operation] = 1 + max(depths, default=0)
        if type(operation).__name__ == "Add" and len(inputs) == 2:
            main, shortcut = inputs if depths[0] > depths[1] else inputs[::-1]
            last = main._keras_history.operation
            if isinstance(last, keras.layers.BatchNormalization):
                found.append((main, shortcut, last))
    if not found:
        raise StudentError(
            "this model has no residual block: nowhere is a shortcut added to a main path "
            "that ends in batch normalisation",
            "look at the checks of identity_block and convolutional_block",
        )
    names = _names(len(found))
    return [ResidualBlock(name, *parts) for name, parts in zip(names, found, strict=True)]


def _names(count: int) -> list[str]:
    if count != sum(STAGES.values()):
        return [str(number) for number in range(1, count + 1)]
    return [f"{stage}{'abcdef'[n]}" for stage, blocks in STAGES.items() for n in range(blocks)]


def scaled(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """Return pictures in [0, 1]; those of uint8 are divided by 255, others left as they are."""
    pictures = np.asarray(pictures)
    most = 255 if pictures.dtype == np.uint8 else 1
    as_float: NDArray[np.float32] = pictures.astype(np.float32) / np.float32(most)
    return as_float
