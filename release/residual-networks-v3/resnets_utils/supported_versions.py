"""Keras and TensorFlow for the rest of the library; in words, if they are missing or too old."""

from __future__ import annotations

from resnets_utils.hinted_errors import StudentError

OLDEST_TENSORFLOW = (2, 18)
_INSTALL = (
    'run %pip install --upgrade "tensorflow>=2.18" numpy matplotlib h5py pillow pydot '
    "in a cell of its own, then restart the kernel"
)

try:
    import keras as keras
    import tensorflow as tf
except ImportError as error:
    raise StudentError(
        f"TensorFlow with Keras cannot be loaded in this notebook's Python: {error}", _INSTALL
    ) from None

if tuple(map(int, tf.__version__.split(".")[:2])) < OLDEST_TENSORFLOW:
    raise StudentError(
        f"this notebook's Python has TensorFlow {tf.__version__}; the exercise needs 2.18 or newer",
        _INSTALL,
    )

__all__ = ["OLDEST_TENSORFLOW", "keras", "tf"]
