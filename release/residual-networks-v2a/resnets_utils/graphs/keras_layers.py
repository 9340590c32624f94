"""Read the settings of one layer from Keras's JSON: an exact list of classes, types and bounds.

Nothing is trusted before it is checked; see `keras_json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import keras

from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Setting
from resnets_utils.graphs.initializer_names import INITIALIZERS

MAX_NAME = 200
# Bounds of the arguments of a closed block; numbers are as large as those of any layer.
MAX_ARGUMENTS = 200
MAX_DEPTH = 4
MAX_NUMBER = 8192
Steps = list[tuple[str, dict[str, Setting]]]


# The library's own initializers, by the names they are registered under.
_INITIALIZERS = {
    "resnets_utils>GlorotUniform": "glorot_uniform",
    "resnets_utils>StatelessGlorotUniform": "stateless glorot_uniform",
    "resnets_utils>StatelessRandomUniform": "stateless random_uniform",
}


class GraphRefused(Exception):
    """The model's JSON cannot be compared or rebuilt; the message says why.

    Attributes:
        graph: the graph, if its layers are known but do not fit together. It can be
            compared but not built.

    """

    def __init__(self, message: str, graph: Graph | None = None) -> None:
        super().__init__(message)
        self.graph = graph


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return the value if it is a JSON object; the error calls it ``what``."""
    if not isinstance(value, dict):
        raise GraphRefused(f"{what} is not an object")
    return value


def layer_name(value: Any) -> str:
    """Return the value if it can be a layer's name."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise GraphRefused(f"a layer's name must be 1 to {MAX_NAME} printable characters")
    return value


class Fields:
    """The settings of one layer, each read once, by type and bounds."""

    def __init__(self, config: dict[str, Any], defaults: dict[str, Any], layer: str) -> None:
        self._left = dict(config)
        self._defaults = defaults
        self._layer = layer

    def _take(self, key: str) -> Any:
        if key not in self._left:
            raise GraphRefused(f"layer {self._layer!r} has no {key}")
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

    def _number_or_none(self, key: str) -> float | None:
        return self._take(key) if self._left.get(key, 0) is None else self.number(key)

    def flag(self, key: str) -> bool:
        value = self._take(key)
        if type(value) is not bool:
            raise self._wrong(key, "true or false")
        return value

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        value = self._take(key)
        if value not in options:
            raise self._wrong(key, f"one of {', '.join(options)}, but {short(value)}")
        return str(value)

    def activation(self) -> Steps:
        """The step of the layer's activation; TensorFlow's softmax counts as Keras's."""
        function = self._left.get("activation")
        if isinstance(function, dict):
            name = function.get("class_name")
            if function.get("config") == "softmax_v2":
                self._left["activation"] = "softmax"
            elif function.get("module") == "keras.layers" and name in {"ReLU", "Softmax"}:
                # As in Activation(ReLU()): the layer stands for a function.
                del self._left["activation"]
                config = mapping(function.get("config"), "the activation's config")
                return LAYERS[name].steps(Fields(config, _defaults(name), self._layer))
        return _activation(self.choice("activation", ACTIVATIONS))

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

    def relu(self) -> Steps:
        """The step of a ReLU layer, which may also have a slope, a threshold or a ceiling."""
        bends = {key: self._number_or_none(key) for key in BENDS}
        if bends == BENDS:
            return [("ReLU", {})]
        return [("activation", {"function": BENT_RELU, **bends})]

    def reshape(self) -> Steps:
        """The step of a Reshape layer that flattens."""
        target = self._take("target_shape")
        if not isinstance(target, list) or len(target) != 1:
            raise GraphRefused("a Reshape is read only where it flattens")
        return [("flatten", {})]

    def initializer(self, key: str) -> Setting:
        """An initializer as (name, seed): the library's own, or another by class name."""
        return self._initializer(mapping(self._take(key), key), key)

    def _initializer(self, value: dict[str, Any], key: str) -> Setting:
        if value.get("class_name") in {"function", "__lambda__"}:
            return ("other", "function", "")
        settings = mapping(value.get("config"), f"the config of {key}")
        registered = value.get("registered_name")
        if registered in _INITIALIZERS:
            seed = settings.get("seed")
            if seed is not None and (type(seed) is not int or not 0 <= seed < 2**63):
                raise self._wrong(key, "an initializer with a whole seed")
            return (_INITIALIZERS[registered], seed)
        if (value.get("module"), value.get("class_name")) == ("keras.initializers", "Constant"):
            number = settings.get("value")
            if number == 0 and key == "bias_initializer":
                return ("default",)
            if isinstance(number, int | float) and abs(number) <= 1e6:
                return ("constant", float(number))
        default = self._defaults.get(key)
        if default is not None and value == default and key != "kernel_initializer":
            return ("default",)
        return ("other", short(value.get("class_name")), short(settings.get("seed")))

    def closed_block(self) -> dict[str, Setting]:
        """The function that a stand-in stands for, and its arguments.

        Initializers stand as ("initializer", the library's name for it), or as
        ("starts", ...) and what `initializer` returns.
        """
        self._arguments_left = MAX_ARGUMENTS
        given = mapping(self._take("arguments"), f"how {self._layer!r} was called")
        said = {layer_name(key): self._argument(key, value, 0) for key, value in given.items()}
        return {"function": layer_name(self._take("function")), **said}

    def _argument(self, key: str, value: Any, depth: int) -> Setting:
        self._arguments_left -= 1
        if self._arguments_left < 0 or depth > MAX_DEPTH:
            raise self._wrong(key, "of ordinary size")
        if value is None or type(value) is bool:
            return value
        if type(value) in (int, float) and abs(value) <= MAX_NUMBER:
            return float(value) if type(value) is float else int(value)
        if type(value) is str and len(value) <= MAX_NAME and value.isprintable():
            return value
        if type(value) is list:
            return tuple(self._argument(key, item, depth + 1) for item in value)
        if type(value) is dict and value.keys() == {"initializer"}:
            name = value["initializer"]
            if type(name) is str and name in INITIALIZERS:
                return ("initializer", name)
        if type(value) is dict and value.keys() == {"start"}:
            start = self._initializer(mapping(value["start"], key), key)
            assert isinstance(start, tuple)
            return ("starts", *start)
        raise self._wrong(key, "a number, a text or a list of ordinary size")

    def rest(self) -> tuple[str, ...]:
        """The names of settings not read above that differ from this Keras's default."""
        return tuple(
            sorted(
                short(key)
                for key, value in self._left.items()
                if key not in _NEVER_MATTER
                and (key not in self._defaults or value != self._defaults[key])
            )
        )


def short(value: Any) -> str:
    """Return at most 60 printable characters of a value, for a sentence."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(letter for letter in text if letter.isprintable())[:60]


def _activation(name: str) -> Steps:
    known: dict[str, Steps] = {
        "linear": [],
        "relu": [("ReLU", {})],
        "softmax": [("softmax", {"axis": -1})],
    }
    return known.get(name, [("activation", {"function": name})])


# A layer without weights has nothing to train. What a dropout leaves out is random anyway,
# so its seed does not count.
_NEVER_MATTER = frozenset({"name", "seed", "trainable"})
# Settings that are not read and change no value: they matter to training alone.
FOR_TRAINING = frozenset(
    {
        "synchronized",
        "noise_shape",
        *(
            f"{weight}_{kind}"
            for weight in ("kernel", "bias", "activity", "beta", "gamma")
            for kind in ("regularizer", "constraint")
        ),
    }
)
# Settings that are not read and change only the values that weights start from.
FOR_THE_START = frozenset(
    f"{weight}_initializer" for weight in ("beta", "gamma", "moving_mean", "moving_variance")
)
# What bends a ReLU, by Keras's names, as it is in an ordinary one.
BENDS = {"negative_slope": 0.0, "threshold": 0.0, "max_value": None}
BENT_RELU = "a ReLU with a slope, threshold or ceiling"
ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh", "leaky_relu", "elu", "gelu", "silu")


@dataclass(frozen=True)
class LayerKind:
    """How a kind of layer stands in Keras's JSON, and what it is built from.

    Attributes:
        kind: its name in a graph.
        settings: by their names in a graph: Keras's name, and the method of `Fields` that
            reads it, with bounds.
        example: arguments that make a layer whose other settings are this Keras's defaults.
        read: reads what a graph does not hold setting by setting.

    """

    kind: str
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    example: tuple[Any, ...] = ()
    read: Callable[[Fields], Steps] | None = None

    def steps(self, fields: Fields) -> Steps:
        """Return the steps that a layer stands for: its own, and its activation's."""
        if self.read is not None:
            return self.read(fields)
        settings = {
            name: read(fields, key, *bounds) for name, (key, read, *bounds) in self.settings.items()
        }
        activated = self.kind in {"convolution", "dense"}
        return [(self.kind, settings), *(fields.activation() if activated else [])]


_WINDOW = {
    "strides": ("strides", Fields.wholes, 2, 1, 64),
    "padding": ("padding", Fields.choice, ("valid", "same")),
}
_TRAINABLE = {"trainable": ("trainable", Fields.flag)}
_WEIGHTS = {
    **_TRAINABLE,
    "bias": ("use_bias", Fields.flag),
    "initializer": ("kernel_initializer", Fields.initializer),
    "bias initializer": ("bias_initializer", Fields.initializer),
}
_POOLING = {"window": ("pool_size", Fields.wholes, 2, 1, 64), **_WINDOW}
_AXIS = {"axis": ("axis", Fields.whole, -4, 3)}
# By Keras's class. Of two of one kind, the first is the one that is built.
LAYERS = {
    "Conv2D": LayerKind(
        "convolution",
        {
            "filters": ("filters", Fields.whole, 1, 8192),
            "kernel": ("kernel_size", Fields.wholes, 2, 1, 64),
            **_WINDOW,
            "dilation": ("dilation_rate", Fields.wholes, 2, 1, 64),
            "groups": ("groups", Fields.whole, 1, 8192),
            **_WEIGHTS,
        },
        (1, 1),
    ),
    "BatchNormalization": LayerKind(
        "batch normalisation",
        {
            **_AXIS,
            **_TRAINABLE,
            "momentum": ("momentum", Fields.number),
            "epsilon": ("epsilon", Fields.number),
            "center": ("center", Fields.flag),
            "scale": ("scale", Fields.flag),
        },
    ),
    "Dense": LayerKind("dense", {"units": ("units", Fields.whole, 1, 100_000), **_WEIGHTS}, (1,)),
    "Activation": LayerKind(
        "activation", {"function": ("activation",)}, ("relu",), Fields.activation
    ),
    "ReLU": LayerKind("ReLU", read=Fields.relu),
    "Softmax": LayerKind("softmax", _AXIS),
    "Add": LayerKind("addition"),
    "Multiply": LayerKind("multiplication"),
    "Subtract": LayerKind("subtraction"),
    "Maximum": LayerKind("maximum"),
    "Concatenate": LayerKind("concatenation", _AXIS),
    "ZeroPadding2D": LayerKind("zero padding", {"padding": ("padding", Fields.pairs, 0, 256)}),
    "MaxPooling2D": LayerKind("max pooling", _POOLING, (2,)),
    "AveragePooling2D": LayerKind("average pooling", _POOLING, (2,)),
    "GlobalAveragePooling2D": LayerKind(
        "global average pooling", {"keepdims": ("keepdims", Fields.flag)}
    ),
    "Flatten": LayerKind("flatten"),
    "Reshape": LayerKind("flatten", example=((1,),), read=Fields.reshape),
    "Identity": LayerKind("identity", read=lambda fields: []),
    # With a rate above 0, Keras would make a random generator, and TensorFlow threads.
    "Dropout": LayerKind("dropout", {"rate": ("rate", Fields.number)}, (0,)),
}
# What `X + shortcut` and calls of keras.ops leave in a graph, by their classes. Where in
# Keras these classes are is its own affair.
_OPERATIONS = {
    "Relu": LayerKind("ReLU"),
    **{
        name: LAYERS[name]
        for name in ("Add", "Multiply", "Subtract", "Maximum", "Concatenate", "ReLU", "Softmax")
    },
}
_STAND_IN = "resnets_utils>StandIn"


@cache
def _defaults(layer_class: str) -> dict[str, Any]:
    """The settings of a layer that nobody set, as this Keras writes them."""
    layer = getattr(keras.layers, layer_class)(*LAYERS[layer_class].example)
    config = keras.saving.serialize_keras_object(layer)["config"]
    parsed: dict[str, Any] = json.loads(json.dumps(config))
    return parsed


def chosen_name(name: str, class_name: object) -> bool:
    """Whether a person chose a layer's name: Keras uses the class's name and a number."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(class_name))
    return not re.fullmatch(rf"{re.escape(words.lower())}(_\d+)?", name)


def layer_steps(layer: dict[str, Any], name: str) -> tuple[Steps, tuple[str, ...]]:
    """The steps of one layer of the JSON, and its settings that differ from the defaults."""
    config = mapping(layer.get("config"), f"the config of layer {name!r}")
    module, class_name = layer.get("module"), layer.get("class_name")
    if module == "keras.layers" and class_name in LAYERS:
        fields = Fields(config, _defaults(class_name), name)
        return LAYERS[class_name].steps(fields), fields.rest()
    if str(module).startswith("keras.src.") and class_name in _OPERATIONS:
        fields = Fields(config, {}, name)
        return _OPERATIONS[class_name].steps(fields), fields.rest()
    if layer.get("registered_name") == _STAND_IN:
        return [(CLOSED_BLOCK, Fields(config, {}, name).closed_block())], ()
    if class_name in {"Functional", "Sequential"}:
        raise GraphRefused(
            f"{name!r} is a model inside the model; call the layers one by one instead"
        )
    known = class_name in LAYERS  # a student's own class of that name
    why = " that is not Keras's own" if known else ", which this exercise does not use"
    raise GraphRefused(
        f"{name!r} is a {short(class_name)}{why}; use the layers that the exercise names"
    )
