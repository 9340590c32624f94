"""Where a graph leaves the exercise's, in the words that a student reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from exercises import (
    CHAIN,
    CHAIN_BLOCKS,
    MODES,
    MODES_BLOCKS,
    NAMED,
    NAMED_BLOCKS,
    PLAIN,
    drawn,
    graphs,
    opened,
)

from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node
from resnets_utils.graphs.graph_differences import first_difference, start
from resnets_utils.graphs.places import Names, function_in_words

SETTINGS = (
    "training",
    "initializer",
    "filters",
    "kernel",
    "strides",
    "padding",
    "bias",
    "axis",
    "units",
    "rate",
    "window",
)
NAMED_GRAPHS = graphs(NAMED, NAMED_BLOCKS)
MODES_GRAPHS = graphs(MODES, MODES_BLOCKS)
PLAIN_GRAPHS = graphs(PLAIN)
CHAIN_GRAPHS = graphs(CHAIN, CHAIN_BLOCKS)


def block() -> Graph:
    arguments = {"f": 3, "filters": [4, 5, 6], "stage": 2, "block": "b"}
    return drawn(NAMED_GRAPHS, "convolutional_block", (8, 8, 3), **arguments)


def network() -> Graph:
    return drawn(NAMED_GRAPHS, "network")


def change(graph: Graph, layer: str, **settings: Any) -> Graph:
    return graph.with_nodes(
        replace(node, settings={**node.settings, **settings}) if node.layer == layer else node
        for node in graph.nodes
    )


def all_that_differ(got: Node, wanted: Node) -> list[str]:
    return [name for name in wanted.settings if got.settings.get(name) != wanted[name]]


def said(answer: Graph, wanted: Graph, *, whole: bool = False) -> str:
    return first_difference(
        answer, wanted, settings=SETTINGS, arguments=all_that_differ, network=whole
    )


@pytest.mark.parametrize(
    ("layer", "settings", "sentence"),
    [
        (
            "res2b_branch2b",
            {"strides": (2, 2)},
            "the second convolution has stride (2, 2); the exercise asks for (1, 1)",
        ),
        (
            "res2b_branch2a",
            {"filters": 9},
            "the first convolution has 9 filters; the exercise asks for 4",
        ),
        (
            "res2b_branch1",
            {"padding": "same"},
            'the shortcut\'s convolution has padding "same"; the exercise asks for "valid"',
        ),
        (
            "bn2b_branch2c",
            {"axis": 1},
            "the third batch normalisation has axis 1; the exercise asks for 3",
        ),
        (
            "bn2b_branch1",
            {"training": False},
            "the shortcut's batch normalisation is called with training=False; "
            "the exercise calls it without one",
        ),
        (
            "res2b_branch2c",
            {"initializer": ("stateless random_uniform", 3)},
            "the third convolution starts from random_uniform(seed=3); "
            "the exercise asks for glorot_uniform(seed=0)",
        ),
        (
            "res2b_branch2c",
            {"initializer": ("constant", 1.0)},
            "the third convolution starts from the constant 1.0; "
            "the exercise asks for glorot_uniform(seed=0)",
        ),
        (
            "res2b_branch2a",
            {"bias": False},
            "the first convolution has no bias; the exercise has one",
        ),
    ],
)
def test_a_setting_is_told_in_words(layer: str, settings: dict[str, Any], sentence: str) -> None:
    assert said(change(block(), layer, **settings), block()) == sentence


@pytest.mark.parametrize("graph", [block, network], ids=["block", "network"])
def test_equal_graphs_have_no_difference(graph: Callable[[], Graph]) -> None:
    assert said(graph(), graph()) == ""


def test_a_missing_last_layer_is_told() -> None:
    graph = block()
    cut = replace(graph, output=graph.nodes[graph.output].inputs[0])
    assert first_difference(cut, graph) == "the last ReLU is missing"


def reading(graph: Graph, kind: str, *inputs: int) -> Graph:
    """The graph with one kind of node reading from elsewhere."""
    return graph.with_nodes(
        replace(node, inputs=inputs) if node.kind == kind else node for node in graph.nodes
    )


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ((), "nothing"),
        ((8,), "nothing"),
        ((1, 2, 3, 4), "nothing"),
        ("glorot_uniform", "nothing"),
        (("starts", "constant", 1.0), "the constant 1.0"),
        (("initializer", "tensorflow2.random_uniform"), "random_uniform"),
        (("default",), "zeros"),
        (("other", "function", ""), "a function of your own"),
        (("other", "HeNormal", "null"), "Keras's own HeNormal without a seed"),
        (("other", "HeNormal", "3"), "Keras's own HeNormal with seed 3"),
        (("stateless glorot_uniform", 0), "glorot_uniform(seed=0)"),
    ],
)
def test_a_start_is_told_whatever_it_is(form: Any, words: str) -> None:
    # The argument of a block can be anything that a student hands over.
    assert start(form) == words


def test_wrong_wiring_is_told() -> None:
    arguments = {"f": 3, "filters": [4, 5, 6], "stage": 2, "block": "b"}
    graph = drawn(NAMED_GRAPHS, "identity_block", (8, 8, 6), **arguments)
    addition = graph.of_kind("addition")[0]
    main = next(at for at in addition.inputs if at)
    activation = next(at for at, node in enumerate(graph.nodes) if node.kind == "ReLU")
    assert first_difference(reading(graph, "addition", main, activation), graph) == (
        "the addition reads the third batch normalisation and the first ReLU; "
        "the exercise has it read the third batch normalisation and the block's input"
    )
    # Without the shortcut's layers a whole path is missing, which is told first.
    graph = block()
    main = graph.of_kind("addition")[0].inputs[0]
    wrong = first_difference(reading(graph, "addition", main, main), graph)
    assert wrong == "where the exercise has the shortcut's convolution, yours has an addition"


def test_a_layer_of_the_network_is_told_with_its_stage() -> None:
    wanted = opened(NAMED_GRAPHS, network())
    answer = change(wanted, "res3c_branch2b", kernel=(5, 5))
    assert said(answer, wanted, whole=True) == (
        "in stage 3, block c, the second convolution has window (5, 5); "
        "the exercise asks for (3, 3)"
    )
    answer = change(wanted, "bn3a_branch1", axis=1)
    assert said(answer, wanted, whole=True) == (
        "in stage 3, block a, the shortcut's batch normalisation has axis 1; "
        "the exercise asks for 3"
    )
    answer = change(wanted, "res1", filters=5)
    assert said(answer, wanted, whole=True) == (
        "the first convolution has 5 filters; the exercise asks for 4"
    )


def with_argument(graph: Graph, number: int, name: str, value: Any) -> Graph:
    """The graph with another argument in a closed block, by its place among them."""
    closed = [at for at, node in enumerate(graph.nodes) if node.kind == CLOSED_BLOCK]
    return graph.with_nodes(
        replace(node, settings={**node.settings, name: value}) if at == closed[number] else node
        for at, node in enumerate(graph.nodes)
    )


def test_a_closed_block_is_told_by_stage_and_letter() -> None:
    wanted = network()
    assert said(with_argument(wanted, 2, "s", 1), wanted, whole=True) == (
        "the convolutional block of stage 3, block a has s = 1; the exercise asks for 2"
    )
    wanted = drawn(MODES_GRAPHS, "network")
    own = with_argument(wanted, 1, "initializer", ("starts", "constant", 1.0))
    assert said(own, wanted, whole=True) == (
        "the identity block of stage 2, block b starts from the constant 1.0; "
        "the exercise asks for random_uniform"
    )


def test_blocks_that_form_no_stages_are_counted() -> None:
    wanted = drawn(CHAIN_GRAPHS, "network")
    assert said(with_argument(wanted, 1, "filters", 9), wanted, whole=True) == (
        "the second conv stage has filters = 9; the exercise asks for 8"
    )
    layers = opened(CHAIN_GRAPHS, wanted)
    third = [at for at, node in enumerate(layers.nodes) if node.kind == "convolution"][3]
    answer = layers.with_nodes(
        replace(node, settings={**node.settings, "kernel": (5, 5)}) if at == third else node
        for at, node in enumerate(layers.nodes)
    )
    assert said(answer, layers, whole=True) == (
        "in the second conv stage, the second convolution has window (5, 5); "
        "the exercise asks for (3, 3)"
    )


def of_kind(graph: Graph, kind: str, number: int, **settings: Any) -> Graph:
    """The graph with other settings in one of its nodes of a kind."""
    place = [at for at, node in enumerate(graph.nodes) if node.kind == kind][number]
    return graph.with_nodes(
        replace(node, settings={**node.settings, **settings}) if at == place else node
        for at, node in enumerate(graph.nodes)
    )


@pytest.mark.parametrize(
    ("kind", "number", "settings", "sentence"),
    [
        (
            "convolution",
            1,
            {"filters": 7},
            "the second convolution has 7 filters; the exercise asks for 8",
        ),
        (
            "average pooling",
            0,
            {"window": (3, 3)},
            "the average pooling has window (3, 3); the exercise asks for (2, 2)",
        ),
        (
            "activation",
            1,
            {"function": "gelu"},
            "where the exercise has the second tanh activation, yours has a gelu activation",
        ),
        (
            "activation",
            2,
            {"function": "elu"},
            "where the exercise has the sigmoid activation, yours has an elu activation",
        ),
        ("dense", 0, {"units": 11}, "the first dense layer has 11 units; the exercise asks for 10"),
        ("dropout", 0, {"rate": 0.5}, "the dropout has rate 0.5; the exercise asks for 0.25"),
    ],
)
def test_a_plain_network_is_told_without_blocks(
    kind: str, number: int, settings: dict[str, Any], sentence: str
) -> None:
    wanted = drawn(PLAIN_GRAPHS, "network")
    assert said(of_kind(wanted, kind, number, **settings), wanted, whole=True) == sentence


def test_what_goes_in_is_a_picture_an_input_or_the_blocks() -> None:
    assert Names(drawn(PLAIN_GRAPHS, "network"), network=True)[0] == "the picture"
    numbers = drawn(PLAIN_GRAPHS, "of_numbers")
    assert Names(numbers, network=True)[0] == "the input"
    assert Names(block(), network=False)[0] == "the block's input"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("identity_block", "identity block"),
        ("convStage", "conv stage"),
        ("_inner", "inner"),
        ("block", "block"),
        ("_", "_"),
    ],
)
def test_a_functions_name_is_told_as_words(function: str, words: str) -> None:
    assert function_in_words(function) == words
