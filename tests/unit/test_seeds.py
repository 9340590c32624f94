from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.hidden_tests import blocks_text
from coursekit.course.solution import solution_names, solution_pieces
from resnets_utils import glorot_uniform
from resnets_utils.border.call import Call
from resnets_utils.checks.graph_comparison import open_blocks
from resnets_utils.checks.reference import Solution
from resnets_utils.checks.reference_graphs import ReferenceGraphs
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.rebuilding import build
from resnets_utils.tensorflow1 import glorot_limit

FIGURES = Path(__file__).parent.parent / "figures"
PUBLISHED: dict[str, Any] = json.loads((FIGURES / "expected-v2a.json").read_text())
ROWS = json.loads((FIGURES / "layers-v2a.json").read_text())


@pytest.fixture(scope="module")
def solution(assignment: Assignment) -> dict[str, Any]:
    """The names that the solution's own cells define."""
    return solution_names(assignment)


@pytest.mark.parametrize("function", ["identity_block", "convolutional_block"])
def test_the_solution_prints_the_published_figures(solution: dict[str, Any], function: str) -> None:
    np.random.seed(1)
    X = np.random.randn(3, 4, 4, 6).astype(np.float32)
    output = np.asarray(solution[function](X, f=2, filters=[2, 4, 6], stage=1, block="a"))
    # 1.2e-7 is the spread that was measured between platforms.
    np.testing.assert_allclose(output[1][1][0], PUBLISHED[function], rtol=0, atol=1e-6)


def test_the_network_has_all_177_published_layers(solution: dict[str, Any]) -> None:
    model = solution["ResNet50"]()
    rows = []
    for layer in model.layers:
        shape = layer.output.shape
        rows.append((type(layer).__name__, list(shape), layer.count_params(), layer.name))
    assert len(rows) == len(ROWS) == PUBLISHED["resnet50"]["layers"]
    for (kind, shape, parameters, name), wanted in zip(rows, ROWS, strict=True):
        assert (kind, shape, parameters) == (
            wanted["type"],
            wanted["output_shape"],
            wanted["params"],
        ), name
        assert wanted["name"] in (None, name)


def test_the_network_counts_the_published_parameters(solution: dict[str, Any]) -> None:
    model = solution["ResNet50"]()
    assert model.count_params() == PUBLISHED["resnet50"]["total_params"]
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == PUBLISHED["resnet50"]["trainable_params"]


def test_graph_shapes_and_counts_agree_with_keras(solution: dict[str, Any]) -> None:
    model = solution["ResNet50"](input_shape=(70, 90, 3), classes=4)
    graph = read_graph(model.to_json())
    by_name = {node.layer: at for at, node in enumerate(graph.nodes) if node.kind != "softmax"}
    for layer in model.layers:
        at = by_name[layer.name]
        assert graph.shapes[at] == layer.output.shape
        assert graph.node_parameters(at) == layer.count_params()


def test_the_exercise_as_a_graph_is_the_solution(
    solution: dict[str, Any], assignment: Assignment
) -> None:
    model = solution["ResNet50"]()
    notebook = read_notebook(assignment.source)
    blocks = blocks_text(assignment.source.parent)
    exercise = ReferenceGraphs(Solution(solution_pieces(notebook.cells), blocks))
    closed = exercise.graph(Call("ResNet50", {}))
    assert closed.closed
    graph, wanted = read_graph(model.to_json()), open_blocks(closed, exercise.opened)

    def everything(node: Any) -> tuple[object, ...]:
        name = node.layer if "branch" in node.layer else ""
        return (*sorted(node.settings.items()), name)

    assert graph.signature(everything) == wanted.signature(everything)


def test_draws_repeat_for_a_seed_and_differ_between_seeds() -> None:
    shape = (3, 3, 4, 5)
    one, again = (np.asarray(glorot_uniform(seed=0)(shape)) for _ in range(2))
    other = np.asarray(glorot_uniform(seed=1)(shape))
    assert (one == again).all()
    assert not np.isclose(one, other).any()


def test_draws_fill_glorots_range() -> None:
    shape = (3, 3, 64, 64)
    drawn = np.asarray(glorot_uniform(seed=3)(shape))
    limit = (6 / (9 * 64 + 9 * 64)) ** 0.5
    assert glorot_limit(shape) == pytest.approx(limit)
    assert 0.99 * limit < abs(drawn).max() <= limit
    assert abs(drawn.mean()) < 0.02 * limit


def test_without_a_seed_each_draw_is_new() -> None:
    start = glorot_uniform()
    assert not np.isclose(np.asarray(start((4, 4))), np.asarray(start((4, 4)))).all()


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True])
def test_a_bad_seed_is_refused_in_words(seed: Any) -> None:
    with pytest.raises(ValueError, match="whole number of 0 or above"):
        glorot_uniform(seed=seed)


def test_the_initializer_survives_saving() -> None:
    saved = keras.saving.serialize_keras_object(glorot_uniform(seed=4))
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.get_config() == {"seed": 4}


def test_a_rebuilt_graph_computes_what_the_model_computes(solution: dict[str, Any]) -> None:
    entrance = keras.Input((6, 7, 5))
    result = solution["convolutional_block"](entrance, 3, [4, 3, 6], 2, "a")
    model = keras.Model(entrance, result)
    X = np.random.default_rng(0).standard_normal((2, 6, 7, 5)).astype(np.float32)
    rebuilt = build(read_graph(model.to_json()))
    np.testing.assert_allclose(rebuilt(X), model(X), rtol=0, atol=1e-6)
