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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

import keras

# Keras colours its messages for terminals.
_TERMINAL_CODES = re.compile("\x1b\\[[0-9;]*m")
# Where the stand-ins take the place of the student's own blocks.
BLOCK_NAMES = ("identity_block", "convolutional_block")


@dataclass(frozen=True)
class Call:
    """One call of a graded function.

    Attributes:
        function: the function's name in the notebook.
        arguments: its keyword arguments: numbers, texts and lists of them.
        shape: height, width and channels of the tensor that comes first;
            None for a function that takes no tensor.
        own_blocks: whether the function meets the student's own blocks. With
            stand-ins instead, a mistake in a block costs no point twice.

    """

    function: str
    arguments: dict[str, Any]
    shape: tuple[int, ...] | None = None
    own_blocks: bool = True

    def __str__(self) -> str:
        said = [f"{name}={value!r}" for name, value in self.arguments.items()]
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
        )


def trace(call: Call, namespace: dict[str, Any]) -> dict[str, str]:
    """Make the call with the function found in ``namespace``.

    Returns:
        ``{"status": "graph", "graph": JSON}``, or a status of "undefined",
        "placeholder" or "raised" with a "reason" in words; for a raised error
        also the lines of the notebook that it came through as "lines", and the
        graph drawn up to it as "graph" if there is one.

    """
    function = namespace.get(call.function)
    if not callable(function):
        return {"status": "undefined", "reason": f"{call.function} is not defined"}
    entrance = None if call.shape is None else keras.Input(call.shape)
    try:
        with _blocks(getattr(function, "__globals__", namespace), call.own_blocks):
            model = _call(call, function, entrance)
        return {"status": "graph", "graph": model.to_json()}
    except NotImplementedError as error:
        lines = _notebook_lines(error.__traceback__, namespace)
        if str(error) or not lines:
            return _raised(error, lines)
        return {
            "status": "placeholder",
            "reason": f"the placeholder still stands in {_last_function(error)}",
            "lines": lines[-1],
        }
    except BaseException as error:  # SystemExit, too, is the student's own
        reply = _raised(error, _notebook_lines(error.__traceback__, namespace))
        return reply | _drawn_so_far(entrance)


class _NoTensor(TypeError):
    """The function gave back something that is no layer's output."""


def _call(call: Call, function: Any, entrance: Any) -> keras.Model:
    if entrance is None:
        model = function(**call.arguments)
        if not isinstance(model, keras.Model):
            raise _NoTensor(
                f"{call.function} must return a keras Model; it returned {_kind_of(model)}"
            )
        return model
    result = function(entrance, **call.arguments)
    if not isinstance(result, keras.KerasTensor):
        raise _NoTensor(
            f"{call.function} must return the tensor of its last layer; "
            f"it returned {_kind_of(result)}"
        )
    return keras.Model(entrance, result)


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


def _raised(error: BaseException, lines: Sequence[str]) -> dict[str, str]:
    message = str(error) if isinstance(error, _NoTensor) else f"{type(error).__name__}: {error}"
    message = _TERMINAL_CODES.sub("", message).split("\n\nArguments received by", 1)[0]
    return {"status": "raised", "reason": message, "lines": "\n".join(lines)}


def _last_function(error: BaseException) -> str:
    return [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)][-1]


def _notebook_lines(found: TracebackType | None, namespace: dict[str, Any]) -> list[str]:
    """The steps of a traceback that lie in the notebook itself, one line each."""
    lines = []
    for frame, number in traceback.walk_tb(found):
        if frame.f_globals is namespace:
            summary = traceback.FrameSummary(frame.f_code.co_filename, number, frame.f_code.co_name)
            lines.append(f"line {number}: {(summary.line or '').strip()}")
    return lines


class _Block(keras.layers.Layer):  # type: ignore[misc]
    """A closed block: it remembers how it was called, and knows its output's shape."""

    def __init__(
        self, f: int, filters: Sequence[int], stage: int, block: str, s: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.call_settings = {
            "f": int(f),
            "filters": [int(count) for count in filters],
            "stage": int(stage),
            "block": str(block),
            "s": int(s),
        }

    def compute_output_spec(self, tensor: Any, **kwargs: Any) -> Any:
        """Return a tensor of (batch, height / s, width / s, last of the filters), rounded up."""
        batch, *sizes, _ = tensor.shape
        stride: Any = self.call_settings["s"]
        filters: Any = self.call_settings["filters"]
        shape = (batch, *(None if n is None else -(-n // stride) for n in sizes), filters[2])
        return keras.KerasTensor(shape, tensor.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.call_settings}


@keras.saving.register_keras_serializable(package="resnets_utils")
class IdentityBlock(_Block):
    """Stands for a call of the student's ``identity_block``."""


@keras.saving.register_keras_serializable(package="resnets_utils")
class ConvolutionalBlock(_Block):
    """Stands for a call of the student's ``convolutional_block``."""


def _identity_block(X: Any, f: int, filters: Sequence[int], stage: int, block: str) -> Any:
    return IdentityBlock(f, filters, stage, block)(X)


def _convolutional_block(
    X: Any, f: int, filters: Sequence[int], stage: int, block: str, s: int = 2
) -> Any:
    return ConvolutionalBlock(f, filters, stage, block, s)(X)


@contextlib.contextmanager
def _blocks(namespace: dict[str, Any], own: bool) -> Iterator[None]:
    """Put the stand-ins in place of the student's blocks for a while."""
    if own:
        yield
        return
    missing = object()
    before = {name: namespace.get(name, missing) for name in BLOCK_NAMES}
    namespace.update(zip(BLOCK_NAMES, (_identity_block, _convolutional_block), strict=True))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is missing:
                del namespace[name]
            else:
                namespace[name] = value


def notebook_namespace() -> dict[str, Any]:
    """Return the names that the running notebook, or the running script, has defined."""
    return vars(sys.modules["__main__"])
