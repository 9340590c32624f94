"""``python -m studio pretrain``: make the shipped weights, or check their record."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from coursekit.course.assignment import Assignment, find_assignment, read_notebook
from coursekit.course.hidden_tests import blocks_text
from coursekit.course.solution import solution_pieces
from coursekit.errors import GateError
from resnets_utils.border.call import Call, as_arguments
from resnets_utils.checks.graph_comparison import open_blocks
from resnets_utils.checks.reference import Solution
from resnets_utils.checks.reference_graphs import ReferenceGraphs
from resnets_utils.graphs.graph_json import text_of_graph
from resnets_utils.hands.drawing.generator import TEST_EACH, TEST_SEED, draw_pictures, mixed_labels
from resnets_utils.hands.drawing.variety import WIDE
from resnets_utils.hands.trained_model import (
    FOLDER,
    NETWORK,
    RECORD,
    WEIGHTS,
    load_pretrained,
    read_record,
    write_weights,
)
from studio.pretraining.drawn_data import training_pictures
from studio.pretraining.epochs import Curves, Recipe, accuracy, train
from studio.pretraining.trained_network import BUILDER, solution_model

# The assignment whose solution is trained; its layers have names.
TRAINED = "residual-networks-v2a"
# Hands as unlike as those of the training, which no training has seen.
WIDE_SEED, WIDE_COUNT = 998, 300


def pretrain(course: Path, console: Console, recipe: Recipe | None = None) -> None:
    """Train on generated pictures and write weights and record into the student library.

    Takes less than two hours on two cores.
    """
    recipe = recipe or Recipe()
    folder = course / "build" / "pretraining"
    keras.utils.set_random_seed(recipe.seed)
    pictures, labels = training_pictures(recipe.pictures, folder)
    model = solution_model(_assignment(course))
    curves = train(model, pictures, labels, recipe, folder)
    ship(model, Training(recipe, curves, _digest(pictures), _versions()))
    ship_network(_assignment(course))
    show(course, console)


@dataclass(frozen=True)
class Training:
    """How a model was trained: all that its record tells, but for what can be measured again."""

    recipe: Recipe
    curves: Curves
    pictures_sha256: str
    versions: dict[str, str]


def ship(model: keras.Model, training: Training) -> dict[str, Any]:
    """Write a trained model's weights and their record; return the record."""
    FOLDER.mkdir(exist_ok=True)
    test = _test_set()
    record: dict[str, Any] = {
        "sha256": write_weights(model, FOLDER / WEIGHTS),
        "recipe": asdict(training.recipe),
        "curves": asdict(training.curves),
        "training_pictures_sha256": training.pictures_sha256,
        "test_pictures_sha256": _digest(test[0]),
        "versions": training.versions,
        "test_accuracy": None,
        "wide_accuracy": None,
    }
    _write(record)
    load_pretrained(model)
    record["test_accuracy"] = round(accuracy(model, *test), 4)
    record["wide_accuracy"] = round(accuracy(model, *_wide_set()), 4)
    _write(record)
    return record


def _digest(pictures: NDArray[np.uint8]) -> str:
    return hashlib.sha256(pictures.tobytes()).hexdigest()


def _versions() -> dict[str, str]:
    backend = keras.config.backend()
    names = ("keras", backend, "numpy")
    return {
        "python": platform.python_version(),
        "backend": backend,
        **{name: importlib.metadata.version(name) for name in names},
    }


def ship_network(assignment: Assignment) -> None:
    """Write the graph of the trained network, with the functions of its blocks."""
    notebook = read_notebook(assignment.source)
    folder = assignment.source.parent
    graphs = ReferenceGraphs(Solution(solution_pieces(notebook.cells), blocks_text(folder)))
    size = as_arguments({"input_shape": (64, 64, 3), "classes": 6})
    network = open_blocks(graphs.graph(Call(BUILDER, size)), graphs.opened)
    (FOLDER / NETWORK).write_text(text_of_graph(network) + "\n", encoding="utf-8")


def show(course: Path, console: Console) -> None:
    """Load the shipped weights into the solution's model and measure its accuracy again.

    Raises:
        GateError: if the accuracy is not the recorded one.

    """
    record = read_record()
    model = solution_model(_assignment(course))
    load_pretrained(model)
    test = _test_set()
    measured = {
        ("test_accuracy", "the data set's test pictures"): test,
        ("wide_accuracy", "hands of the wide variety"): _wide_set(),
    }
    found = {name: accuracy(model, *shown) for name, shown in measured.items()}
    for (_, shown), share in found.items():
        console.print(f"accuracy on {shown}: {share:.4f}")
    same = _digest(test[0]) == record["test_pictures_sha256"]
    console.print(
        "the test pictures are "
        + ("byte for byte those of the record" if same else "not byte for byte those of the record")
    )
    for (key, shown), share in found.items():
        # Other processors may round differently, so one picture in a hundred may change.
        if abs(share - record[key]) > 0.0125:
            raise GateError(
                f"the accuracy on {shown} is {share:.4f}, but the record says {record[key]}",
                "train the model again: python -m studio pretrain",
            )


def _wide_set() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = np.arange(WIDE_COUNT) % 6
    return draw_pictures(labels, WIDE_SEED, variety=WIDE), labels


def _test_set() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = mixed_labels(TEST_EACH, TEST_SEED)
    return draw_pictures(labels, TEST_SEED), labels


def _assignment(course: Path) -> Assignment:
    return find_assignment(course, TRAINED)


def _write(record: dict[str, Any]) -> None:
    (FOLDER / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
