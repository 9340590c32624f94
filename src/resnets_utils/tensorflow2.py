"""Starting weights as TensorFlow 2.3 to 2.6 drew them, on today's TensorFlow.

The exercise's third edition hands its blocks an *initializer*: a function that
takes a seed and returns what draws the weights. These are the initializers that
it names. `tensorflow1` has those of TensorFlow 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from resnets_utils.tensorflow1 import glorot_limit, whole_seed


class _StatelessUniform(keras.initializers.Initializer):  # type: ignore[misc]
    """Values uniform on [-limit, limit), drawn by ``stateless_uniform(seed=[seed, 0])``.

    Keras 3 draws other numbers from the same seed, so it cannot give the figures
    that the exercise prints. Two layers of one shape and one seed start equal.

    Args:
        seed: a whole number, 0 or above; ``None`` draws fresh values each time.

    Raises:
        ValueError: if ``seed`` is neither None nor a whole number of 0 or above.

    """

    name = ""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = whole_seed(seed, self.name)

    def limit(self, shape: Sequence[int]) -> float:
        """Return the largest size of a weight in a kernel of ``shape``."""
        raise NotImplementedError

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Draw a float tensor of ``shape`` (a kernel: height, width, channels in, channels out)."""
        limit = self.limit(shape)
        if self.seed is None:
            generator = tf.random.Generator.from_non_deterministic_state(alg="philox")
            values = generator.uniform(tuple(shape), -limit, limit, dtype="float32")
        else:
            values = tf.random.stateless_uniform(
                tuple(shape), seed=[self.seed, 0], minval=-limit, maxval=limit, dtype="float32"
            )
        return tf.cast(values, dtype) if dtype is not None else values

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal initializer."""
        return {"seed": self.seed}


@keras.saving.register_keras_serializable(package="resnets_utils", name="StatelessGlorotUniform")
class GlorotUniform(_StatelessUniform):
    """Glorot and Bengio's uniform initializer: limit ``sqrt(6 / (fan_in + fan_out))`` (2010)."""

    name = "glorot_uniform"

    def limit(self, shape: Sequence[int]) -> float:
        """Return Glorot's limit."""
        return glorot_limit(shape)


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
