"""Seed-exact starting weights: the numbers that TensorFlow 1 drew, on today's TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from resnets_utils.supported_versions import keras, tf

# TensorFlow 1 mixed every operation's seed with this graph-level default
# (tensorflow/python/framework/random_seed.py, DEFAULT_GRAPH_SEED).
TENSORFLOW_1_GRAPH_SEED = 87654321
_PHILOX = 1  # its number among TensorFlow's generators


class SeededUniform(keras.initializers.Initializer):  # type: ignore[misc]
    """Values uniform on [-limit, limit). Two layers of one shape and one seed start equal.

    Args:
        seed: a whole number, 0 or above; ``None`` draws fresh values each time.

    Raises:
        ValueError: if ``seed`` is neither None nor a whole number of 0 or above.

    """

    name = "glorot_uniform"

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise ValueError(
                f"{self.name} takes seed=None or a whole number of 0 or above, not {seed!r}"
            )
        self.seed = seed

    def limit(self, shape: Sequence[int]) -> float:
        """Return the largest size of a weight in a kernel of ``shape``: here Glorot's limit."""
        return glorot_limit(shape)

    def draw(self, shape: tuple[int, ...], seed: int, limit: float) -> Any:
        """Return the float32 values of a seed."""
        raise NotImplementedError

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Draw a float tensor of ``shape`` (a kernel: height, width, channels in, channels out)."""
        limit = self.limit(shape)
        if self.seed is None:
            generator = tf.random.Generator.from_non_deterministic_state(alg="philox")
            values = generator.uniform(tuple(shape), -limit, limit, dtype="float32")
        else:
            values = self.draw(tuple(shape), self.seed, limit)
        return tf.cast(values, dtype) if dtype is not None else values

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal initializer."""
        return {"seed": self.seed}


@keras.saving.register_keras_serializable(package="resnets_utils")
class GlorotUniform(SeededUniform):
    """Glorot and Bengio's uniform initializer, drawn as TensorFlow 1 drew it.

    The limit is ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio 2010). A seeded
    draw uses the Philox generator with key 87654321 and counter (0, seed), which
    gives TensorFlow 1's numbers bit for bit. The exercise's figures come from them.
    """

    def draw(self, shape: tuple[int, ...], seed: int, limit: float) -> Any:
        """Return TensorFlow 1's values."""
        # What `tf.random.Generator` computes with this state, without its variables.
        values = tf.raw_ops.StatelessRandomUniformV2(
            shape=shape,
            key=np.array([TENSORFLOW_1_GRAPH_SEED], np.uint64),
            counter=np.array([0, seed], np.uint64),
            dtype=tf.float32,
            alg=_PHILOX,
        )
        return values * (2 * limit) - limit


def glorot_limit(shape: Sequence[int]) -> float:
    """Return Glorot's limit for a dense or convolution kernel of ``shape``."""
    *window, channels_in, channels_out = shape
    window_size = math.prod(window)
    return math.sqrt(6.0 / (window_size * channels_in + window_size * channels_out))


# The exercise calls the initializer by Keras's old function name.
glorot_uniform = GlorotUniform
