"""Where today's Keras keeps what older notebooks import: modules moved, meanings did not."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Mapping
from functools import cache

# Other ways to say "keras", the longest first.
_KERAS = re.compile(
    r"^(?:tensorflow\.compat\.v[12]\.keras|tensorflow\.contrib\.keras(?:\.(?:api|python)\.keras)?"
    r"|tensorflow\.python\.keras|tensorflow\.keras)(?=\.|$)"
)
# Modules that once held layers and are now keras.layers.
_LAYER_MODULES = re.compile(
    r"^keras\.layers\.(?:merge|core|convolutional|convolutional_recurrent|normalization|pooling"
    r"|advanced_activations|recurrent|embeddings|noise|wrappers|local|regularization|activation"
    r"|experimental\.preprocessing|normalization\.batch_normalization)(?=\.|$)"
)
_UTILITY_MODULES = re.compile(
    r"^keras\.utils\.(?:vis_utils|data_utils|np_utils|generic_utils|all_utils)(?=\.|$)"
)
_ENGINE = re.compile(r"^keras\.engine\.(?:\w+\.)?(\w+)$")
_ENGINE_NAMES = {
    "Model": "keras.models.Model",
    "Sequential": "keras.models.Sequential",
    "Input": "keras.layers.Input",
    "InputLayer": "keras.layers.InputLayer",
    "InputSpec": "keras.layers.InputSpec",
    "Layer": "keras.layers.Layer",
}
# Two names of the same thing: the rewrites use the second.
_SAME = {
    "keras.Model": "keras.models.Model",
    "keras.Input": "keras.layers.Input",
    "keras.layers.AvgPool2D": "keras.layers.AveragePooling2D",
    "keras.layers.Convolution2D": "keras.layers.Conv2D",
    "tensorflow.math.add": "tensorflow.add",
    "tensorflow.math.add_n": "tensorflow.add_n",
    "tensorflow.glorot_uniform_initializer": "keras.initializers.glorot_uniform",
    "tensorflow.random_uniform_initializer": "keras.initializers.random_uniform",
    "tensorflow.constant_initializer": "keras.initializers.constant",
}
# The exercise's initializers by each of their names.
_INITIALIZER = re.compile(
    r"^(?:keras\.initializers|tensorflow\.initializers|resnets_utils(?:\.\w+)?)"
    r"(?:\.initializers_v[12]|\.initializers)?"
    r"\.(glorot_uniform|GlorotUniform|random_uniform|RandomUniform|constant|Constant)$"
)


def todays_home(full_name: str) -> str:
    """Return the full name of something in today's Keras; unchanged if it did not move.

    Returns:
        The name, or "" if it no longer exists.

    """
    name = _KERAS.sub("keras", full_name)
    if name.startswith("tensorflow.contrib"):
        return ""
    engine = _ENGINE.match(name)
    if engine:
        return _ENGINE_NAMES.get(engine[1], "")
    if name == "keras.engine" or name.startswith("keras.engine."):
        return ""
    name = _UTILITY_MODULES.sub("keras.utils", name)
    return _LAYER_MODULES.sub("keras.layers", name)


def has_moved(full_name: str) -> bool:
    """Return whether a name no longer works as it is spelled."""
    home = todays_home(full_name)
    if full_name.startswith(("tensorflow.python.keras", "tensorflow.contrib")):
        return True
    return home != _KERAS.sub("keras", full_name)


def meaning(full_name: str) -> str:
    """Return one name for a thing, however it is spelled, such as ``keras.layers.Conv2D``.

    The exercise's initializers are called ``initializer:glorot_uniform`` and so on.
    """
    name = todays_home(full_name) or full_name
    name = _SAME.get(name, name)
    found = _INITIALIZER.match(name)
    return "initializer:" + re.sub(r"\B[A-Z]", r"_\g<0>", found[1]).lower() if found else name


class Names:
    """What the names in a text stand for.

    Args:
        full_names: full names by the name in the text.

    """

    def __init__(self, full_names: Mapping[str, str]) -> None:
        self.full_names = dict(full_names)

    def full_name(self, node: ast.expr) -> str:
        """Return the full name of an expression such as ``tf.keras.layers.Add``; "" if unknown."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.full_names:
            return ""
        return ".".join([self.full_names[node.id], *reversed(parts)])

    def meaning(self, node: ast.expr) -> str:
        """Return what an expression stands for, as `meaning` names it; "" if that is unknown."""
        full_name = self.full_name(node)
        return meaning(full_name) if full_name else ""


@cache
def is_there(full_name: str) -> bool:
    """Return whether a full name exists today.

    For Keras, TensorFlow and NumPy the module is imported. Of any other package only the
    root is looked for, and its names are taken for granted.
    """
    root = full_name.split(".", 1)[0]
    if root not in {"keras", "tensorflow", "numpy"}:
        try:
            return importlib.util.find_spec(root) is not None
        except (ImportError, ValueError):
            return False
    parts = full_name.split(".")
    try:
        found = importlib.import_module(root)
    except Exception:
        return True  # not installed here, so unknown
    for count, part in enumerate(parts[1:], 2):
        if hasattr(found, part):
            found = getattr(found, part)
            continue
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except Exception:
            return False
    return True
