"""Call a student's function on a symbolic input and return the graph that it draws."""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

import keras

from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply, WrongResult, raised_reply, reason_of
from resnets_utils.graphs.keras_private import (
    can_wait_for_values,
    drawn_from,
    give_value,
    initializer_of,
    waiting_variables,
    waits,
)
from resnets_utils.graphs.spot_check import sample
from resnets_utils.graphs.stand_ins import Blocks, OwnBlocksNeeded, in_place_of_blocks
from resnets_utils.graphs.usual_settings import advice, usual_settings, wrapped_in

# How many of a notebook's values are searched for layers.
MAX_SEARCHED = 100_000
_CACHE = type(functools.cache(len))


def trace(call: Call, function: Callable[..., Any], namespace: dict[str, Any]) -> Reply:
    """Call a function and return the graph that it draws.

    Args:
        call: how to call it.
        function: the function.
        namespace: the notebook's names.

    Returns:
        ``{"status": "graph", "graph": JSON}``, with "values" if the call asks for a
        sample (see `spot_check`), and a "reason" if they could not be computed. If the
        function raised, the reply of `raised_reply`, with the graph drawn up to the
        error as "graph" if there is one.

    """
    entrances: list[Any] = []

    def make_input(shape: tuple[int, ...]) -> Any:
        entrances.append(keras.Input(shape))
        return entrances[-1]

    def graph() -> Reply:
        model = _draw(call, function, make_input, namespace)
        reply = {"status": "graph", "graph": model.to_json()}
        return reply if call.sample is None else reply | _tried(model, call.sample)

    try:
        with usual_settings():
            if can_wait_for_values():
                # A graph needs no variables that hold values, and making them takes most of the
                # time. A function that fails without them may need them, so it is called again.
                with (
                    contextlib.suppress(Exception),
                    without_starting_values([function, *namespace.values()]),
                ):
                    reply = graph()
                    if "reason" not in reply:
                        return reply
            return graph()
    except BaseException as error:  # SystemExit, too, is the student's own
        reply = raised_reply(error, namespace)
        if reply["status"] == "placeholder":
            return reply
        reply["reason"] += advice(call.function, function)
        return reply | _drawn_so_far(entrances)


@contextlib.contextmanager
def without_starting_values(held: Iterable[Any]) -> Iterator[None]:
    """Draw graphs whose layers hold no values.

    A layer that the notebook made before, and that is used here for the first time, gets
    its values at the end.

    Args:
        held: the notebook's values.

    Raises:
        UncertainStart: at the end, if a layer has an initializer that may fail.

    """
    before = list(waiting_variables())
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
        if not all(_starts_surely(one) for one in waiting_variables()[len(before) :]):
            raise UncertainStart
    finally:
        waiting_variables()[:] = before
        for layer in _layers_in(held):
            for variable in layer.variables:
                if waits(variable):
                    give_value(variable)


class UncertainStart(Exception):
    """A layer has an initializer of a student's own, which may fail when it is called."""


def _starts_surely(variable: Any) -> bool:
    """Whether a variable starts from an initializer of Keras's or of this library."""
    kind = type(initializer_of(variable))
    known = kind.__module__.startswith(("keras.", "resnets_utils."))
    return known and issubclass(kind, keras.initializers.Initializer)


def _layers_in(values: Iterable[Any]) -> Iterator[keras.layers.Layer]:
    """The layers among values: in containers, in what functions hold, in a notebook's objects."""
    seen: set[int] = set()
    waiting = list(values)
    while waiting and len(seen) < MAX_SEARCHED:
        value = waiting.pop()
        kind = type(value)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if issubclass(kind, keras.layers.Layer):
            yield value
        elif kind in (list, tuple, set):
            waiting += value
        elif kind is dict:
            waiting += value.values()
        elif kind is FunctionType:
            waiting += value.__defaults__ or ()
            waiting += (value.__kwdefaults__ or {}).values()
            for cell in value.__closure__ or ():
                with contextlib.suppress(ValueError):  # the cell is still empty
                    waiting.append(cell.cell_contents)
        elif kind is _CACHE:
            waiting += gc.get_referents(value)  # what it has returned
        elif kind.__module__ == "__main__" and hasattr(value, "__dict__"):
            waiting += vars(value).values()


def _draw(
    call: Call,
    function: Callable[..., Any],
    make_input: Callable[[tuple[int, ...]], Any],
    namespace: dict[str, Any],
) -> keras.Model:
    if call.blocks:
        # The function may come from a file, and a decorator above it from a library.
        inside = [getattr(one, "__globals__", namespace) for one in wrapped_in(function)]
        places = {id(names): names for names in (namespace, *inside)}
        # Students may give their blocks more arguments; then the network is drawn with theirs.
        with contextlib.suppress(OwnBlocksNeeded), contextlib.ExitStack() as stack:
            for names in places.values():
                stack.enter_context(in_place_of_blocks(names, Blocks(call.blocks)))
            return _call(call, function, make_input)
    return _call(call, function, make_input)


def _call(
    call: Call, function: Callable[..., Any], make_input: Callable[[tuple[int, ...]], Any]
) -> keras.Model:
    if call.shape is None:
        model = function(**call.python_arguments)
        if isinstance(model, keras.Sequential):
            return _functional(call, model)
        if not isinstance(model, keras.Model):
            raise WrongResult(
                f"{call.function} must return a keras Model; it returned {_kind_of(model)}"
            )
        return model
    entrance = make_input(call.shape)
    result = function(entrance, **call.python_arguments)
    if not isinstance(result, keras.KerasTensor):
        raise WrongResult(
            f"{call.function} must return the tensor of its last layer; "
            f"it returned {_kind_of(result)}"
        )
    try:
        return keras.Model(entrance, result)
    except ValueError as error:
        if "not connected" not in str(error):
            raise
        raise WrongResult(
            f"what {call.function} returned is not made from the tensor that it was given"
        ) from None


def _functional(call: Call, model: keras.Sequential) -> keras.Model:
    """A Sequential model as a functional one."""
    if not model.built or not model.layers:
        raise WrongResult(
            f"{call.function} returned a Sequential model that does not know its input's shape; "
            "begin it with Input(input_shape)"
        )
    return keras.Model(model.inputs, model.outputs)


def _tried(model: keras.Model, salt: int) -> Reply:
    """What the model computes, or why it cannot; a model of two inputs is refused elsewhere."""
    # Of a variable without a value Keras gives what its initializer draws, each time again, or
    # what the function has set. Here all values are kept beside the variables, and forgotten.
    try:
        starts = [(one, one.value) for one in model.variables]
        with keras.StatelessScope(starts, initialize_variables=False):
            return {"values": sample(model, salt)}
    except Exception as error:
        return {"values": "", "reason": reason_of(error)}


def _kind_of(value: Any) -> str:
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that nobody awaited it
    if inspect.iscoroutine(value) or inspect.isasyncgen(value):
        return "a coroutine: write def instead of async def"
    if inspect.isgenerator(value):
        return "a generator: write return instead of yield"
    return "None" if value is None else f"an object of class {type(value).__name__}"


def _drawn_so_far(entrances: list[Any]) -> Reply:
    """The graph from the input to its furthest tensor, for a function that raised."""
    if not entrances:
        return {}
    try:
        return {"graph": keras.Model(entrances[-1], drawn_from(entrances[-1])).to_json()}
    except Exception:
        return {}  # the graph would only explain the error, which is told without it too
