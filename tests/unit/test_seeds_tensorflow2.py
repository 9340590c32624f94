"""The third edition's figures, on today's TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from coursekit.course.assignment import Assignment, assignments, read_notebook
from coursekit.course.hidden_tests import blocks_text
from coursekit.course.solution import solution_names, solution_pieces
from resnets_utils import tensorflow2
from resnets_utils.border.call import Call
from resnets_utils.checks.graph_comparison import open_blocks
from resnets_utils.checks.reference import Solution
from resnets_utils.checks.reference_graphs import ReferenceGraphs
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.tensorflow1 import glorot_limit

FIGURES = Path(__file__).parent.parent / "figures"
PUBLISHED: dict[str, Any] = json.loads((FIGURES / "expected-v3.json").read_text())
X = np.concatenate([number * np.ones((1, 4, 4, 3)) for number in (-1, 1, 3)]).astype(np.float32)


def third_edition() -> Assignment:
    [v3] = [found for found in assignments(FIGURES.parents[1]) if found.name.endswith("v3")]
    return v3


@pytest.fixture(scope="module")
def solution() -> dict[str, Any]:
    """The names that v3's solution defines."""
    return solution_names(third_edition())


def constant_one(seed: int = 0) -> Any:
    return tensorflow2.constant(value=1)


@pytest.mark.parametrize(
    ("name", "f", "filters", "training", "relative"),
    [
        # Printed with eight digits: half a digit of 578 is 1e-7 of it.
        ("identity_block_inference_f2_filters443", 2, [4, 4, 3], False, 3e-7),
        # Printed with five digits after the point.
        ("identity_block_training_f2_filters333", 2, [3, 3, 3], True, 1.3e-5),
        ("identity_block_training_f3_filters333", 3, [3, 3, 3], True, 1e-6),
    ],
)
def test_the_identity_block_prints_the_published_figures(
    solution: dict[str, Any],
    name: str,
    f: int,
    filters: list[int],
    training: bool,
    relative: float,
) -> None:
    block = solution["identity_block"]
    output = np.asarray(block(X, f, filters, training=training, initializer=constant_one))
    rows: NDArray[np.float32] = output[:, (0, -1)].mean(axis=3)
    np.testing.assert_allclose(rows, PUBLISHED[name], rtol=relative, atol=1e-7)


@pytest.mark.parametrize(("name", "training"), [("inference", False), ("training", True)])
def test_the_convolutional_block_prints_the_published_figures(
    solution: dict[str, Any], name: str, training: bool
) -> None:
    output = solution["convolutional_block"](X, f=2, filters=[2, 4, 6], training=training)
    wanted = PUBLISHED[f"convolutional_block_{name}"]
    # Measured 7.8e-7 apart.
    np.testing.assert_allclose(output, wanted, rtol=0, atol=2e-6)


def test_the_network_has_the_published_size_and_is_the_exercise(solution: dict[str, Any]) -> None:
    model = solution["ResNet50"]()
    assert len(model.layers) == PUBLISHED["resnet50"]["layers"]
    assert model.count_params() == PUBLISHED["resnet50"]["total_params"]
    graph = read_graph(model.to_json())
    source = third_edition().source
    pieces = solution_pieces(read_notebook(source).cells)
    exercise = ReferenceGraphs(Solution(pieces, blocks_text(source.parent)))
    closed = exercise.graph(Call("ResNet50", {}))
    assert closed.closed
    wanted = open_blocks(closed, exercise.opened)

    def everything(node: Any) -> tuple[object, ...]:
        return tuple(sorted(node.settings.items()))

    assert graph.signature(everything) == wanted.signature(everything)


@pytest.mark.parametrize("initializer", [tensorflow2.glorot_uniform, tensorflow2.random_uniform])
def test_draws_fill_their_range_and_repeat_for_a_seed(initializer: Any) -> None:
    shape = (3, 3, 64, 64)
    limit = 0.05 if initializer is tensorflow2.random_uniform else glorot_limit(shape)
    one, again, other = (np.asarray(initializer(seed=seed)(shape)) for seed in (3, 3, 4))
    assert (one == again).all() and not np.isclose(one, other).all()
    assert 0.99 * limit < abs(one).max() <= limit and abs(one.mean()) < 0.02 * limit
    fresh = initializer()
    assert not np.isclose(np.asarray(fresh(shape)), np.asarray(fresh(shape))).all()


@pytest.mark.parametrize("name", ["glorot_uniform", "random_uniform"])
def test_they_survive_saving_and_refuse_a_bad_seed(name: str) -> None:
    initializer = getattr(tensorflow2, name)
    saved = keras.saving.serialize_keras_object(initializer(seed=4))
    loaded = keras.saving.deserialize_keras_object(saved)
    assert type(loaded) is initializer and loaded.get_config() == {"seed": 4}
    with pytest.raises(ValueError, match=f"{name} takes seed=None or a whole number"):
        initializer(seed=-1)
