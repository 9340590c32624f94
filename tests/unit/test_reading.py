from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import keras
import pytest

from resnets_utils import glorot_uniform
from resnets_utils.graphs.graph import Graph, Node
from resnets_utils.graphs.graph_differences import start as said
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.graphs.rebuilding import build, same_behaviour

layers = keras.layers
Change = Callable[[dict[str, Any]], None]


def small_model() -> keras.Model:
    entrance = keras.Input((4, 4, 2))
    X = layers.Conv2D(2, 3, padding="same", kernel_initializer=glorot_uniform(seed=0), name="conv")(
        entrance
    )
    X = layers.BatchNormalization(axis=-1, name="norm")(X, training=False)
    X = layers.Add(name="sum")([X, entrance])
    return keras.Model(entrance, layers.Activation("relu", name="relu")(X))


def layer(model: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in model["config"]["layers"] if item["name"] == name)


def test_what_is_read_is_what_was_drawn() -> None:
    graph = read_graph(small_model().to_json())
    assert [node.kind for node in graph.nodes] == [
        "input",
        "convolution",
        "batch normalisation",
        "addition",
        "ReLU",
    ]
    assert graph.nodes[1]["initializer"] == ("glorot_uniform", 0)
    assert graph.nodes[2]["axis"] == 3
    assert graph.nodes[2]["training"] is False
    assert sorted(graph.nodes[3].inputs) == [0, 2]


def test_what_is_the_students_own_is_called_so() -> None:
    class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
        pass

    entrance = keras.Input((4, 4, 2))
    with pytest.raises(GraphRefused, match="is a Conv2D that is not Keras's own"):
        read_graph(keras.Model(entrance, Conv2D(2, 3)(entrance)).to_json())
    X = layers.Conv2D(2, 3, kernel_initializer=_ones)(entrance)
    graph = read_graph(keras.Model(entrance, X).to_json())
    assert said(graph.nodes[1]["initializer"]) == "a function of your own"


def _ones(shape: Any, dtype: Any = None) -> Any:
    return keras.ops.ones(shape, dtype)


def _set(name: str, key: str, value: Any) -> Change:
    return lambda model: layer(model, name)["config"].__setitem__(key, value)


def _lambda(model: dict[str, Any]) -> None:
    layer(model, "relu").update(class_name="Lambda", config={"name": "relu"})


def _foreign_module(model: dict[str, Any]) -> None:
    layer(model, "relu")["module"] = "os"


def _cycle(model: dict[str, Any]) -> None:
    tensors = layer(model, "conv")["inbound_nodes"][0]["args"]
    tensors[0]["config"]["keras_history"] = ["relu", 0, 0]


def _two_of_a_name(model: dict[str, Any]) -> None:
    model["config"]["layers"].append(dict(layer(model, "conv")))


def _two_outputs(model: dict[str, Any]) -> None:
    model["config"]["output_layers"] = [["relu", 0, 0], ["conv", 0, 0]]


def _third_output_of_a_layer(model: dict[str, Any]) -> None:
    layer(model, "relu")["inbound_nodes"][0]["args"][0]["config"]["keras_history"][2] = 3


def _no_history(model: dict[str, Any]) -> None:
    del layer(model, "relu")["inbound_nodes"][0]["args"][0]["config"]["keras_history"]


def _sequential(model: dict[str, Any]) -> None:
    model["class_name"] = "Sequential"


def _config_is_a_list(model: dict[str, Any]) -> None:
    model["config"] = []


def _object_as_tensor(model: dict[str, Any]) -> None:
    layer(model, "relu")["inbound_nodes"][0]["args"] = [{"class_name": "Lambda", "config": {}}]


def _mismatched_add(model: dict[str, Any]) -> None:
    layer(model, "conv")["config"]["filters"] = 3


def _many_layers(model: dict[str, Any]) -> None:
    one = layer(model, "relu")
    model["config"]["layers"] += [{**one, "name": f"r{number}"} for number in range(2500)]


HOSTILE: dict[str, Change] = {
    "a Lambda layer": _lambda,
    "a class of another module": _foreign_module,
    "filters of 10^9": _set("conv", "filters", 10**9),
    "filters as text": _set("conv", "filters", "2"),
    "filters true": _set("conv", "filters", True),
    "filters negative": _set("conv", "filters", -2),
    "filters a fraction": _set("conv", "filters", 2.5),
    "a window of three numbers": _set("conv", "kernel_size", [3, 3, 3]),
    "a huge window": _set("conv", "kernel_size", [5000, 5000]),
    "an unknown padding": _set("conv", "padding", "reflect"),
    "an unknown activation": _set("conv", "activation", "os.system"),
    "an activation object": _set("conv", "activation", {"class_name": "function"}),
    "an initializer that is no object": _set("conv", "kernel_initializer", "zeros"),
    "epsilon infinite": _set("norm", "epsilon", 1e400),
    "an axis out of range": _set("norm", "axis", 7),
    "a name with a control character": lambda model: layer(model, "relu").update(name="a\x1b[0m"),
    "an endless name": lambda model: layer(model, "relu").update(name="a" * 10_000),
    "a circle": _cycle,
    "two layers of one name": _two_of_a_name,
    "two outputs": _two_outputs,
    "no output": lambda model: model["config"].update(output_layers=[]),
    "an output from nowhere": lambda model: model["config"].update(output_layers=["x", 0, 0]),
    "an output that is a number": lambda model: model["config"].update(output_layers=[0, 0, 0]),
    "no input": lambda model: model["config"].update(input_layers=[]),
    "an input in the middle": lambda model: model["config"].update(input_layers=["conv", 0, 0]),
    "two inputs": lambda model: model["config"].update(
        input_layers=[model["config"]["input_layers"]] * 2
    ),
    "a layer's third output": _third_output_of_a_layer,
    "a tensor from nowhere": _no_history,
    "another kind of model": _sequential,
    "a config that is a list": _config_is_a_list,
    "a layer called with an object": _object_as_tensor,
    "shapes that do not fit": _mismatched_add,
    "an input of one picture": lambda model: model["config"]["layers"][0]["config"].update(
        batch_shape=[1, 4, 4, 2]
    ),
    "an input of whole numbers": lambda model: model["config"]["layers"][0]["config"].update(
        dtype="int32"
    ),
    "too many layers": _many_layers,
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_graph_is_refused_in_words(change: Change) -> None:
    model = json.loads(small_model().to_json())
    change(model)
    with pytest.raises(GraphRefused, match=r".{20,}"):
        read_graph(json.dumps(model))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"a": NaN}',
        '{"class_name": "Functional", "class_name": "Functional"}',
        "[" * 100_000,
        '{"n": ' + "9" * 5000 + "}",
        "x" * 4_000_001,
        "é" * 2_000_001,
        "\ud800",
    ],
    ids=[
        "empty",
        "null",
        "list",
        "cut",
        "NaN",
        "key twice",
        "deep",
        "long number",
        "long text",
        "long in bytes",
        "half",
    ],
)
def test_text_that_is_no_model_is_refused_in_words(text: str) -> None:
    with pytest.raises(GraphRefused):
        read_graph(text)


def test_a_thousand_million_weights_are_refused_before_anything_is_built() -> None:
    model = json.loads(small_model().to_json())
    first, conv = model["config"]["layers"][:2]
    second = json.loads(json.dumps(conv))
    conv["config"].update(filters=8000, kernel_size=[3, 3])
    second["name"] = "conv_2"
    second["config"].update(filters=8000, kernel_size=[3, 3])
    second["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["conv", 0, 0]
    model["config"]["layers"] = [first, conv, second]
    model["config"]["output_layers"] = ["conv_2", 0, 0]
    with pytest.raises(GraphRefused, match=r"576,\d{3},\d{3} parameters"):
        read_graph(json.dumps(model))


def test_more_values_than_memory_holds_are_refused_before_anything_is_built() -> None:
    entrance = keras.Input((4, 4, 2))
    X = layers.ZeroPadding2D(256)(layers.ZeroPadding2D(256)(entrance))
    text = keras.Model(entrance, layers.Conv2D(150, 1)(X)).to_json()
    assert read_graph(text).output_shape == (None, 1028, 1028, 150)
    with pytest.raises(GraphRefused, match=r"210,832,560 values for one picture"):
        read_graph(text.replace('"filters": 150', '"filters": 197'))


def test_a_setting_off_its_default_is_noted() -> None:
    entrance = keras.Input((4, 4, 2))
    X = layers.Conv2D(2, 1, kernel_regularizer="l2")(entrance)
    graph = read_graph(keras.Model(entrance, X).to_json())
    assert graph.nodes[1]["also sets"] == ("kernel_regularizer",)


@pytest.mark.parametrize(
    "given",
    [
        {"dilation_rate": (2, 3)},
        {"dilation_rate": 3, "padding": "same"},
        {"groups": 2},
        {"strides": (2, 3)},
        {"strides": 4, "padding": "same"},
        {"use_bias": False},
    ],
)
def test_shapes_and_weights_are_counted_as_keras_counts_them(given: dict[str, Any]) -> None:
    entrance = keras.Input((11, 13, 4))
    model = keras.Model(entrance, layers.Conv2D(6, (3, 2), **given)(entrance))
    graph = read_graph(model.to_json())
    assert graph.output_shape == model.output_shape
    assert graph.parameters() == model.count_params()


@pytest.mark.parametrize(("channels", "filters"), [(6, 3), (3, 6)])
def test_groups_divide_channels_and_filters(channels: int, filters: int) -> None:
    entrance = keras.Input((4, 4, channels))
    text = keras.Model(entrance, layers.Conv2D(filters, 1)(entrance)).to_json()
    with pytest.raises(GraphRefused, match=f"2 groups do not divide {channels} channels and"):
        read_graph(text.replace('"groups": 1', '"groups": 2'))


def test_same_padding_that_pads_nothing_reads_as_valid() -> None:
    entrance = keras.Input((4, 4, 2))
    X = layers.Conv2D(2, 1, strides=2, padding="same")(entrance)
    X = layers.AveragePooling2D(2, padding="same")(X)
    graph = read_graph(keras.Model(entrance, X).to_json())
    assert [node["padding"] for node in graph.nodes[1:]] == ["valid", "valid"]
    # One row and column too few, and two.
    for size in (2, 3):
        X = layers.Conv2D(2, size, padding="same")(entrance)
        assert read_graph(keras.Model(entrance, X).to_json()).nodes[1]["padding"] == "same"


def test_a_layer_called_twice_shares_its_weights() -> None:
    entrance = keras.Input((4, 4, 2))
    conv = layers.Conv2D(2, 1)
    graph = read_graph(keras.Model(entrance, conv(conv(entrance))).to_json())
    twice = read_graph(keras.Model(entrance, layers.Conv2D(2, 1)(conv(entrance))).to_json())
    assert graph.parameters() * 2 == twice.parameters()

    def settings(node: Any) -> tuple[object, ...]:
        return tuple(sorted(node.settings.items()))

    assert graph.signature(settings) != twice.signature(settings)


def _every_place(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items: Any = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield from _every_place(item, (*path, key))


WRONG_KINDS: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**400,
    "",
    "\ud800",
    [],
    [[]],
    {},
    {"class_name": []},
]


@pytest.mark.parametrize("wrong", WRONG_KINDS, ids=range(len(WRONG_KINDS)))
def test_a_value_of_a_wrong_kind_is_refused_or_ignored_wherever_it_stands(wrong: Any) -> None:
    text = small_model().to_json()
    for path in _every_place(json.loads(text)):
        model = json.loads(text)
        place = model
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        with contextlib.suppress(GraphRefused):
            read_graph(json.dumps(model))


def test_what_is_too_deep_or_too_dear_to_compute_is_not_built() -> None:
    entrance = Node("input", {"shape": (4, 4, 2)})
    deep = [entrance, *(Node("ReLU", {}, (at,)) for at in range(1_900))]
    with pytest.raises(ValueError, match="too deeply"):
        build(Graph(tuple(deep), 1_900))
    wide = Node("zero padding", {"padding": ((256, 256), (256, 256))}, (0,))
    window: dict[str, Any] = {"window": (64, 64), "strides": (1, 1), "padding": "same"}
    dear = [entrance, wide, *(Node("max pooling", window, (at,)) for at in range(1, 17))]
    with pytest.raises(ValueError, match="more computing"):
        build(Graph(tuple(dear), 17))
    # Dense layers multiply too: at each of the places that are left.
    places = Node("zero padding", {"padding": ((98, 98), (98, 98))}, (0,))
    dense = [Node("dense", {"units": 900, "bias": True}, (at,)) for at in range(1, 6)]
    with pytest.raises(ValueError, match="more computing"):
        build(Graph((entrance, places, *dense), 6))


def test_a_layer_used_twice_is_no_equal_of_two_layers() -> None:
    def two_convolutions(*, shared: bool) -> Graph:
        entrance = keras.Input((3, 3, 2))
        first, second = layers.Conv2D(2, 1), layers.Conv2D(2, 1)
        if not shared:
            return read_graph(keras.Model(entrance, second(first(entrance))).to_json())
        # As many weights, and the same values as long as all layers hold equal ones.
        unused = second(entrance)
        nothing = layers.Subtract()([unused, unused])
        X = layers.Add()([first(first(entrance)), nothing])
        return read_graph(keras.Model(entrance, X).to_json())

    assert same_behaviour(two_convolutions(shared=False), two_convolutions(shared=False), 1)
    assert not same_behaviour(two_convolutions(shared=True), two_convolutions(shared=False), 1)
