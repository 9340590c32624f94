"""What takes the place of a student's blocks while ResNet50 is drawn."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import pytest

from resnets_utils.answers import Answer
from resnets_utils.reading import read_graph
from resnets_utils.stand_ins import STAND_IN_BLOCKS, in_place_of_blocks
from resnets_utils.tensorflow2 import all_ones, random_uniform
from resnets_utils.tracing import Call, trace

V3 = STAND_IN_BLOCKS["v3"]


def test_a_stand_in_remembers_mode_and_start() -> None:
    picture = keras.Input((8, 8, 3))
    X = V3["convolutional_block"](picture, 3, [4, 4, 8], training=False)
    X = V3["identity_block"](X, f=3, filters=(4, 4, 8), initializer=all_ones)
    graph = read_graph(keras.Model(picture, X).to_json(), stand_ins=True)
    first, second = graph.of_kind("convolutional block", "identity block")
    assert (first["s"], first["training"]) == (2, False)
    assert first["initializer"] == ("stateless glorot_uniform", 0)
    assert (second["s"], second["training"]) == (1, True)
    assert second["initializer"] == ("constant", 1.0)
    assert graph.output_shape == (None, 4, 4, 8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stage": 2, "block": "a"}, r"^identity_block\(\) got an unexpected keyword"),
        ({"training": 2}, "training must be True or False; the block was given 2"),
        ({"initializer": "glorot_uniform"}, "initializer must be a function such as"),
        (
            {"initializer": random_uniform(seed=0)},
            r"initializer must be a function .* given what RandomUniform\(\.\.\.\) made",
        ),
        ({"f": 3.7}, "f must hold whole numbers; the block was given 3.7"),
        ({"filters": [2, 2.5, 4]}, "filters must hold whole numbers; the block was given 2.5"),
    ],
)
def test_a_call_that_does_not_fit_is_told_in_the_students_words(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        V3["identity_block"](keras.Input((8, 8, 3)), **{"f": 3, "filters": [4, 4, 3], **arguments})


def test_the_students_blocks_come_back_even_after_an_error() -> None:
    namespace: dict[str, Any] = {"identity_block": "mine"}
    with pytest.raises(KeyError), in_place_of_blocks(namespace, "v3"):
        assert namespace["identity_block"] is V3["identity_block"]
        raise KeyError
    assert namespace == {"identity_block": "mine"}


def test_a_block_with_more_arguments_than_the_exercises_stands_for_itself() -> None:
    def identity_block(X: Any, f: int, filters: list[int], last: str = "relu") -> Any:
        return keras.layers.Activation(last)(X)

    def network(**more: Any) -> keras.Model:
        picture = keras.Input((8, 8, 3))
        return keras.Model(picture, namespace["identity_block"](picture, 3, [4, 4, 3], **more))

    # A partial has no globals of its own: the namespace counts.
    namespace: dict[str, Any] = {"identity_block": identity_block, "network": partial(network)}

    def traced(**more: Any) -> dict[str, str]:
        return trace(Call("network", more, own_blocks=False, version="v3"), namespace)

    def kinds(reply: dict[str, str]) -> list[str]:
        return [node.kind for node in read_graph(reply["graph"], stand_ins=True).nodes[1:]]

    assert kinds(traced()) == ["identity block"]
    assert kinds(traced(last="tanh")) == ["activation"]
    assert "identity_block() got an unexpected keyword" in traced(other=1)["reason"]


def test_a_call_goes_as_data_and_arrives_as_a_function() -> None:
    call = Call("block", {"f": 2, "initializer": "random_uniform"}, (4, 4, 3), True, "v3")
    assert str(call).startswith("block(X, f=2, initializer=random_uniform) with X")
    again = Call.from_json(call.as_json())
    assert again == call and again.python_arguments["initializer"] is random_uniform


def test_the_third_editions_answer_is_compared_with_the_third_editions_block() -> None:
    def identity_block(X: Any, f: int, filters: list[int], **others: Any) -> Any:
        return X

    call = Call("identity_block", {"f": 2, "filters": [4, 4, 3]}, (4, 4, 3), True, "v3")
    reply = trace(call, {"identity_block": identity_block})
    answer = Answer(call, read_graph(reply["graph"]), 1, reveal=lambda: True)
    starts = {node["initializer"] for node in answer.expected.of_kind("convolution")}
    modes = {node["training"] for node in answer.expected.of_kind("batch normalisation")}
    assert (starts, modes) == ({("stateless random_uniform", 0)}, {True})
