"""Seed-exact starting weights: the numbers that TensorFlow 1 drew, on today's TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

# TensorFlow 1 mixed every operation's seed with this graph-level default
# (tensorflow/python/framework/random_seed.py, DEFAULT_GRAPH_SEED).
TENSORFLOW_1_GRAPH_SEED = 87654321


@keras.saving.register_keras_serializable(package="resnets_utils")
class GlorotUniform(keras.initializers.Initializer):  # type: ignore[misc]
    """Glorot and Bengio's uniform initializer, drawn as TensorFlow 1 drew it.

    Values are uniform on [-limit, limit) with
    ``limit = sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio 2010). A seeded
    draw uses the Philox generator with key 87654321 and counter (0, seed),
    which gives TensorFlow 1's numbers bit for bit; the figures printed in the
    exercise come from them. Two layers of one shape and one seed start equal.

    Args:
        seed: a whole number, 0 or above; ``None`` draws fresh values each time.

    Raises:
        ValueError: if ``seed`` is neither None nor a whole number of 0 or above.

    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = whole_seed(seed, "glorot_uniform")

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Draw a float tensor of ``shape`` (a kernel: height, width, channels in, channels out)."""
        limit = glorot_limit(shape)
        if self.seed is None:
            generator = tf.random.Generator.from_non_deterministic_state(alg="philox")
        else:
            generator = tf.random.Generator.from_state(
                [0, self.seed, TENSORFLOW_1_GRAPH_SEED], alg="philox"
            )
        values = generator.uniform(tuple(shape), -limit, limit, dtype="float32")
        return tf.cast(values, dtype) if dtype is not None else values

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal initializer."""
        return {"seed": self.seed}


def whole_seed(seed: int | None, initializer: str) -> int | None:
    """Return a seed that is None or a whole number of 0 or above.

    Raises:
        ValueError: if it is anything else; the message names the initializer.

    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise ValueError(
            f"{initializer} takes seed=None or a whole number of 0 or above, not {seed!r}"
        )
    return seed


def glorot_limit(shape: Sequence[int]) -> float:
    """Return Glorot's limit for a dense or convolution kernel of ``shape``."""
    *window, channels_in, channels_out = shape
    window_size = math.prod(window)
    return math.sqrt(6.0 / (window_size * channels_in + window_size * channels_out))


# The exercise calls the initializer by Keras's old function name.
glorot_uniform = GlorotUniform
