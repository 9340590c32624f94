"""What the library takes from Keras beyond its public names, and what it does without.

A later Keras may rename any of these. Each function says what it returns then: callers
go on with public names alone, slower or with less to say, and to the same result.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

# Of a symbolic tensor: the operation that gave it. Of an operation: the calls that read from it.
HISTORY, READERS = "_keras_history", "_outbound_nodes"
# Of a variable: its value, None while it waits for one; what gives it one; what that is drawn by.
VALUE, START, INITIALIZER = "_value", "_deferred_initialize", "_initializer"
# Where Keras keeps the list of the variables that wait for values, and its name there.
GLOBAL_STATE, WAITING = "keras.src.backend.common.global_state", "uninitialized_variables"
# Of Adam: the place of a weight, and the averages of its gradient and of its square, by place.
PLACE, MOMENTUMS, VELOCITIES = "_get_variable_index", "_momentums", "_velocities"

# Where TensorFlow keeps the switch between computing at once and drawing graphs, and its name.
CONTEXT, AT_ONCE = "tensorflow.python.eager.context", "eager_mode"

Averages = Callable[[Any], "tuple[Any, Any] | None"]


def inputs_of(operation: Any) -> list[Any]:
    """Return the tensors that an operation's first call reads; [] if it was never called."""
    return _first_call(operation, "input")


def sources(operations: Sequence[Any]) -> list[list[Any]]:
    """Return for each operation of a model those that its first call reads from.

    Without the tensors' history, what reads from a layer's second call has no source.
    """
    made_by = {id(made): one for one in operations for made in _first_call(one, "output")}

    def source(tensor: Any) -> Any:
        history = getattr(tensor, HISTORY, None)
        return made_by.get(id(tensor)) if history is None else history.operation

    found = ([source(tensor) for tensor in inputs_of(one)] for one in operations)
    return [[one for one in some if one is not None] for some in found]


def _first_call(operation: Any, end: str) -> list[Any]:
    try:
        return list(keras.tree.flatten(getattr(operation, end)))
    except (AttributeError, ValueError):
        return []  # Keras's errors for what was never called


def drawn_from(entrance: Any) -> Any:
    """Return the tensor drawn last of those made from an input.

    Raises:
        AttributeError: if this Keras does not keep what reads from a tensor.

    """
    furthest = entrance
    waiting = [getattr(entrance, HISTORY).operation]
    while waiting:
        for call in getattr(waiting.pop(0), READERS):
            furthest = call.output_tensors[0]
            waiting.append(call.operation)
    return furthest


def can_wait_for_values() -> bool:
    """Return whether variables can be made without values, and get them later."""
    return _can_wait_for_values(VALUE, START, INITIALIZER, GLOBAL_STATE, WAITING)


@functools.cache
def _can_wait_for_values(*_names: str) -> bool:
    """Try it once: a trial takes as long as drawing several layers."""
    try:
        before = list(waiting_variables())
        with keras.StatelessScope(initialize_variables=False):
            variable = keras.Variable(keras.initializers.Ones(), shape=(1,), name="trial")
        waited = waiting_variables()[-1] is variable and waits(variable)
        known = isinstance(initializer_of(variable), keras.initializers.Ones)
        waiting_variables()[:] = before
        give_value(variable)
        return waited and known and not waits(variable) and float(variable[0]) == 1
    except Exception:
        return False


def computing_at_once() -> AbstractContextManager[Any]:
    """Return a context in which TensorFlow computes at once, though a notebook switched that off.

    Without TensorFlow's private name it does nothing.
    """
    try:
        found: AbstractContextManager[Any] = getattr(importlib.import_module(CONTEXT), AT_ONCE)()
    except (ImportError, AttributeError):
        return nullcontext()
    return found


def waiting_variables() -> list[Any]:
    """Return Keras's own list of the variables that wait for values."""
    state = importlib.import_module(GLOBAL_STATE)
    found: list[Any] = state.get_global_attribute(WAITING, [], set_to_default=True)
    return found


def waits(variable: Any) -> bool:
    """Return whether a variable waits for its value."""
    return getattr(variable, VALUE) is None


def give_value(variable: Any) -> None:
    """Give a variable that waits the value that it starts from."""
    getattr(variable, START)()


def initializer_of(variable: Any) -> Any:
    """Return what a variable's first value is drawn by; None where Keras does not say."""
    return getattr(variable, INITIALIZER, None)


def adam_averages(optimizer: Any) -> Averages:
    """Return a function from a weight to Adam's two averages of its gradient.

    It returns None for a weight whose averages are not where they are looked for.
    """

    def averages(variable: Any) -> tuple[Any, Any] | None:
        try:
            place = getattr(optimizer, PLACE)(variable)
            pair = getattr(optimizer, MOMENTUMS)[place], getattr(optimizer, VELOCITIES)[place]
            return pair if all(one.shape == variable.shape for one in pair) else None
        except (AttributeError, LookupError, TypeError):
            return None

    return averages
