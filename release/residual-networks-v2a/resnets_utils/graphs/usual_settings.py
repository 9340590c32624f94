"""Call functions under the settings that the exercise was written for, whatever a notebook set.

A function is judged, not the notebook's settings. Settings that cannot be put right here
are named in the reason instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from resnets_utils.graphs.keras_private import computing_at_once

MAX_WRAPPERS = 20


@contextlib.contextmanager
def usual_settings() -> Iterator[None]:
    """Draw and compute as a new notebook does.

    A ``tf.function`` runs its Python function: no symbolic tensor of Keras can go into a
    graph of TensorFlow.
    """
    before = (
        keras.config.floatx(),
        keras.config.image_data_format(),
        keras.config.dtype_policy(),
        tf.config.functions_run_eagerly(),
        isinstance(tf.TensorShape([1])[0], int),
    )
    try:
        _set("float32", "channels_last", "float32", run_eagerly=True, whole_sizes=True)
        with computing_at_once():
            yield
    finally:
        _set(*before[:3], run_eagerly=before[3], whole_sizes=before[4])


def _set(
    floatx: str, image_data_format: str, dtype_policy: Any, *, run_eagerly: bool, whole_sizes: bool
) -> None:
    keras.config.set_floatx(floatx)
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_dtype_policy(dtype_policy)
    tf.config.run_functions_eagerly(run_eagerly)
    if whole_sizes:
        tf.compat.v1.enable_v2_tensorshape()
    else:
        tf.compat.v1.disable_v2_tensorshape()


def wrapped_in(function: Any) -> Iterator[Any]:
    """Yield a function, and those that its wrappers say they call."""
    for _ in range(MAX_WRAPPERS):
        yield function
        inner = next(filter(None, (_inner(function, name) for name in _INNER)), None)
        if inner is None:
            return
        function = inner


_INNER = ("python_function", "__wrapped__", "func", "__func__")


def _inner(function: Any, name: str) -> Callable[..., Any] | None:
    if name == "func" and not isinstance(function, partial):
        return None
    try:
        found = getattr(function, name, None)
    except BaseException:
        return None  # the object may be the student's
    return found if callable(found) else None


def advice(name: str, function: Any) -> str:
    """Return what else may be to blame for a function's error, as a line; "" if nothing is known.

    It is to be called outside `usual_settings`.
    """
    if keras.config.backend() != "tensorflow":
        return (
            "\nKeras does not use TensorFlow in this notebook: take keras.config.set_backend(...) "
            "away"
        )
    if not tf.executing_eagerly():
        return (
            "\nTensorFlow does not compute at once in this notebook: take away "
            "tf.compat.v1.disable_eager_execution(), or what else switched it off"
        )
    if not tf.config.get_visible_devices("CPU"):
        return (
            "\nTensorFlow does not see the processor: take tf.config.set_visible_devices(...) away"
        )
    if len(list(wrapped_in(function))) > 1:
        return f"\nif the function itself is right, take away what stands above def {name}"
    return ""
