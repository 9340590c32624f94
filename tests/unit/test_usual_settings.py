"""A function is judged as it is called, whatever stands above it and whatever a notebook set."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from resnets_utils.answering import answer
from resnets_utils.border.call import Call, as_arguments
from resnets_utils.border.reply import reason_of
from resnets_utils.checks.check_result import Outcome
from resnets_utils.checks.checks import Checks
from resnets_utils.checks.judging import Judging, judging
from resnets_utils.checks.reference import Solution
from resnets_utils.graphs import keras_private
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.stand_ins import Blocks
from resnets_utils.graphs.usual_settings import wrapped_in

CALL = Call("block", as_arguments({"filters": [3]}), (4, 4, 3), sample=3)
BLOCK = """
def block(X, filters):
    X = keras.layers.Conv2D(filters[0], 1)(X)
    X = keras.layers.BatchNormalization(axis=3)(X)
    return keras.layers.ReLU()(X)
"""
KINDS = ["input", "convolution", "batch normalisation", "ReLU"]
NAMES: dict[str, Any] = {"keras": keras}
exec(BLOCK, NAMES)
BLOCK_FUNCTION: Callable[..., Any] = NAMES["block"]


def kinds(reply: dict[str, str]) -> list[str]:
    assert reply["status"] == "graph", reply
    return [node.kind for node in read_graph(reply["graph"]).nodes]


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **settings: Any) -> Any:
        return function(*arguments, **settings)

    return wrapper


class Wrapper:
    """An object that calls a function, as a class-based decorator makes it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, X: Any, filters: Any) -> Any:
        return self.function(X, filters)

    def method(self, X: Any, filters: Any) -> Any:
        return self.function(X, filters)


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "tf.function": tf.function,
    "tf.function, compiled": lambda f: tf.function(f, jit_compile=True),
    "tf.function with a signature": lambda f: tf.function(f, autograph=False),
    "tf.function twice": lambda f: tf.function(tf.function(f)),
    "tf.function within a timer": lambda f: timed(tf.function(f)),
    "tf.function around a timer": lambda f: tf.function(timed(f)),
    "tf.function of a method": lambda f: tf.function(Wrapper(f).method),
    "partial of a tf.function": lambda f: functools.partial(tf.function(f)),
    "a timer": timed,
    "partial": functools.partial,
    "an object": Wrapper,
    "a method": lambda f: Wrapper(f).method,
    "staticmethod": staticmethod,
    "lambda": lambda f: lambda X, filters: f(X, filters),
    "do not convert": tf.autograph.experimental.do_not_convert,
    "registered": lambda f: keras.saving.register_keras_serializable()(f),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_what_stands_above_a_right_function_costs_nothing(wrap: Callable[[Any], Any]) -> None:
    reply = answer(CALL, {"block": wrap(BLOCK_FUNCTION)})
    assert kinds(reply) == KINDS and reply["values"].startswith('{"values"')


def test_a_wrapper_that_changes_the_result_is_judged_with_its_change() -> None:
    def pooled(X: Any, filters: Any) -> Any:
        return keras.layers.MaxPooling2D()(BLOCK_FUNCTION(X, filters))

    pooled.__wrapped__ = BLOCK_FUNCTION  # type: ignore[attr-defined]
    assert kinds(answer(CALL, {"block": pooled})) == [*KINDS, "max pooling"]
    assert kinds(answer(CALL, {"block": tf.function(pooled)})) == [*KINDS, "max pooling"]


@pytest.mark.parametrize("name", ["tf.function", "a timer", "do not convert", "an object"])
def test_a_wrapped_network_gets_stand_ins_for_wrapped_blocks(name: str) -> None:
    wrap = WRAPPERS[name]
    names: dict[str, Any] = {"keras": keras}
    exec(
        "def network(X, filters):\n    return keras.layers.ReLU()(block(X, filters=filters))", names
    )
    names |= {"block": wrap(BLOCK_FUNCTION), "network": wrap(names["network"])}
    text = "def block(shape, filters):\n    return (*shape[:2], filters[0])"
    call = Call("network", CALL.arguments, CALL.shape, blocks=text)
    reply = answer(call, names)
    assert reply["status"] == "graph", reply
    graph = read_graph(reply["graph"], Blocks(text))
    assert [node.kind for node in graph.nodes][1:] == ["closed block", "ReLU"]
    # With the student's own blocks it can be drawn, too.
    own = Call("network", CALL.arguments, CALL.shape)
    assert kinds(answer(own, names)) == [*KINDS, "ReLU"]


def test_a_network_that_the_notebook_keeps_has_its_values() -> None:
    @functools.cache
    def network() -> Any:
        entrance = keras.Input((2,))
        return keras.Model(entrance, keras.layers.Dense(1, kernel_initializer="ones")(entrance))

    answer(Call("network", {}), {"network": network})
    np.testing.assert_array_equal(network().predict(np.ones((1, 2)), verbose=0), [[2]])


class Odd:
    """What a wrapper is called elsewhere says nothing here, and some objects have no names."""

    func = staticmethod(BLOCK_FUNCTION)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_an_object_that_is_no_wrapper_is_looked_at_without_harm() -> None:
    odd = Odd()
    assert list(wrapped_in(odd)) == [odd]


async def a_coroutine(X: Any, filters: Any) -> Any:
    return BLOCK_FUNCTION(X, filters)


def a_generator(X: Any, filters: Any) -> Iterator[Any]:
    yield BLOCK_FUNCTION(X, filters)


def forgetful(X: Any, filters: Any) -> None:
    BLOCK_FUNCTION(X, filters)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (a_coroutine, "it returned a coroutine: write def instead of async def"),
        (a_generator, "it returned a generator: write return instead of yield"),
        (timed(forgetful), "take away what stands above def block"),
        (functools.cache(BLOCK_FUNCTION), "take away what stands above def block"),
        (tf.custom_gradient(BLOCK_FUNCTION), "take away what stands above def block"),
    ],
)
def test_a_line_above_a_function_that_is_to_blame_is_named(function: Any, words: str) -> None:
    reply = answer(CALL, {"block": function})
    assert reply["status"] == "raised" and words in reply["reason"]


@contextmanager
def policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def changed(setting: str, value: Any) -> Iterator[None]:
    change, now = getattr(keras.config, f"set_{setting}"), getattr(keras.config, setting)
    before = now()
    change(value)
    try:
        yield
        assert now() == value
    finally:
        change(before)


@contextmanager
def few_calls() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len_of_stack() + 90)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def warnings_as_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        assert warnings.filters[0][0] == "error"


# A session switches computing at once off as disable_eager_execution() does, and can be ended.
SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "not at once": tf.compat.v1.Session,
    "a graph": lambda: tf.Graph().as_default(),
    "mixed precision": lambda: policy("mixed_float16"),
    "float64": lambda: changed("floatx", "float64"),
    "channels first": lambda: changed("image_data_format", "channels_first"),
    "few calls": few_calls,
    "warnings as errors": warnings_as_errors,
}


def len_of_stack() -> int:
    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_right_answer_is_right_under_any_settings(
    setting: Callable[[], AbstractContextManager[Any]],
) -> None:
    usual = answer(CALL, NAMES)
    solution = Solution([("block", f"import keras\n{BLOCK}")])
    with ExitStack() as stack:
        stack.enter_context(setting())
        reply = answer(CALL, {"block": BLOCK_FUNCTION})
        # In a notebook the answer is read and compared there as well.
        how = Judging(
            lambda call: answer(call, NAMES), solution, in_notebook=True, sampled=True, salt=3
        )
        with judging(how):
            checks = Checks("block")
            with checks("figures", points=1):
                answer_of = checks.trace((4, 4, 3), filters=[3])
                answer_of.has_output_shape()
                answer_of.has_convolutions()
    assert kinds(reply) == KINDS
    assert read_graph(reply["graph"]).nodes[1].settings == (
        read_graph(usual["graph"]).nodes[1].settings
    )
    assert reply["values"].startswith('{"values"')
    assert [(one.outcome, one.reason) for one in how.results] == [(Outcome.PASSED, "")]


def test_a_trace_outside_a_check_leaves_the_settings() -> None:
    how = Judging(
        lambda call: answer(call, NAMES), Solution([("block", f"import keras\n{BLOCK}")]),
        in_notebook=True,
    )  # fmt: skip
    with judging(how):
        checks = Checks("block")
        with checks("drawn", points=1):
            checks.trace((4, 4, 3), filters=[3])
        checks.trace((4, 4, 3), filters=[4])
    assert not tf.config.functions_run_eagerly()


def test_what_keeps_a_network_from_computing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(X: Any, filters: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(keras_private, "AT_ONCE", "_renamed_by_tensorflow")
    with tf.compat.v1.Session():
        reply = answer(CALL, {"block": refuse})
    assert reply["reason"].startswith("NotImplementedError\nTensorFlow does not compute at once")
    assert "take away tf.compat.v1.disable_eager_execution()" in reply["reason"]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [])
    assert "take tf.config.set_visible_devices" in answer(CALL, {"block": refuse})["reason"]


class WithoutText(Exception):
    def __str__(self) -> str:
        return " \n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(), "ValueError"),
        (ValueError("  \n"), "ValueError"),
        (WithoutText(), "WithoutText"),
        (NotImplementedError("\n\nArguments received by Add.call():\n  X"), "NotImplementedError"),
        (ValueError("\x1b[1m\x1b[0m"), "ValueError"),
        (ValueError(" words \n"), "ValueError: words"),
    ],
)
def test_no_reason_ends_before_its_words(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
