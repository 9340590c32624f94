"""Stand-ins for the student's own blocks, used while the graph of ResNet50 is drawn.

A stand-in remembers how it was called and draws nothing else. Whoever judges
opens it as a flawless block, so that a mistake in a block costs no point twice.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from resnets_utils.tensorflow2 import glorot_uniform, random_uniform


class _Block(keras.layers.Layer):  # type: ignore[misc]
    """A closed block: it remembers how it was called, and knows its output's shape."""

    def __init__(self, f: int, filters: Sequence[int], s: int = 1, **settings: Any) -> None:
        names = {"stage", "block", "training", "initializer"} & set(settings)
        own = {name: settings.pop(name) for name in sorted(names)}
        super().__init__(**settings)
        self.call_settings = {
            "f": _whole(f, "f"),
            "filters": [_whole(count, "filters") for count in filters],
            "s": _whole(s, "s"),
            **own,
        }

    def compute_output_spec(self, tensor: Any, **kwargs: Any) -> Any:
        """Return a tensor of (batch, height / s, width / s, last of the filters), rounded up."""
        batch, *sizes, _ = tensor.shape
        stride: Any = self.call_settings["s"]
        filters: Any = self.call_settings["filters"]
        shape = (batch, *(None if n is None else -(-n // stride) for n in sizes), filters[2])
        return keras.KerasTensor(shape, tensor.dtype)

    def call(self, tensor: Any) -> Any:
        """Compute something of that shape: no block's values, but other ones for other inputs."""
        stride: Any = self.call_settings["s"]
        filters: Any = self.call_settings["filters"]
        thinned = keras.ops.mean(tensor[:, ::stride, ::stride, :], axis=-1, keepdims=True)
        return keras.ops.repeat(thinned, filters[2], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.call_settings}


def _whole(value: Any, name: str) -> int:
    """Return a whole number.

    Raises:
        TypeError: if it is none; a layer would not take it, either.

    """
    if value != int(value):
        raise TypeError(f"{name} must hold whole numbers; the block was given {value!r}")
    return int(value)


@keras.saving.register_keras_serializable(package="resnets_utils")
class IdentityBlock(_Block):
    """Stands for a call of the student's ``identity_block``."""


@keras.saving.register_keras_serializable(package="resnets_utils")
class ConvolutionalBlock(_Block):
    """Stands for a call of the student's ``convolutional_block``."""


def _named_identity_block(X: Any, f: int, filters: Sequence[int], stage: int, block: str) -> Any:
    return IdentityBlock(f, filters, stage=int(stage), block=str(block))(X)


def _named_convolutional_block(
    X: Any, f: int, filters: Sequence[int], stage: int, block: str, s: int = 2
) -> Any:
    return ConvolutionalBlock(f, filters, s, stage=int(stage), block=str(block))(X)


def _identity_block(
    X: Any,
    f: int,
    filters: Sequence[int],
    training: bool | None = True,
    initializer: Callable[..., Any] = random_uniform,
) -> Any:
    return IdentityBlock(f, filters, **_mode_and_start(training, initializer))(X)


def _convolutional_block(
    X: Any,
    f: int,
    filters: Sequence[int],
    s: int = 2,
    training: bool | None = True,
    initializer: Callable[..., Any] = glorot_uniform,
) -> Any:
    return ConvolutionalBlock(f, filters, s, **_mode_and_start(training, initializer))(X)


def _mode_and_start(training: bool | None, initializer: Callable[..., Any]) -> dict[str, Any]:
    """Return the two arguments as they go into a layer's description.

    Raises:
        TypeError: if one of them cannot be what a block takes; it is the
            student's call, and the words are for them.

    """
    if training not in (True, False, None):
        raise TypeError(f"training must be True or False; the block was given {training!r}")
    made = isinstance(initializer, keras.initializers.Initializer)
    if made or not callable(initializer):
        given = f"what {type(initializer).__name__}(...) made" if made else repr(initializer)
        raise TypeError(
            f"initializer must be a function such as glorot_uniform; the block was given {given}"
        )
    start = keras.saving.serialize_keras_object(initializer(seed=0))
    return {"training": None if training is None else bool(training), "initializer": start}


# By version of the exercise: what takes the place of the student's functions.
STAND_IN_BLOCKS: dict[str, dict[str, Callable[..., Any]]] = {
    "v2a": {
        "identity_block": _named_identity_block,
        "convolutional_block": _named_convolutional_block,
    },
    "v3": {
        "identity_block": _identity_block,
        "convolutional_block": _convolutional_block,
    },
}
for _functions in STAND_IN_BLOCKS.values():
    for _name, _function in _functions.items():
        _function.__qualname__ = _name  # what Python calls it where its arguments do not fit


class OtherArguments(TypeError):
    """A block is called with arguments that it alone takes: no stand-in knows what they mean."""


def _watched(stand_in: Callable[..., Any], own: Any) -> Callable[..., Any]:
    """Return the stand-in, which gives way where a call fits the student's own block alone."""
    if not callable(own):
        return stand_in

    @functools.wraps(stand_in)
    def block(*arguments: Any, **settings: Any) -> Any:
        if not _fits(stand_in, arguments, settings) and _fits(own, arguments, settings):
            raise OtherArguments
        return stand_in(*arguments, **settings)

    return block


def _fits(function: Callable[..., Any], arguments: Any, settings: dict[str, Any]) -> bool:
    try:
        inspect.signature(function).bind(*arguments, **settings)
    except (TypeError, ValueError):
        return False
    return True


@contextlib.contextmanager
def in_place_of_blocks(namespace: dict[str, Any], version: str) -> Iterator[None]:
    """Put the stand-ins in place of a namespace's blocks for a while.

    Raises:
        OtherArguments: within the block, from a call that a stand-in does not
            take and the block that it stands for does.

    """
    stand_ins = STAND_IN_BLOCKS[version]
    missing = object()
    before = {name: namespace.get(name, missing) for name in stand_ins}
    namespace.update(
        {name: _watched(stand_in, before[name]) for name, stand_in in stand_ins.items()}
    )
    try:
        yield
    finally:
        for name, value in before.items():
            if value is missing:
                del namespace[name]
            else:
                namespace[name] = value
