"""A trained ResNet-50: the file of its weights, and loading them into a model.

Kernels are stored as whole multiples of a step, a fraction of the spread in each
output channel. The HDF5 file is compressed with xz to a sixth of its size as float32.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.graphs.graph import WEIGHTED, Graph, Node
from resnets_utils.graphs.graph_differences import first_difference
from resnets_utils.graphs.graph_json import graph_of_text
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.hinted_errors import StudentError

FOLDER = Path(__file__).parent / "trained_model"
WEIGHTS, RECORD = "signs-resnet50.h5.xz", "signs-resnet50.json"
# The network of these weights, as `graph_json` writes it.
NETWORK = "signs-resnet50.graph.json"

# Steps in one standard deviation of a channel's weights. Rounding then adds an
# error of 1 / (sqrt(12) * 6), 5 % of that deviation.
STEPS_PER_DEVIATION = 6
_STEP = "_step"
# Suited to numbers instead of text: a byte does not predict the next, and there are no
# long repeats.
_PACKING = {
    "id": lzma.FILTER_LZMA2,
    "preset": 9,
    **{"lc": 0, "lp": 0, "pb": 0},
    **{"mf": lzma.MF_HC4, "nice_len": 8},
}
_AGAIN = "copy the folder resnets_utils from the course's release again"

Weights = NDArray[np.float32]


def load_pretrained(
    model: keras.Model, folder: Path = FOLDER, *, by_name: bool = True
) -> dict[str, Any]:
    """Put the trained weights into your own network, layer by layer.

    Nothing is changed unless everything fits.

    Args:
        model: the result of your function that builds the network, with
            ``input_shape=(64, 64, 3)`` and ``classes=6``.
        folder: the folder of the weights and their record.
        by_name: find each layer by its name; otherwise by its place in the
            network, for a version of the exercise that names no layer.

    Returns:
        the record of the training: seed, digests, versions, curves, accuracy.

    Raises:
        StudentError: if the file is damaged, or names or shapes do not fit.

    """
    record = read_record(folder)
    stored = read_weights(folder / WEIGHTS, record["sha256"])
    own = _variables(model) if by_name else _variables_by_place(model, read_network(folder))
    _refuse_other_names(own, stored)
    for name, weight in own.items():
        if tuple(weight.shape) != stored[name].shape:
            layer, variable = name.split("/")
            raise StudentError(
                f"the layer {layer} has a {variable} of shape {tuple(weight.shape)}, "
                f"and the trained one is {stored[name].shape}",
                "run the checks of your network above: they name the first layer that differs",
            )
    for name, weight in own.items():
        weight.assign(stored[name])
    return record


def read_record(folder: Path = FOLDER) -> dict[str, Any]:
    """Return the trained model's record: seed, digests, versions, curves, accuracy.

    Raises:
        StudentError: if the record is missing or cannot be read.

    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if not isinstance(record["sha256"], str):
            raise TypeError("sha256 is not text")
    except FileNotFoundError:
        raise StudentError(
            f"the trained model's record {folder / RECORD} is missing", _AGAIN
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudentError(f"{folder / RECORD} cannot be read: {error}", _AGAIN) from None
    return record


def read_network(folder: Path = FOLDER) -> Graph:
    """Return the graph of the network that was trained.

    Raises:
        StudentError: if the file is missing or damaged.

    """
    try:
        return graph_of_text((folder / NETWORK).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudentError(f"{folder / NETWORK} cannot be read: {error}", _AGAIN) from None


def read_weights(path: Path, digest: str) -> dict[str, Weights]:
    """Return the weights of a file by "layer/variable", as float32.

    Raises:
        StudentError: if the file is missing or its SHA-256 is not ``digest``.

    """
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        raise StudentError(f"the trained weights {path} are missing", _AGAIN) from None
    except OSError as error:
        raise StudentError(
            f"the trained weights {path} cannot be read: {error.strerror}", _AGAIN
        ) from None
    found = hashlib.sha256(packed).hexdigest()
    if found != digest:
        raise StudentError(
            f"the trained weights {path} are damaged: their SHA-256 begins with {found[:12]}, "
            f"not with {digest[:12]}",
            _AGAIN,
        )
    weights: dict[str, Weights] = {}
    with h5py.File(io.BytesIO(lzma.decompress(packed)), "r") as file:
        for layer, variables in file.items():
            for variable, values in variables.items():
                if variable.endswith(_STEP):
                    continue
                plain = values[...].astype(np.float32)
                if variable + _STEP in variables:
                    plain *= variables[variable + _STEP][...]
                weights[f"{layer}/{variable}"] = plain
    return weights


def write_weights(model: keras.Model, path: Path) -> str:
    """Write a model's weights in the form that `read_weights` reads; return the file's SHA-256."""
    plain = io.BytesIO()
    with h5py.File(plain, "w", track_order=True) as file:
        for name, variable in _variables(model).items():
            values = np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
            if values.ndim == 1:
                file[name] = values
                continue
            deviation = values.std(axis=tuple(range(values.ndim - 1)))
            step = np.maximum(deviation / STEPS_PER_DEVIATION, 1e-12).astype(np.float32)
            # A step grows where the largest weight would not fit into 127 of them.
            step = np.maximum(step, np.abs(values).reshape(-1, values.shape[-1]).max(axis=0) / 127)
            file[name] = np.round(values / step).astype(np.int8)
            file[name + _STEP] = step.astype(np.float32)
    path.write_bytes(lzma.compress(plain.getvalue(), filters=[_PACKING]))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _variables(model: keras.Model, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a model's variables by "layer/variable", with its layers called by other names."""
    return {
        f"{names[layer.name] if names else layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.weights
    }


def _variables_by_place(model: keras.Model, trained: Graph) -> dict[str, Any]:
    """Return a model's variables under the names of the trained network's layers in their place.

    Raises:
        StudentError: if the model is not the exercise's, so that places do not match.

    """
    hint = (
        "build the model with input_shape=(64, 64, 3) and classes=6, "
        "and run the checks of your network above"
    )
    try:
        answer = read_graph(model.to_json())
    except GraphRefused as error:
        raise StudentError(f"this network is not the exercise's: {error}", hint) from None
    if answer.signature(_structure) != trained.signature(_structure):
        settings = ("filters", "kernel", "strides", "padding", "bias", "window", "units")
        found = first_difference(answer, trained, settings=settings, network=True)
        raise StudentError(
            "the trained weights are loaded by each layer's place in the network, and yours is "
            f"not the exercise's: {found or 'its layers differ'}",
            hint,
        )
    places = zip(answer.of_kind(*sorted(WEIGHTED)), trained.of_kind(*sorted(WEIGHTED)), strict=True)
    return _variables(model, {mine.layer: theirs.layer for mine, theirs in places})


def _structure(node: Node) -> tuple[object, ...] | None:
    """The settings that decide which weights a node takes: not how it starts, runs and learns."""
    aside = {"initializer", "bias initializer", "training", "trainable"}
    return tuple(sorted((k, v) for k, v in node.settings.items() if k not in aside))


def _refuse_other_names(own: dict[str, Any], stored: dict[str, Weights]) -> None:
    """Raise if the model lacks a layer of the file, or has one that the file does not know."""
    own_layers = list(dict.fromkeys(name.split("/")[0] for name in own))
    stored_layers = list(dict.fromkeys(name.split("/")[0] for name in stored))
    lacking = [layer for layer in stored_layers if layer not in own_layers]
    unknown = [layer for layer in own_layers if layer not in stored_layers]
    if lacking or unknown:
        said = []
        if lacking:
            said.append(f"has no layer named {_some(lacking)}")
        if unknown:
            said.append(f"has layers that the trained one does not: {_some(unknown)}")
        raise StudentError(
            f"the trained weights are loaded by layer name, and your model {' and '.join(said)}",
            "compare the names with the tables above; "
            "build the model with input_shape=(64, 64, 3) and classes=6: the last layer's name "
            "depends on the number of classes",
        )
    different = [name for name in stored if name not in own] + [n for n in own if n not in stored]
    if different:
        raise StudentError(
            f"the trained weights have other variables than your model: {_some(different)}",
            "keep the defaults of use_bias, scale and center in your layers",
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
