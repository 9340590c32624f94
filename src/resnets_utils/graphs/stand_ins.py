"""Stand-ins for the student's own blocks, used while a network that calls them is drawn.

A stand-in remembers which function was called, and how, and draws nothing else.
Whoever judges opens it as the block that the exercise asks for, so that a mistake
in a block costs no point twice.

Which functions are blocks, an assignment's ``blocks.py`` says: a function of each
block's name takes the shape of the block's input (height, width, channels) in the
tensor's place, the block's other arguments as they are, and returns the output's shape.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from resnets_utils.border.call import INITIALIZER, START
from resnets_utils.border.encoding import encode
from resnets_utils.graphs.graph import Setting
from resnets_utils.graphs.initializer_names import name_of_initializer

MAX_SIZE = 1_000_000
Shape = tuple[int, ...]


class NoShape(ValueError):
    """A block's output shape cannot be told for these arguments."""


class Blocks:
    """The blocks that an assignment declares.

    Args:
        text: what stands in its ``blocks.py``; "" if it has none. It is the
            instructor's, and runs here.

    Raises:
        Exception: whatever the text raises; that is a mistake in it.

    """

    def __init__(self, text: str = "") -> None:
        self.text = text
        names: dict[str, Any] = {"__name__": "blocks"}
        exec(compile(text, "blocks.py", "exec"), names)
        self.functions: dict[str, Callable[..., Any]] = {
            name: value
            for name, value in names.items()
            if inspect.isfunction(value) and value.__module__ == "blocks" and name[0] != "_"
        }

    def output_shape(self, function: str, shape: Shape, arguments: Mapping[str, Any]) -> Shape:
        """Return the shape of what a block gives, without the number of pictures.

        Args:
            function: the block's name.
            shape: its input's, without the number of pictures.
            arguments: the block's others, by name.

        Raises:
            NoShape: if there is no such block, or it cannot be called so.

        """
        if function not in self.functions:
            raise NoShape(f"{function} is not a block of this assignment")
        try:
            given = self.functions[function](shape, **arguments)
            sizes = tuple(size if type(size) is int else _whole(size) for size in given)
        except Exception as error:
            raise NoShape(f"{function} takes no such arguments ({error})") from None
        if not sizes or not all(1 <= size <= MAX_SIZE for size in sizes):
            raise NoShape(f"{function} gives nothing of a size that can be, with such arguments")
        return sizes


def _whole(size: Any) -> int:
    if size != int(size):
        raise ValueError("a size is a whole number")
    return int(size)


def argument_forms(settings: Mapping[str, Setting]) -> dict[str, Any]:
    """Return what a closed block was called with, as a `Call` holds it.

    Args:
        settings: the settings of the closed block's node. An initializer that is not
            one of the library's goes by the argument's number.

    """

    def form(value: Setting, number: int) -> Any:
        if isinstance(value, tuple) and value[:1] == ("initializer",):
            return [INITIALIZER, value[1]]
        if isinstance(value, tuple) and value[:1] == ("starts",):
            return [START, number]
        return encode(_listed(value))

    return {name: form(value, number) for number, (name, value) in enumerate(settings.items())}


def _listed(value: Setting) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


@keras.saving.register_keras_serializable(package="resnets_utils")
class StandIn(keras.layers.Layer):  # type: ignore[misc]
    """A closed block: it remembers how a function was called, and knows its output's shape.

    Args:
        function: the function's name.
        arguments: how it was called, every argument but the tensor by name, as JSON data.
        gives: the shape of its output, without the number of pictures.
        settings: Keras's own.

    """

    def __init__(
        self, function: str, arguments: Mapping[str, Any], gives: Shape, **settings: Any
    ) -> None:
        super().__init__(**settings)
        # A tuple of its own: lists and dictionaries that a layer keeps, Keras wraps.
        self.described = (function, json.dumps(dict(arguments)), tuple(gives))

    def compute_output_spec(self, tensor: Any, **kwargs: Any) -> Any:
        """Return a tensor of the number of pictures and `gives`."""
        return keras.KerasTensor((tensor.shape[0], *self.described[2]), tensor.dtype)

    def call(self, tensor: Any) -> Any:
        """Compute something of that shape: no block's values, but other ones for other inputs."""
        gives = self.described[2]
        flat = keras.ops.reshape(tensor, (-1, math.prod(tensor.shape[1:])))
        places = np.arange(math.prod(gives)) % flat.shape[1]
        return keras.ops.reshape(keras.ops.take(flat, places, axis=1), (-1, *gives))

    def get_config(self) -> dict[str, Any]:
        function, arguments, gives = self.described
        own = {"function": function, "arguments": json.loads(arguments), "gives": list(gives)}
        return {**super().get_config(), **own}


class OwnBlocksNeeded(TypeError):
    """A block is called in a way that no stand-in knows the meaning of."""


@contextlib.contextmanager
def in_place_of_blocks(namespace: dict[str, Any], blocks: Blocks) -> Iterator[None]:
    """Put the stand-ins in place of a namespace's blocks for a while.

    Raises:
        OwnBlocksNeeded: within the block, from a call that a stand-in does not
            take and the block that it stands for may.

    """
    missing = object()
    before = {name: namespace.get(name, missing) for name in blocks.functions}
    for name in blocks.functions:
        namespace[name] = _stand_in(name, blocks, before[name])
    try:
        yield
    finally:
        for name, value in before.items():
            if value is missing:
                del namespace[name]
            else:
                namespace[name] = value


def _stand_in(name: str, blocks: Blocks, own: Any) -> Callable[..., Any]:
    """Return a function that stands for a block; it gives way where only the block's own fits."""
    declared = blocks.functions[name]
    signature = inspect.signature(declared)
    tensor_name = next(iter(signature.parameters))

    @functools.wraps(own if callable(own) else declared)
    def block(*arguments: Any, **settings: Any) -> Any:
        try:
            bound = signature.bind(*arguments, **settings)
        except TypeError:
            if callable(own) and _fits(own, arguments, settings):
                raise OwnBlocksNeeded from None
            # Python's own words for what does not fit.
            return declared(*arguments, **settings)
        bound.apply_defaults()
        given = dict(bound.arguments)
        tensor = given.pop(tensor_name)
        if not isinstance(tensor, keras.KerasTensor):
            raise OwnBlocksNeeded
        said = {key: _as_data(value, key) for key, value in given.items()}
        if None in tensor.shape[1:]:
            raise OwnBlocksNeeded
        try:
            gives = blocks.output_shape(name, tuple(tensor.shape[1:]), given)
        except NoShape:
            raise OwnBlocksNeeded from None
        return StandIn(name, said, gives)(tensor)

    return block


def _fits(function: Callable[..., Any], arguments: Any, settings: dict[str, Any]) -> bool:
    try:
        inspect.signature(function).bind(*arguments, **settings)
    except (TypeError, ValueError):
        return False
    return True


def _as_data(value: Any, name: str) -> Any:
    """Return an argument as it goes into a layer's description.

    Raises:
        TypeError: if it cannot be what a block takes; it is the student's
            call, and the words are for them.
        OwnBlocksNeeded: if the block's own may know what to do with it.

    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_as_data(item, name) for item in value]
    if (known := name_of_initializer(value)) is not None:
        return {"initializer": known}
    made = isinstance(value, keras.initializers.Initializer)
    if callable(value) and not made:
        try:
            start = value(seed=0)
        except TypeError:
            raise OwnBlocksNeeded from None
        if isinstance(start, keras.initializers.Initializer):
            return {"start": keras.saving.serialize_keras_object(start)}
    if made:
        raise TypeError(
            f"{name} must be a function such as glorot_uniform; the block was given "
            f"what {type(value).__name__}(...) made"
        )
    raise OwnBlocksNeeded
