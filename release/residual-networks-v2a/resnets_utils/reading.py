"""Read Keras's model JSON into a `Graph`, trusting none of it.

The text may come from a student's process, so it is data until proven
harmless: an exact list of layer classes, a type and bounds for each setting
that is read, and nothing of the JSON ever reaches Keras. What a class sets
besides is noted by name when it differs from this Keras's default. Keras's own
safe mode is no substitute: it lets through layers that change global settings
and layers of a thousand million weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import keras

from resnets_utils.graph import STAND_INS, Graph, Node, Setting, pads_nothing

MAX_CHARACTERS = 4_000_000
MAX_NODES = 2_000
MAX_PARAMETERS = 200_000_000
MAX_VALUES_PER_PICTURE = 200_000_000
MAX_NAME = 200


class GraphRefused(Exception):
    """The model's JSON is not one that we compare or rebuild; the message says why."""


def read_graph(text: str, *, stand_ins: bool = False) -> Graph:
    """Return the graph that ``model.to_json()`` described.

    Args:
        text: the JSON of a functional Keras 3 model with one input and one output.
        stand_ins: whether closed blocks may stand in it. They count as flawless,
            so they are taken only where the judge itself put them in.

    Raises:
        GraphRefused: if it is anything else, or larger than a graph of this exercise can be.

    """
    try:
        graph = _checked(_read_model(_parse(text)))
    except RecursionError:
        raise GraphRefused("the model's description is nested too deeply") from None
    if graph.of_kind(*STAND_INS) and not stand_ins:
        raise GraphRefused("a stand-in for a block is no block; build it from Keras's layers")
    return graph


def _parse(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise GraphRefused(f"the model's description is longer than {MAX_CHARACTERS} characters")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError as error:
        raise GraphRefused(f"the model's description is not plain JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise GraphRefused(f"{what} is not an object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise GraphRefused(f"{what} is not a list")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise GraphRefused(f"a layer's name must be 1 to {MAX_NAME} printable characters")
    return value


class _Fields:
    """The settings of one layer, handed out once each, by type and bounds."""

    def __init__(self, config: dict[str, Any], defaults: dict[str, Any], layer: str) -> None:
        self._left = dict(config)
        self._defaults = defaults
        self._layer = layer

    def _take(self, key: str) -> Any:
        if key not in self._left:
            raise GraphRefused(f"layer {self._layer!r} does not say its {key}")
        return self._left.pop(key)

    def _wrong(self, key: str, wanted: str) -> GraphRefused:
        return GraphRefused(f"{key} of layer {self._layer!r} is not {wanted}")

    def whole(self, key: str, low: int, high: int) -> int:
        value = self._take(key)
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str) -> float:
        value = self._take(key)
        if type(value) not in (int, float) or not abs(value) <= 1e6:
            raise self._wrong(key, "a number of ordinary size")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self._take(key)
        if type(value) is not bool:
            raise self._wrong(key, "true or false")
        return value

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        value = self._take(key)
        if value not in options:
            raise self._wrong(key, "one of " + ", ".join(options))
        return str(value)

    def wholes(self, key: str, count: int, low: int, high: int) -> tuple[int, ...]:
        return self._wholes(self._take(key), key, count, low, high)

    def _wholes(self, value: Any, key: str, count: int, low: int, high: int) -> tuple[int, ...]:
        fits = isinstance(value, list) and len(value) == count
        if not fits or not all(type(item) is int and low <= item <= high for item in value):
            raise self._wrong(key, f"{count} whole numbers from {low} to {high}")
        return tuple(value)

    def pairs(self, key: str, low: int, high: int) -> tuple[tuple[int, ...], ...]:
        value = self._take(key)
        if not isinstance(value, list) or len(value) != 2:
            raise self._wrong(key, "two pairs")
        return tuple(self._wholes(item, key, 2, low, high) for item in value)

    def initializer(self, key: str) -> Setting:
        """An initializer as (name, seed): the exercise's own, or another by class name."""
        value = _mapping(self._take(key), key)
        settings = _mapping(value.get("config"), f"the config of {key}")
        if value.get("registered_name") == "resnets_utils>GlorotUniform":
            seed = settings.get("seed")
            if seed is not None and (type(seed) is not int or not 0 <= seed < 2**63):
                raise self._wrong(key, "a glorot_uniform with a whole seed")
            return ("glorot_uniform", seed)
        default = self._defaults.get(key)
        if default is not None and value == default and key != "kernel_initializer":
            return ("default",)
        return ("other", _short(value.get("class_name")), _short(settings.get("seed")))

    def rest(self) -> tuple[str, ...]:
        """The names of settings not read above that differ from this Keras's default."""
        return tuple(
            sorted(
                _short(key)
                for key, value in self._left.items()
                if key != "name" and (key not in self._defaults or value != self._defaults[key])
            )
        )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(letter for letter in text if letter.isprintable())[:60]


Steps = list[tuple[str, dict[str, Setting]]]


def _activation(name: str) -> Steps:
    known: dict[str, Steps] = {
        "linear": [],
        "relu": [("ReLU", {})],
        "softmax": [("softmax", {})],
    }
    return known.get(name, [("activation", {"function": name})])


ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh", "leaky_relu", "elu", "gelu", "silu")


def _convolution(fields: _Fields) -> Steps:
    settings: dict[str, Setting] = {
        "filters": fields.whole("filters", 1, 8192),
        "kernel": fields.wholes("kernel_size", 2, 1, 64),
        "strides": fields.wholes("strides", 2, 1, 64),
        "padding": fields.choice("padding", ("valid", "same")),
        "bias": fields.flag("use_bias"),
        "initializer": fields.initializer("kernel_initializer"),
        "bias initializer": fields.initializer("bias_initializer"),
    }
    return [("convolution", settings), *_activation(fields.choice("activation", ACTIVATIONS))]


def _batch_normalisation(fields: _Fields) -> Steps:
    axis = fields.whole("axis", -4, 3)
    settings: dict[str, Setting] = {
        "axis": axis % 4,
        "momentum": fields.number("momentum"),
        "epsilon": fields.number("epsilon"),
        "center": fields.flag("center"),
        "scale": fields.flag("scale"),
    }
    return [("batch normalisation", settings)]


def _dense(fields: _Fields) -> Steps:
    settings: dict[str, Setting] = {
        "units": fields.whole("units", 1, 100_000),
        "bias": fields.flag("use_bias"),
        "initializer": fields.initializer("kernel_initializer"),
        "bias initializer": fields.initializer("bias_initializer"),
    }
    return [("dense", settings), *_activation(fields.choice("activation", ACTIVATIONS))]


def _pooling(kind: str) -> Callable[[_Fields], Steps]:
    def read(fields: _Fields) -> Steps:
        settings: dict[str, Setting] = {
            "window": fields.wholes("pool_size", 2, 1, 64),
            "strides": fields.wholes("strides", 2, 1, 64),
            "padding": fields.choice("padding", ("valid", "same")),
        }
        return [(kind, settings)]

    return read


def _block(kind: str) -> Callable[[_Fields], Steps]:
    def read(fields: _Fields) -> Steps:
        settings: dict[str, Setting] = {
            "f": fields.whole("f", 1, 64),
            "filters": fields.wholes("filters", 3, 1, 8192),
            "stage": fields.whole("stage", 0, 1000),
            "block": _name(fields._take("block")),
            "s": fields.whole("s", 1, 64),
        }
        return [(kind, settings)]

    return read


def _plain_relu(fields: _Fields) -> Steps:
    slope, threshold = fields.number("negative_slope"), fields.number("threshold")
    if slope or threshold or fields._take("max_value") is not None:
        return [("activation", {"function": "a ReLU with a slope, threshold or ceiling"})]
    return [("ReLU", {})]


def _bare(kind: str) -> Callable[[_Fields], Steps]:
    return lambda fields: [(kind, {})]


def _on_last_axis(kind: str) -> Callable[[_Fields], Steps]:
    def read(fields: _Fields) -> Steps:
        axis = fields.whole("axis", -4, 3)
        return [(kind, {} if kind == "softmax" and axis == -1 else {"axis": axis % 4})]

    return read


def _reshape(fields: _Fields) -> Steps:
    target = fields._take("target_shape")
    if not isinstance(target, list) or len(target) != 1:
        raise GraphRefused("a Reshape is read only where it flattens")
    return [("flatten", {})]


_LAYERS: dict[str, tuple[Callable[[], Any], Callable[[_Fields], Steps]]] = {
    "Conv2D": (lambda: keras.layers.Conv2D(1, 1), _convolution),
    "BatchNormalization": (keras.layers.BatchNormalization, _batch_normalisation),
    "Dense": (lambda: keras.layers.Dense(1), _dense),
    "Activation": (
        lambda: keras.layers.Activation("relu"),
        lambda fields: _activation(fields.choice("activation", ACTIVATIONS)),
    ),
    "ReLU": (keras.layers.ReLU, _plain_relu),
    "Softmax": (keras.layers.Softmax, _on_last_axis("softmax")),
    "Add": (keras.layers.Add, _bare("addition")),
    "Multiply": (keras.layers.Multiply, _bare("multiplication")),
    "Subtract": (keras.layers.Subtract, _bare("subtraction")),
    "Maximum": (keras.layers.Maximum, _bare("maximum")),
    "Concatenate": (keras.layers.Concatenate, _on_last_axis("concatenation")),
    "ZeroPadding2D": (
        keras.layers.ZeroPadding2D,
        lambda fields: [("zero padding", {"padding": fields.pairs("padding", 0, 256)})],
    ),
    "MaxPooling2D": (lambda: keras.layers.MaxPooling2D(2), _pooling("max pooling")),
    "AveragePooling2D": (lambda: keras.layers.AveragePooling2D(2), _pooling("average pooling")),
    "GlobalAveragePooling2D": (
        keras.layers.GlobalAveragePooling2D,
        _bare("global average pooling"),
    ),
    "Flatten": (keras.layers.Flatten, _bare("flatten")),
    "Reshape": (lambda: keras.layers.Reshape((1,)), _reshape),
    "Identity": (keras.layers.Identity, lambda fields: []),
    "Dropout": (
        lambda: keras.layers.Dropout(0.5),
        lambda fields: [("dropout", {"rate": fields.number("rate")})],
    ),
}
# What `X + shortcut` and keras.ops calls leave in a graph: no layer, no weights.
_OPERATIONS: dict[tuple[str, str], Callable[[_Fields], Steps]] = {
    ("keras.src.ops.numpy", "Add"): _bare("addition"),
    ("keras.src.ops.numpy", "Multiply"): _bare("multiplication"),
    ("keras.src.ops.numpy", "Subtract"): _bare("subtraction"),
    ("keras.src.ops.numpy", "Maximum"): _bare("maximum"),
    ("keras.src.ops.numpy", "Concatenate"): _on_last_axis("concatenation"),
    ("keras.src.ops.nn", "Relu"): _bare("ReLU"),
    ("keras.src.activations.activations", "ReLU"): _plain_relu,
    ("keras.src.ops.nn", "Softmax"): _on_last_axis("softmax"),
}
_STAND_INS: dict[str, Callable[[_Fields], Steps]] = {
    "resnets_utils>IdentityBlock": _block("identity block"),
    "resnets_utils>ConvolutionalBlock": _block("convolutional block"),
}
_SEVERAL_INPUTS = {"addition", "multiplication", "subtraction", "maximum", "concatenation"}


@cache
def _defaults(layer_class: str) -> dict[str, Any]:
    """What this Keras gives for settings that nobody set, as JSON gives it back."""
    config = keras.saving.serialize_keras_object(_LAYERS[layer_class][0]())["config"]
    parsed: dict[str, Any] = json.loads(json.dumps(config))
    return parsed


def _steps(layer: dict[str, Any], name: str) -> tuple[Steps, tuple[str, ...]]:
    """The steps that one layer of the JSON stands for, and its settings off the default."""
    config = _mapping(layer.get("config"), f"the config of layer {name!r}")
    module, class_name = layer.get("module"), layer.get("class_name")
    if module == "keras.layers" and class_name in _LAYERS:
        fields = _Fields(config, _defaults(class_name), name)
        return _LAYERS[class_name][1](fields), fields.rest()
    if (module, class_name) in _OPERATIONS:
        return _OPERATIONS[(str(module), str(class_name))](_Fields(config, {}, name)), ()
    if layer.get("registered_name") in _STAND_INS:
        return _STAND_INS[layer["registered_name"]](_Fields(config, {}, name)), ()
    if class_name in {"Functional", "Sequential"}:
        raise GraphRefused(
            f"{name!r} is a model inside the model; call the layers one by one instead"
        )
    raise GraphRefused(
        f"{name!r} is a {_short(class_name)}, which this exercise does not use; "
        "build the block from Keras's convolution, batch normalisation, activation, "
        "pooling, addition and dense layers"
    )


def _tensors(value: Any) -> list[tuple[str, int]]:
    """The (layer, call) pairs of the tensors in a call's arguments, in order."""
    if isinstance(value, list):
        return [found for item in value for found in _tensors(item)]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        history = _mapping(value.get("config"), "a tensor").get("keras_history")
        if (
            not isinstance(history, list)
            or len(history) != 3
            or type(history[1]) is not int
            or history[2] != 0
        ):
            raise GraphRefused("a tensor of the model does not say which layer it comes from")
        return [(_name(history[0]), history[1])]
    if isinstance(value, dict):
        raise GraphRefused("a layer is called with something that is not a tensor")
    return []


def _numbers(value: Any) -> list[float]:
    """The plain numbers among a call's arguments, as in ``maximum(X, 0)``."""
    items = value if isinstance(value, list) else []
    return [float(item) for item in items if type(item) in (int, float)]


def _call(steps: Steps, call: Any, name: str) -> tuple[Steps, list[tuple[str, int]]]:
    """One call of a layer: its steps with the call's arguments in them, and what it reads."""
    call = _mapping(call, f"a call of layer {name!r}")
    args, kwargs = _list(call.get("args"), "args"), _mapping(call.get("kwargs"), "kwargs")
    reads = _tensors(args)
    training = None
    for key, value in kwargs.items():
        if key == "training":
            if value not in (None, True, False):
                raise GraphRefused(f"training of layer {name!r} is not True, False or None")
            training = value if value is None else bool(value)
        elif value is not None:
            reads += _tensors(value)
    if steps and steps[0][0] == "maximum" and len(reads) == 1 and _numbers(args) == [0.0]:
        steps = [("ReLU", {})]
    elif _numbers(args):
        raise GraphRefused(f"layer {name!r} calculates with a number; the exercise never does")
    if steps and steps[0][0] == "batch normalisation":
        steps = [("batch normalisation", {**steps[0][1], "training": training})]
    elif training is not None and not (steps and steps[0][0] == "dropout"):
        raise GraphRefused(f"layer {name!r} takes no training argument")
    several = bool(steps) and steps[0][0] in _SEVERAL_INPUTS
    if not (2 <= len(reads) <= 16 if several else len(reads) == 1):
        raise GraphRefused(f"layer {name!r} reads {len(reads)} tensors")
    return steps, reads


def _read_model(model: Any) -> Graph:
    model = _mapping(model, "the model's description")
    if model.get("class_name") != "Functional":
        raise GraphRefused(f"the model is a {_short(model.get('class_name'))}, not keras.Model")
    config = _mapping(model.get("config"), "the model's config")
    layers = [_mapping(item, "a layer") for item in _list(config.get("layers"), "layers")]
    inputs = [layer for layer in layers if layer.get("class_name") == "InputLayer"]
    if len(inputs) != 1:
        raise GraphRefused(f"the model has {len(inputs)} inputs; the exercise has one")

    nodes: list[Node] = []
    made: dict[tuple[str, int], int] = {}
    pending: list[tuple[str, int, Steps, list[tuple[str, int]]]] = []
    for layer in layers:
        name = _name(layer.get("name"))
        if layer is inputs[0]:
            made[(name, 0)] = 0
            nodes.append(_input(layer, name))
            continue
        steps, extra = _steps(layer, name)
        if extra:
            kind, settings = steps[0] if steps else ("identity", {})
            steps = [(kind, {**settings, "also sets": extra}), *steps[1:]]
        calls = _list(layer.get("inbound_nodes"), "inbound_nodes")
        for number, call in enumerate(calls):
            pending.append((name, number, *_call(steps, call, name)))
        if len(pending) > MAX_NODES:
            raise GraphRefused(f"the model has more than {MAX_NODES} layers")

    while pending:
        waiting = []
        for name, number, steps, reads in pending:
            if not all(source in made for source in reads):
                waiting.append((name, number, steps, reads))
                continue
            if (name, number) in made:
                raise GraphRefused(f"two layers are named {name!r}")
            sources = tuple(made[source] for source in reads)
            for kind, settings in steps:
                nodes.append(Node(kind, settings, sources, name))
                sources = (len(nodes) - 1,)
            made[(name, number)] = sources[0]
        if len(waiting) == len(pending):
            raise GraphRefused(f"layer {waiting[0][0]!r} reads from a layer that is not there")
        pending = waiting

    outputs = _list(config.get("output_layers"), "output_layers")
    if len(outputs) == 1 and isinstance(outputs[0], list):
        outputs = outputs[0]
    if len(outputs) != 3 or (outputs[0], outputs[1]) not in made:
        raise GraphRefused("the model must have one output")
    return Graph(tuple(nodes), made[(outputs[0], outputs[1])], _short(config.get("name")))


def _input(layer: dict[str, Any], name: str) -> Node:
    shape = _mapping(layer.get("config"), "the input's config").get("batch_shape")
    sizes = shape[1:] if isinstance(shape, list) else []
    if not 1 <= len(sizes) <= 3 or not all(type(n) is int and 1 <= n <= 4096 for n in sizes):
        raise GraphRefused("the input's shape must be up to three whole numbers")
    return Node("input", {"shape": tuple(sizes)}, (), name)


def _checked(graph: Graph) -> Graph:
    """Bound the graph's size, and write "same" padding that pads nothing as "valid"."""
    nodes = []
    try:
        shapes = graph.shapes
        for node in graph.nodes:
            source = shapes[node.inputs[0]] if node.inputs else ()
            window = node.settings.get("kernel", node.settings.get("window"))
            if node.settings.get("padding") == "same" and isinstance(window, tuple):
                height, width = (int(str(size)) for size in window)
                if pads_nothing(node, source, (height, width)):
                    node = replace(node, settings={**node.settings, "padding": "valid"})
            nodes.append(node)
        parameters = graph.parameters()
        values = sum(math.prod(size or 1 for size in shape) for shape in shapes)
    except (ValueError, IndexError, KeyError, AssertionError) as error:
        raise GraphRefused(f"the model's layers do not fit together: {error}") from None
    if parameters > MAX_PARAMETERS or values > MAX_VALUES_PER_PICTURE:
        raise GraphRefused(
            f"the model has {parameters:,} parameters and {values:,} values for one picture, "
            "far more than this exercise needs"
        )
    return graph.with_nodes(nodes)
