"""What takes the place of a student's blocks while a network that calls them is drawn."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from exercises import MODES, MODES_BLOCKS, graphs, opened

from resnets_utils.border.call import Call, as_arguments
from resnets_utils.checks.checks import Checks
from resnets_utils.checks.judging import Judging, judging
from resnets_utils.checks.reference import Solution
from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node, Setting
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.graphs.stand_ins import Blocks, NoShape, argument_forms, in_place_of_blocks
from resnets_utils.graphs.tracing import trace
from resnets_utils.tensorflow2 import all_ones, random_uniform

BLOCKS = Blocks(MODES_BLOCKS)
GRAPHS = graphs(MODES, MODES_BLOCKS)


def closed(function: str, *arguments: Any, **settings: Any) -> Graph:
    """The graph of one stand-in, as the judge reads it."""
    picture = keras.Input((8, 8, 3))
    names: dict[str, Any] = {}
    with in_place_of_blocks(names, BLOCKS):
        tensor = names[function](picture, *arguments, **settings)
    return read_graph(keras.Model(picture, tensor).to_json(), BLOCKS)


def test_a_stand_in_remembers_mode_and_start() -> None:
    picture = keras.Input((8, 8, 3))
    names: dict[str, Any] = {}
    with in_place_of_blocks(names, BLOCKS):
        X = names["convolutional_block"](picture, 3, [4, 4, 8], training=False)
        X = names["identity_block"](X, f=3, filters=(4, 4, 8), initializer=all_ones)
    assert not names
    graph = read_graph(keras.Model(picture, X).to_json(), BLOCKS)
    first, second = graph.of_kind(CLOSED_BLOCK)
    assert (first.function, second.function) == ("convolutional_block", "identity_block")
    assert (first["s"], first["training"], first["filters"]) == (2, False, (4, 4, 8))
    assert first["initializer"] == ("initializer", "tensorflow2.glorot_uniform")
    assert (second["f"], second["training"]) == (3, True)
    assert second["initializer"] == ("initializer", "tensorflow2.all_ones")
    assert graph.output_shape == (None, 4, 4, 8)


def test_one_call_written_in_several_ways_is_one() -> None:
    picture = keras.Input((8, 8, 3))
    names: dict[str, Any] = {}
    with in_place_of_blocks(names, BLOCKS):
        block = names["convolutional_block"]
        tensors = [
            block(picture, 3, [2, 4]),
            block(f=3, filters=(2, 4), s=2, X=picture, training=True),
            block(picture, np.int64(3), np.array([2, 4]), s=np.int32(2)),
        ]
    graphs_read = [
        read_graph(keras.Model(picture, tensor).to_json(), BLOCKS).of_kind(CLOSED_BLOCK)[0]
        for tensor in tensors
    ]
    assert graphs_read[0].settings == graphs_read[1].settings == graphs_read[2].settings
    assert graphs_read[0].gives == (None, 4, 4, 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stage": 2, "block": "a"}, r"^identity_block\(\) got an unexpected keyword"),
        (
            {"initializer": random_uniform(seed=0)},
            r"initializer must be a function .* given the result of RandomUniform\(\.\.\.\)",
        ),
    ],
)
def test_a_call_that_does_not_fit_is_told_in_the_students_words(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        closed("identity_block", **{"f": 3, "filters": [4, 4, 3], **arguments})


def test_the_students_blocks_come_back_even_after_an_error() -> None:
    namespace: dict[str, Any] = {"identity_block": "mine"}
    with pytest.raises(KeyError), in_place_of_blocks(namespace, BLOCKS):
        assert callable(namespace["identity_block"]) and callable(namespace["convolutional_block"])
        raise KeyError
    assert namespace == {"identity_block": "mine"}


def kinds(reply: dict[str, str], blocks: Blocks = BLOCKS) -> list[str]:
    return [node.function or node.kind for node in read_graph(reply["graph"], blocks).nodes[1:]]


def test_a_block_with_more_arguments_than_the_exercises_stands_for_itself() -> None:
    def identity_block(X: Any, f: int, filters: list[int], last: str = "relu") -> Any:
        return keras.layers.Activation(last)(X)

    def network(**more: Any) -> keras.Model:
        picture = keras.Input((8, 8, 3))
        return keras.Model(picture, namespace["identity_block"](picture, 3, [4, 4, 3], **more))

    # A partial has no globals of its own: the namespace counts.
    namespace: dict[str, Any] = {"identity_block": identity_block, "network": partial(network)}

    def traced(**more: Any) -> dict[str, str]:
        call = Call("network", as_arguments(more), blocks=MODES_BLOCKS)
        return trace(call, namespace["network"], namespace)

    assert kinds(traced()) == ["identity_block"]
    assert kinds(traced(last="tanh")) == ["activation"]
    assert "identity_block() got an unexpected keyword" in traced(other=1)["reason"]


@pytest.mark.parametrize("filters", [[], "none", None, [2, 0], [2, 10**7], [2, 2.5]])
def test_where_blocks_py_tells_no_shape_the_own_block_is_drawn(filters: Any) -> None:
    with pytest.raises(
        NoShape, match=r"identity_block (cannot be called|would have an impossible)"
    ):
        BLOCKS.output_shape("identity_block", (8, 8, 3), {"f": 3, "filters": filters})
    names: dict[str, Any] = {"keras": keras, "filters": filters}
    exec(
        "def identity_block(X, f, filters):\n    return keras.layers.ReLU()(X)\n"
        "def network():\n"
        "    picture = keras.Input((8, 8, 3))\n"
        "    return keras.Model(picture, identity_block(picture, 3, filters))\n",
        names,
    )
    reply = trace(Call("network", {}, blocks=MODES_BLOCKS), names["network"], names)
    assert kinds(reply) == ["ReLU"]


def test_a_call_goes_as_data_and_arrives_as_a_function() -> None:
    arguments = as_arguments({"f": 2, "initializer": random_uniform})
    call = Call("block", arguments, (4, 4, 3), blocks=MODES_BLOCKS, sample=4)
    assert str(call).startswith("block(X, f=2, initializer=random_uniform) with X")
    again = Call.from_json(json.loads(json.dumps(call.as_json())))
    assert again == call and again.python_arguments["initializer"] is random_uniform
    with pytest.raises(ValueError, match=r"a check can hand over .*all_ones, not <"):
        as_arguments({"initializer": lambda seed: None})


def test_an_answer_is_compared_with_its_own_exercises_block() -> None:
    def identity_block(X: Any, f: int, filters: list[int], **others: Any) -> Any:
        return X

    how = Judging(
        tracer=lambda call: trace(call, identity_block, {}),
        given_reference=Solution([("solution", MODES)], MODES_BLOCKS),
        salt=1,
    )
    with judging(how):
        answer = Checks("identity_block").trace((4, 4, 3), f=2, filters=[4, 3])
    starts = {node["initializer"] for node in answer.graphs.expected.of_kind("convolution")}
    modes = {node["training"] for node in answer.graphs.expected.of_kind("batch normalisation")}
    assert (starts, modes) == ({("stateless random_uniform", 0)}, {True})
    assert answer.graphs.graph.nodes[1:] == ()


def starts_of(initializer: Any) -> set[Any]:
    graph = opened(GRAPHS, closed("identity_block", 3, [2, 3], initializer=initializer))
    assert [node.kind for node in graph.nodes].count("convolution") == 2
    return {node["initializer"] for node in graph.of_kind("convolution")}


def test_a_start_of_the_students_own_is_told_as_theirs_when_the_block_is_opened() -> None:
    assert starts_of(random_uniform) == {("stateless random_uniform", 0)}
    assert starts_of(keras.initializers.HeNormal) == {("other", "HeNormal", "0")}
    assert starts_of(lambda seed: keras.initializers.Constant(2.0)) == {("constant", 2.0)}
    assert starts_of(lambda seed: random_uniform(seed=7)) == {("stateless random_uniform", 7)}


def described(**changes: Any) -> str:
    """The description of a network of one closed block, with changed settings."""
    picture = keras.Input((8, 8, 3))
    names: dict[str, Any] = {}
    with in_place_of_blocks(names, BLOCKS):
        tensor = names["identity_block"](picture, 3, [4, 3])
    model = json.loads(keras.Model(picture, tensor).to_json())
    config = model["config"]["layers"][1]["config"]
    for key, value in changes.items():
        if key in config:
            config[key] = value
        else:
            config["arguments"][key] = value
    return json.dumps(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"f": 10**9},
        {"f": -(10**9)},
        {"f": 1e300},
        {"f": "x" * 10_000},
        {"f": "a\x1b[0m"},
        {"f": {"os": "system"}},
        {"f": {"initializer": "os.system"}},
        {"f": {"initializer": []}},
        {"f": {"initializer": "tensorflow2.all_ones", "more": 1}},
        {"f": {"start": "zeros"}},
        {"f": {"start": {"class_name": "HeNormal"}}},
        {"f": [[[[[[[1]]]]]]]},
        {"filters": list(range(500))},
        {"filters": [4, 10**7]},
        {"filters": [4, 0]},
        {"filters": [4, -3]},
        {"filters": [4, 2.5]},
        {"filters": "443"},
        {"filters": None},
        {"filters": True},
        {"filters": {"initializer": "tensorflow2.all_ones"}},
        {"a" * 300: 1},
        {"other": 1},
        {"function": "eval"},
        {"function": "_whole"},
        {"function": ""},
        {"function": 3},
        {"arguments": []},
        {"arguments": {}},
    ],
    ids=lambda changes: json.dumps(changes)[:50],
)
def test_a_hostile_closed_block_is_refused_in_words(changes: dict[str, Any]) -> None:
    with pytest.raises(GraphRefused, match=r".{15,}"):
        read_graph(described(**changes), BLOCKS)


def test_what_a_closed_block_says_it_gives_is_not_believed() -> None:
    given: list[Any] = [[1, 1, 1], [10**9], "many", None, {}]
    for gives in given:
        graph = read_graph(described(gives=gives), BLOCKS)
        assert graph.output_shape == (None, 8, 8, 3)
    with pytest.raises(GraphRefused, match="a stand-in is not a block"):
        read_graph(described())


LOOPING = """
import keras

def tower(X, layers):
    for _ in range(layers):
        X = keras.layers.ReLU()(X)
    return X

def counting(X, layers):
    for _ in range(layers):
        pass
    return keras.layers.ReLU()(X)

def catching(X, layers):
    try:
        return counting(X, layers)
    except BaseException:
        return counting(X, layers)
"""
LOOPING_BLOCKS = "".join(
    f"def {name}(X, layers): return X\n" for name in ("tower", "counting", "catching")
)


@pytest.mark.parametrize("function", ["tower", "counting", "catching"])
def test_a_block_that_takes_for_ever_to_draw_is_not_opened(
    function: str,
) -> None:
    found = graphs(LOOPING, LOOPING_BLOCKS)
    node = Node(CLOSED_BLOCK, {"layers": 3}, (0,), gives=(None, 4, 4, 2), function=function)
    first = found.opened(node, (None, 4, 4, 2), 0.5)
    assert first is not None and first.of_kind("ReLU")
    endless = Node(CLOSED_BLOCK, {"layers": 10**9}, (0,), gives=(None, 4, 4, 2), function=function)
    started = time.monotonic()
    assert found.opened(endless, (None, 4, 4, 2), 0.5) is None
    assert time.monotonic() - started < 10
    # The same holds for a block of the exercise's if there is no time left.
    later = replace(node, settings={"layers": 2})
    assert found.opened(later, (None, 4, 4, 2), 0) is None
    assert found.opened(later, (None, 4, 4, 2)) is not None
    # The alarm is off: later code is not interrupted.
    time.sleep(0.6)


def test_a_block_that_does_not_fit_where_it_stands_shows_the_layers_that_it_has() -> None:
    node = closed("identity_block", 3, [2, 5]).of_kind(CLOSED_BLOCK)[0]
    found = GRAPHS.opened(node, (None, 8, 8, 3))
    assert found is not None and found.output_shape == (None, 8, 8, 5)
    wrong = Node(
        CLOSED_BLOCK, {"f": "x", "filters": (2, 5)}, (0,), "", "", (None, 8, 8, 5), node.function
    )
    assert GRAPHS.opened(wrong, (None, 8, 8, 3)) is None


def test_what_a_block_was_called_with_becomes_arguments_again() -> None:
    settings: dict[str, Setting] = {
        "f": 3,
        "filters": (2, (3,)),
        "s": None,
        "initializer": ("starts", "other", "x", ""),
    }
    forms = argument_forms(settings)
    assert forms["initializer"] == ["start", 3]
    arguments = Call("block", forms, (4, 4, 1)).python_arguments
    assert (arguments["f"], arguments["filters"], arguments["s"]) == (3, [2, [3]], None)
    assert arguments["initializer"](seed=0).get_config() == {"seed": 3}
