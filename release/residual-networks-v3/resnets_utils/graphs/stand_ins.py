"""Stand-ins for the student's own blocks, used while a network that calls them is drawn.

A stand-in is one layer that records which function was called, and how. The judge
replaces it by the block that the exercise asks for, so that a mistake in a block does
not cost points twice.

An assignment's ``blocks.py`` declares its blocks. For each block it has a function of
that name, which takes the shape of the block's input (height, width, channels) instead
of the tensor, and the block's other arguments. It returns the shape of the output.
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
    """A block has no output shape for these arguments."""


class Blocks:
    """The blocks that an assignment declares.

    Args:
        text: the text of its ``blocks.py``; "" if it has none. It is the
            instructor's, and runs here.

    Raises:
        Exception: whatever the text raises; the mistake is the instructor's.

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
        """Return the shape of a block's output, without the number of pictures.

        Args:
            function: the block's name.
            shape: its input's, without the number of pictures.
            arguments: the block's other arguments, by name.

        Raises:
            NoShape: if there is no such block, or it cannot be called with these arguments.

        """
        if function not in self.functions:
            raise NoShape(f"{function} is not a block of this assignment")
        try:
            given = self.functions[function](shape, **arguments)
            sizes = tuple(size if type(size) is int else _whole(size) for size in given)
        except Exception as error:
            raise NoShape(f"{function} cannot be called with these arguments ({error})") from None
        if not sizes or not all(1 <= size <= MAX_SIZE for size in sizes):
            raise NoShape(f"{function} would have an impossible output size with these arguments")
        return sizes


def _whole(size: Any) -> int:
    if size != int(size):
        raise ValueError("a size is a whole number")
    return int(size)


def argument_forms(settings: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the arguments of a closed block, as a `Call` holds them.

    Args:
        settings: the settings of the closed block's node. The argument's number stands
            for an initializer that is not one of the library's.

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
    """A closed block: how a function was called, and the shape of its output.

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
        # In a tuple, because Keras wraps the lists and dictionaries that a layer keeps.
        self.described = (function, json.dumps(dict(arguments)), tuple(gives))

    def compute_output_spec(self, tensor: Any, **kwargs: Any) -> Any:
        """Return a tensor of the number of pictures and `gives`."""
        return keras.KerasTensor((tensor.shape[0], *self.described[2]), tensor.dtype)

    def call(self, tensor: Any) -> Any:
        """Compute values of that shape that depend on the input; they are not the block's."""
        gives = self.described[2]
        size = math.prod(gives)
        # With NumPy it takes a tenth of the time that operations of TensorFlow take.
        flat = np.asarray(tensor).reshape(tensor.shape[0], -1)
        repeated = np.tile(flat, (1, -(-size // flat.shape[1])))
        return keras.ops.convert_to_tensor(repeated[:, :size].reshape(-1, *gives))

    def get_config(self) -> dict[str, Any]:
        function, arguments, gives = self.described
        own = {"function": function, "arguments": json.loads(arguments), "gives": list(gives)}
        return {**super().get_config(), **own}


class OwnBlocksNeeded(TypeError):
    """A block is called in a way that only the student's own block can handle."""


@contextlib.contextmanager
def in_place_of_blocks(namespace: dict[str, Any], blocks: Blocks) -> Iterator[None]:
    """Put the stand-ins in place of a namespace's blocks for a while.

    Raises:
        OwnBlocksNeeded: within the ``with`` block, if a call does not fit the
            stand-in but may fit the student's own block.

    """
    before = {name: namespace[name] for name in blocks.functions if name in namespace}
    stand_ins = {name: _stand_in(name, blocks, before.get(name)) for name in blocks.functions}
    namespace.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins.keys() - before.keys():
            namespace.pop(name, None)
        namespace.update(before)


def _stand_in(name: str, blocks: Blocks, own: Any) -> Callable[..., Any]:
    """Return a function that stands for a block, and raises where only the own block fits."""
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
            # Python says what does not fit.
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
    """Return an argument as data, for a layer's description.

    Raises:
        TypeError: if no block takes such an argument; the message is for the student.
        OwnBlocksNeeded: if the student's own block may take it.

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
            f"the result of {type(value).__name__}(...)"
        )
    raise OwnBlocksNeeded
