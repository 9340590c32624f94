from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resnets_utils import expected
from resnets_utils.differences import first_difference
from resnets_utils.graph import Graph

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
    "window",
    "s",
)


def block() -> Graph:
    return expected.convolutional_block((8, 8, 3), 3, [4, 5, 6], 2, "b")


def change(graph: Graph, layer: str, **settings: Any) -> Graph:
    return graph.with_nodes(
        replace(node, settings={**node.settings, **settings}) if node.layer == layer else node
        for node in graph.nodes
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
    ],
)
def test_a_setting_is_told_in_words(layer: str, settings: dict[str, Any], sentence: str) -> None:
    answer = change(block(), layer, **settings)
    assert first_difference(answer, block(), settings=SETTINGS) == sentence


def test_equal_graphs_have_no_difference() -> None:
    assert first_difference(block(), block(), settings=SETTINGS) == ""


def test_a_missing_last_layer_is_told() -> None:
    graph = block()
    cut = replace(graph, output=graph.nodes[graph.output].inputs[0])
    assert first_difference(cut, graph) == "the last ReLU is missing"


def test_wrong_wiring_is_told() -> None:
    graph = block()
    at = next(at for at, node in enumerate(graph.nodes) if node.kind == "addition")
    main, shortcut = graph.nodes[at].inputs
    wrong = graph.with_nodes(
        replace(node, inputs=(main, main)) if node.kind == "addition" else node
        for node in graph.nodes
    )
    assert "is missing" in first_difference(wrong, graph) or "yours has" in first_difference(
        wrong, graph
    )
    assert shortcut != main


def test_a_layer_of_the_network_is_told_with_its_stage() -> None:
    wanted = expected.open_blocks(expected.resnet50())
    answer = change(wanted, "res4c_branch2b", kernel=(5, 5))
    assert first_difference(answer, wanted, settings=SETTINGS) == (
        "in stage 4, block c, the second convolution has window (5, 5); "
        "the exercise asks for (3, 3)"
    )


def test_a_closed_block_is_told_by_stage_and_letter() -> None:
    wanted = expected.resnet50()
    answer = wanted.with_nodes(
        replace(node, settings={**node.settings, "s": 1})
        if node.settings.get("stage") == 5 and node["block"] == "a"
        else node
        for node in wanted.nodes
    )
    assert first_difference(answer, wanted, settings=SETTINGS) == (
        "the convolutional block of stage 5, block a has s = 1; the exercise asks for 2"
    )
