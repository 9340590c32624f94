"""Right and wrong replies to two small test cells, and what a forger may change in them."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import keras

from coursekit.course.test_cells import PLACEHOLDER, compose
from resnets_utils.answering import answer
from resnets_utils.border.call import GRAPH, Call
from resnets_utils.graphs.keras_layers import LAYERS

Json = Any

# What draws a network: one input, one of each kind of step that may be wrong.
NETWORK = """
import keras
from keras import layers
from resnets_utils import glorot_uniform

def f(X, filters):
    Y = layers.Conv2D(
        filters, 3, padding="same", name="conv", kernel_initializer=glorot_uniform(seed=0))(X)
    Y = layers.BatchNormalization(axis=3)(Y)
    Y = layers.ReLU()(layers.Add()([Y, X]))
    Y = layers.MaxPooling2D(2)(Y)
    Y = layers.Flatten()(Y)
    return layers.Dense(3, activation="softmax", kernel_initializer=glorot_uniform(seed=0))(Y)
"""
NETWORK_TEST = """from resnets_utils import Checks
import numpy as np
checks = Checks("f")
with checks("shape", points=1):
    checks.trace((4, 4, 2), filters=2).has_output_shape()
with checks("convolutions", points=1):
    checks.trace((4, 4, 2), filters=2).has_convolutions()
with checks("connections", points=1):
    checks.trace((4, 4, 2), filters=2).has_connections()
with checks("normalisation", points=1):
    checks.trace((4, 4, 2), filters=2).has_normalisation()
with checks("weights", points=1):
    checks.trace((4, 4, 2), filters=2).has_initial_weights()
with checks("parameters", points=1):
    checks.trace((4, 4, 2), filters=2).has_parameters()
with checks("classifier", points=1):
    checks.trace((4, 4, 2), filters=2).has_pooling_and_classifier()
with checks("behaviour", points=1):
    checks.trace((4, 4, 2), filters=2).behaves()
with checks("values", points=1):
    checks.trace((4, 4, 2), filters=2).has_values(
        np.ones((1, 4, 4, 2)), (0,), [0.032062035, 0.36723524, 0.60070276], 1e-4)
checks.report()"""

# What returns values: every kind of plain data.
VALUE = """
import numpy as np

def f(x):
    if x < 0:
        raise ValueError("a negative number")
    return {
        "numbers": [1, -2.5, 3e300, 2**70, 1 + 2j],
        "none": None, "true": True, "text": "naïve ☃", ("a", 1): (0.5, "nan"),
        "whole": np.arange(6).reshape(2, 3), "parts": np.linspace(0, 1, 4, dtype="float32"),
        "texts": np.array(["a", "bc"]), "truths": np.array([True, False]),
    }
"""
VALUE_TEST = """from resnets_utils import Checks
checks = Checks("f")
with checks("exactly", points=1):
    checks.call(x=1).equals()
with checks("nearly", points=1):
    checks.call(x=1).equals(tolerance=1e-5)
with checks("by hand", points=1):
    value = checks.call(x=1).value
    assert sum(value["whole"][1]) == 12 and value["numbers"][2] > 1e299
with checks("shape", points=1):
    checks.call(x=1).has_shape()
with checks("dtype", points=1):
    checks.call(x=1).has_dtype()
with checks("error", points=1):
    checks.call(x=-1).raises(ValueError)
checks.report()"""

TESTS = {"graph": (NETWORK, NETWORK_TEST), "value": (VALUE, VALUE_TEST)}
# All checks of networks are hidden, because only these try networks on pictures.
CELLS = {
    "graph": compose(PLACEHOLDER, NETWORK_TEST, [("f", NETWORK)]),
    "value": compose(VALUE_TEST, None, [("f", VALUE)]),
}


def right_reply(asks: str, *, sample: int | None = None, change: tuple[str, str] = ("", "")) -> Any:
    """The reply of the solution, or of the solution with something else in it."""
    text = TESTS[asks][0]
    assert change[0] in text
    names: dict[str, Any] = {}
    exec(text.replace(*change) if change[0] else text, names)
    given = {"filters": ["int", 2]} if asks == GRAPH else {"x": ["int", 1]}
    shape = (4, 4, 2) if asks == GRAPH else None
    return answer(Call("f", given, shape, asks, sample=sample), names)


# What a forger may write in the place of anything.
ODD: list[Json] = [
    None, True, False, 0, 1, -1, 2, 3, 7, 64, 65, 4096, 10**9, 2**63, 10**400, -(10**30),
    0.0, -0.0, 0.5, 1e-300, 1e308, float("inf"), float("nan"),
    "", "same", "valid", "relu", "softmax", "tanh", "float64", "channels_first", "f", "ReLU",
    "\ud800", "\0", "é" * 50, "n" * 5_000, "9" * 5_000, "<b>&", "__class__",
    [], [[]], [0, 0], [1, 1], [2, 2], [5, 5], [-1, 1], [1, 2, 3], [None, 4, 4, 2], [[1, 1], [2, 0]],
    [[[[[[1]]]]]], {}, {"a": {}}, {"class_name": []}, {"class_name": "__keras_tensor__"},
]  # fmt: skip


def places(value: Json, key: Json = None) -> list[tuple[Any, Any]]:
    """Every container in a JSON value, with each of its keys."""
    found: list[tuple[Any, Any]] = []
    for at in value if isinstance(value, dict) else range(len(value)):
        found.append((value, at))
        if isinstance(value[at], dict | list):
            found += places(value[at])
    return found


def damage(data: Json, chance: random.Random) -> None:
    """Change one place of JSON data, whatever it describes."""
    found = places(data)
    if not found:
        return
    holder, key = chance.choice(found)
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        case 2 if isinstance(holder, list):
            chance.shuffle(holder)
        case 3:
            other, at = chance.choice(found)
            holder[key] = copy.deepcopy(other[at])
        case 4 if isinstance(holder[key], int | float):
            holder[key] = holder[key] * chance.choice([-1, 0, 2, 100, 1.0, 1e300])
        case _:
            holder[key] = copy.deepcopy(chance.choice(ODD))


def _layer(model: Json, chance: random.Random) -> Json:
    return chance.choice(model["config"]["layers"][1:])


def other_setting(model: Json, chance: random.Random) -> None:
    """Another value of the kind that a setting of a layer has, or an odd one."""
    config = _layer(model, chance)["config"]
    key = chance.choice(sorted(config))
    alike = [one for one in ODD if type(one) is type(config[key])]
    config[key] = copy.deepcopy(chance.choice(alike or ODD))


def new_setting(model: Json, chance: random.Random) -> None:
    """A setting that the layer has not, or one of another layer's."""
    settings = [key for one in model["config"]["layers"] for key in one["config"]]
    key = chance.choice([*settings, "groups", "dilation_rate", "axis", "seed", "rate", "é\ud800"])
    _layer(model, chance)["config"][key] = copy.deepcopy(chance.choice(ODD))


def other_class(model: Json, chance: random.Random) -> None:
    """Another layer of Keras's in the same place, with settings of its own."""
    layer = _layer(model, chance)
    name = chance.choice(sorted(LAYERS))
    made = getattr(keras.layers, name)(*LAYERS[name].example)
    layer.update(json.loads(json.dumps(keras.saving.serialize_keras_object(made))))
    layer["name"] = layer["config"]["name"] = chance.choice([layer["name"], "other", "other_1"])
    if "axis" in layer["config"]:
        layer["config"]["axis"] = chance.choice([0, 1, 2, 3, -1, -2, -4])
    if layer["inbound_nodes"] and chance.random() < 0.5:
        layer["inbound_nodes"] *= 2  # called twice


def one_more_layer(model: Json, chance: random.Random) -> None:
    """A layer between two others, of a kind that may not fit there."""
    all_layers = model["config"]["layers"]
    at = chance.randrange(1, len(all_layers))
    more = copy.deepcopy(all_layers[at])
    more["name"] = more["config"]["name"] = f"more_{chance.randrange(3)}"
    _histories(all_layers[at])[0][0] = more["name"]
    all_layers.insert(at, more)
    other_class({"config": {"layers": [None, more]}}, chance)
    more["name"] = more["config"]["name"] = "more"


def one_layer_less(model: Json, chance: random.Random) -> None:
    """A layer taken out, and its readers connected to what it read."""
    all_layers = model["config"]["layers"]
    gone = all_layers.pop(chance.randrange(1, len(all_layers)))
    source = _histories(gone)[0][0]
    for layer in all_layers[1:]:
        for history in _histories(layer):
            if history[0] == gone["name"]:
                history[0] = source


def other_wiring(model: Json, chance: random.Random) -> None:
    """A layer that reads from any other: a circle, a broadcast, a layer that is not there."""
    names = [layer["name"] for layer in model["config"]["layers"]]
    history = chance.choice(_histories(_layer(model, chance)))
    history[chance.choice([0, 0, 0, 1, 2])] = chance.choice([*names, *names, "nobody", 0, 1, -1])


def more_inputs_to_a_layer(model: Json, chance: random.Random) -> None:
    """A layer that reads several tensors, or a number, a text or a mode."""
    call = chance.choice(_layer(model, chance)["inbound_nodes"])
    if chance.random() < 0.5:
        call["kwargs"][chance.choice(["training", "mask", "axis", "y"])] = chance.choice(ODD)
    else:
        call["args"].append(copy.deepcopy(chance.choice([*call["args"], 0, 0.0, 2, "x", []])))


def other_ends(model: Json, chance: random.Random) -> None:
    """Another input, output or input's shape; several of them, or none."""
    config = model["config"]
    end = chance.choice(["input_layers", "output_layers"])
    name = chance.choice(config["layers"])["name"]
    match chance.randrange(4):
        case 0:
            config[end] = [[name, 0, 0], config[end]]
        case 1:
            config[end] = chance.choice([[], [name, 0, 0], [name, 1, 0], [[name, 0, 0]], None])
        case 2:
            config["layers"].append(copy.deepcopy(config["layers"][0]))
        case _:
            sizes = [0, 1, 2, 4, 8, -1, 4096, None, 2.0]
            shape = [None, *chance.choices(sizes, k=chance.randrange(5))]
            config["layers"][0]["config"]["batch_shape"] = shape


def _histories(layer: Json) -> list[Any]:
    return [holder[key] for holder, key in places(layer["inbound_nodes"]) if key == "keras_history"]


# Each is tried on the JSON of a network.
CHANGES = [
    damage, other_setting, new_setting, other_class, one_more_layer, one_layer_less, other_wiring,
    more_inputs_to_a_layer, other_ends,
]  # fmt: skip


def other_text(text: str, chance: random.Random) -> str:
    """A text damaged by letters, not by what it means."""
    at = chance.randrange(len(text) + 1)
    match chance.randrange(6):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + chance.choice('{}[],:"\\é\ud800\0 9-.eE=') + text[at + 1 :]
        case 2:
            return text[:at] + text[at:][:40] * 3 + text[at:]
        case 3:
            return chance.choice(["[", '{"a":', '["list", [']) * 3_000 + text
        case 4:
            return text.replace(
                chance.choice(["0", "1", "2"]), chance.choice(["9" * 5_000, "1e999"]), 1
            )
        case _:
            return chance.choice(
                ["", "null", "NaN", "[]", "{}", '""', "0", "-", "\ufeff", "é" * 10]
            )


def other_field(reply: Json, chance: random.Random) -> Any:
    """A reply with a field too many, too few or of another type; or no reply."""
    reply = dict(reply)
    keys = ["status", "graph", "value", "values", "reason", "lines", "classes", "outcome"]
    key = chance.choice(keys)
    texts = ["", "graph", "value", "raised", "placeholder", "undefined", "drawn", "passed", "[1]"]
    texts += ["é" * 9_000, "\x1b[2J\u202e\ud800", "ValueError Exception", '["int", 1]']
    match chance.randrange(4):
        case 0:
            reply.pop(key, None)
        case 1:
            reply[key] = copy.deepcopy(chance.choice(ODD))
        case 2:
            reply[key] = chance.choice(texts)
        case _:
            reply["status"] = chance.choice(texts)
            reply[key] = chance.choice(texts)
    return chance.choice([reply, reply, reply, reply, [reply], None, "reply", {}, 7])
