"""Call a student's function on a symbolic input and take home the graph it drew.

`trace` runs where the student's code is: in the notebook, or in the kernel that
grading starts for it. What it returns is plain data, which `read_graph` checks
before anybody believes it.
"""

from __future__ import annotations

import contextlib
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import FrameType, TracebackType
from typing import Any

import keras

from resnets_utils.expected import withheld
from resnets_utils.sampling import sample
from resnets_utils.stand_ins import OtherArguments, in_place_of_blocks
from resnets_utils.tensorflow2 import INITIALIZERS

# Keras colours its messages for terminals.
_TERMINAL_CODES = re.compile("\x1b\\[[0-9;]*m")


@dataclass(frozen=True)
class Call:
    """One call of a graded function.

    Attributes:
        function: the function's name in the notebook.
        arguments: its keyword arguments: numbers, texts and lists of them. That
            called "initializer" is one of `INITIALIZERS`, by its name.
        shape: height, width and channels of the tensor that comes first;
            None for a function that takes no tensor.
        own_blocks: whether the function meets the student's own blocks. With
            stand-ins instead, a mistake in a block costs no point twice.
        version: the exercise's version, which settles what a block is called with.
        sample: settles the pictures that what was drawn is tried on; None for no trial.

    """

    function: str
    arguments: dict[str, Any]
    shape: tuple[int, ...] | None = None
    own_blocks: bool = True
    version: str = "v2a"
    sample: int | None = None

    def __str__(self) -> str:
        said = [
            f"{name}={value if name == 'initializer' else repr(value)}"
            for name, value in self.arguments.items()
        ]
        if self.shape is None:
            return f"{self.function}({', '.join(said)})"
        sizes = ", ".join(str(size) for size in self.shape)
        return f"{self.function}({', '.join(['X', *said])}) with X of shape (batch, {sizes})"

    def as_json(self) -> dict[str, Any]:
        """Return the call as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Call:
        """Return the call that `as_json` wrote."""
        shape = data["shape"]
        return cls(
            function=str(data["function"]),
            arguments=dict(data["arguments"]),
            shape=None if shape is None else tuple(shape),
            own_blocks=bool(data["own_blocks"]),
            version=str(data["version"]),
            sample=None if data["sample"] is None else int(data["sample"]),
        )

    @property
    def python_arguments(self) -> dict[str, Any]:
        """The arguments as Python passes them: an initializer is a function."""
        return {
            name: INITIALIZERS[value] if name == "initializer" else value
            for name, value in self.arguments.items()
        }


def trace(call: Call, namespace: dict[str, Any]) -> dict[str, str]:
    """Make the call with the function found in ``namespace``.

    Returns:
        ``{"status": "graph", "graph": JSON}``, with "values" if the call asks
        for a sample (see `sampling`), and a "reason" if they could not be
        computed, or a status of "undefined",
        "placeholder" or "raised" with a "reason" in words; for a raised error
        also the lines of the notebook that it came through as "lines", and the
        graph drawn up to it as "graph" if there is one.

    """
    function = namespace.get(call.function)
    if not callable(function):
        return {"status": "undefined", "reason": f"{call.function} is not defined"}
    entrance = None if call.shape is None else keras.Input(call.shape)
    try:
        with withheld():
            model = _draw(call, function, entrance, namespace)
        reply = {"status": "graph", "graph": model.to_json()}
        return reply if call.sample is None else reply | _tried(model, call.sample)
    except NotImplementedError as error:
        lines = _notebook_lines(error.__traceback__, namespace)
        # One that a library raises is an error like others.
        if _words(error) or _last_frame(error).f_globals is not namespace:
            return _raised(error, lines)
        return {
            "status": "placeholder",
            "reason": f"the placeholder still stands in {_last_frame(error).f_code.co_name}",
            "lines": lines[-1],
        }
    except BaseException as error:  # SystemExit, too, is the student's own
        reply = _raised(error, _notebook_lines(error.__traceback__, namespace))
        return reply | _drawn_so_far(entrance)


class _NoTensor(TypeError):
    """The function gave back something that is no layer's output."""


def _draw(call: Call, function: Any, entrance: Any, namespace: dict[str, Any]) -> keras.Model:
    if not call.own_blocks:
        names = getattr(function, "__globals__", namespace)
        # A student may give blocks more arguments; then the network is drawn with their own.
        with contextlib.suppress(OtherArguments), in_place_of_blocks(names, call.version):
            return _call(call, function, entrance)
    return _call(call, function, entrance)


def _call(call: Call, function: Any, entrance: Any) -> keras.Model:
    if entrance is None:
        model = function(**call.python_arguments)
        if not isinstance(model, keras.Model):
            raise _NoTensor(
                f"{call.function} must return a keras Model; it returned {_kind_of(model)}"
            )
        return model
    result = function(entrance, **call.python_arguments)
    if not isinstance(result, keras.KerasTensor):
        raise _NoTensor(
            f"{call.function} must return the tensor of its last layer; "
            f"it returned {_kind_of(result)}"
        )
    try:
        return keras.Model(entrance, result)
    except ValueError as error:
        if "not connected" not in str(error):
            raise
        raise _NoTensor(
            f"what {call.function} returned is not made from the tensor that it was given"
        ) from None


def _tried(model: keras.Model, salt: int) -> dict[str, str]:
    """What the model computes, or why it does not: a model of two inputs is refused elsewhere."""
    try:
        return {"values": sample(model, salt)}
    except Exception as error:
        return {"values": "", "reason": _raised(error, ())["reason"]}


def _kind_of(value: Any) -> str:
    return "None" if value is None else f"an object of class {type(value).__name__}"


def _drawn_so_far(entrance: Any) -> dict[str, str]:
    """The graph from the input to its furthest tensor, for a function that raised."""
    if entrance is None:
        return {}
    try:
        furthest = entrance
        waiting = [entrance._keras_history.operation]
        while waiting:
            for node in waiting.pop(0)._outbound_nodes:
                furthest = node.output_tensors[0]
                waiting.append(node.operation)
        return {"graph": keras.Model(entrance, furthest).to_json()}
    except Exception:
        return {}  # an explanation less; the error itself is told all the same


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # an error's class may be the student's, too
        return "(what it says cannot be told)"


def _raised(error: BaseException, lines: Sequence[str]) -> dict[str, str]:
    message = (
        str(error) if isinstance(error, _NoTensor) else f"{type(error).__name__}: {_words(error)}"
    )
    message = _TERMINAL_CODES.sub("", message).split("\n\nArguments received by", 1)[0]
    return {"status": "raised", "reason": message, "lines": "\n".join(lines)}


def _last_frame(error: BaseException) -> FrameType:
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]


def _notebook_lines(found: TracebackType | None, namespace: dict[str, Any]) -> list[str]:
    """The steps of a traceback that lie in the notebook itself, one line each."""
    lines = []
    for frame, number in traceback.walk_tb(found):
        if frame.f_globals is namespace:
            summary = traceback.FrameSummary(frame.f_code.co_filename, number, frame.f_code.co_name)
            lines.append(f"line {number}: {(summary.line or '').strip()}")
    return lines


def notebook_namespace() -> dict[str, Any]:
    """Return the names that the running notebook, or the running script, has defined."""
    return vars(sys.modules["__main__"])
