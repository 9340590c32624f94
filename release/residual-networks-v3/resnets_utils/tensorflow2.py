"""Starting weights as TensorFlow 2.3 to 2.6 drew them, on today's TensorFlow.

The exercise's third edition hands its blocks an *initializer*: a function that
takes a seed and returns what draws the weights. These are the initializers that
it names. `tensorflow1` has those of TensorFlow 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resnets_utils.supported_versions import keras, tf
from resnets_utils.tensorflow1 import SeededUniform


class _StatelessUniform(SeededUniform):
    """Values drawn by ``stateless_uniform(seed=[seed, 0])``.

    Keras 3 draws other numbers from the same seed, so it cannot give the figures
    that the exercise prints.
    """

    def draw(self, shape: tuple[int, ...], seed: int, limit: float) -> Any:
        """Return the values of TensorFlow 2.3 to 2.6."""
        return tf.random.stateless_uniform(
            shape, seed=[seed, 0], minval=-limit, maxval=limit, dtype="float32"
        )


@keras.saving.register_keras_serializable(package="resnets_utils", name="StatelessGlorotUniform")
class GlorotUniform(_StatelessUniform):
    """Glorot and Bengio's uniform initializer: limit ``sqrt(6 / (fan_in + fan_out))`` (2010)."""


@keras.saving.register_keras_serializable(package="resnets_utils", name="StatelessRandomUniform")
class RandomUniform(_StatelessUniform):
    """Uniform between -0.05 and 0.05, TensorFlow's default bounds, whatever the shape."""

    name = "random_uniform"

    def limit(self, shape: Sequence[int]) -> float:
        """Return 0.05."""
        return 0.05


# The exercise calls them by Keras's old function names.
glorot_uniform = GlorotUniform
random_uniform = RandomUniform
constant = keras.initializers.Constant


def all_ones(seed: Any = None, **others: Any) -> keras.initializers.Initializer:
    """Return an initializer that sets every weight to 1, whatever the seed.

    Raises:
        TypeError: if Keras calls it as if it were the initializer itself.

    """
    if others:
        raise TypeError(
            "kernel_initializer was given initializer itself; call it: initializer(seed=0)"
        )
    return constant(value=1)
