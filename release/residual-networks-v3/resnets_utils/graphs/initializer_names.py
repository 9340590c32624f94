"""Initializers by name: only names and data pass between the judge and the student's kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from resnets_utils import tensorflow1, tensorflow2

# Functions that take a seed and return an initializer, by the names that calls use. Two of
# them are called glorot_uniform, one for each generation of TensorFlow.
INITIALIZERS: dict[str, Callable[..., Any]] = {
    "tensorflow1.glorot_uniform": tensorflow1.glorot_uniform,
    "tensorflow2.glorot_uniform": tensorflow2.glorot_uniform,
    "tensorflow2.random_uniform": tensorflow2.random_uniform,
    "tensorflow2.constant": tensorflow2.constant,
    "tensorflow2.all_ones": tensorflow2.all_ones,
}


def name_of_initializer(value: object) -> str | None:
    """Return the name of one of the library's initializers; None for anything else."""
    return next((name for name, known in INITIALIZERS.items() if known is value), None)


class Start(keras.initializers.Initializer):  # type: ignore[misc]
    """Stands for a student's own initializer while the block that takes it is drawn.

    Args:
        seed: the argument's number; the JSON of every initializer has a seed.

    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return keras.ops.zeros(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}
