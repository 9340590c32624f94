"""A model is drawn layer by layer with graphviz, and block by block without it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import keras
import matplotlib.image
import pytest
from keras import layers

from coursekit.course.assignment import Assignment
from resnets_utils.experiments.model_drawing import show_model, summary_rows
from resnets_utils.hinted_errors import StudentError
from studio.pretraining.trained_network import solution_model


@pytest.fixture(scope="module")
def resnet50(assignment: Assignment) -> Any:
    """The model that the notebook's solution builds."""
    return solution_model(assignment)


@pytest.fixture
def small() -> Any:
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="only"), layers.Flatten()], name="small"
    )


@pytest.fixture
def dot() -> None:
    if shutil.which("dot") is None:
        pytest.skip(
            "this test draws with graphviz, whose program dot is not on PATH: install it "
            "(apt install graphviz, brew install graphviz or conda install graphviz)"
        )


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("dot")
def test_the_drawing_has_every_layer_with_its_shapes(resnet50: Any, tmp_path: Path) -> None:
    page = show_model(resnet50, tmp_path / "model.png")._repr_html_()
    for layer in resnet50.layers:
        assert f">{layer.name}<" in page, layer.name
    assert "(None, 70, 70, 3)" in page and "(None, 1, 1, 2048)" in page
    assert "overflow:auto" in page and "<!DOCTYPE" not in page
    assert str(id(resnet50.layers[0])) not in page, "addresses in memory mean nothing to a student"
    height, width = matplotlib.image.imread(tmp_path / "model.png").shape[:2]
    assert height > 10 * width > 1000


@pytest.mark.usefixtures("dot")
def test_a_short_run_draws_the_same_and_saves_a_small_file(
    resnet50: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    page = show_model(resnet50, tmp_path / "model.png")._repr_html_()
    assert "res5c_branch2c" in page
    assert matplotlib.image.imread(tmp_path / "model.png").shape[0] < 10_000


@pytest.mark.usefixtures("dot")
def test_a_name_that_cannot_be_written_is_told(small: Any, tmp_path: Path) -> None:
    with pytest.raises(StudentError) as told:
        show_model(small, tmp_path / "nowhere" / "model.png")
    assert "cannot be saved" in told.value.message and "folder" in told.value.hint


@pytest.mark.usefixtures("no_dot")
def test_without_graphviz_one_line_says_so_and_blocks_take_its_place(
    resnet50: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = show_model(resnet50, tmp_path / "model.png")
    said = capsys.readouterr().out
    assert said.startswith("hint:") and said.count("\n") == 1
    assert all(f"{tool} install graphviz" in said for tool in ("apt", "brew", "conda"))
    assert not (tmp_path / "model.png").exists()
    blocks = ["2a", "2b", "2c", "3a", "3b", "3c", "3d"]
    blocks += ["4a", "4b", "4c", "4d", "4e", "4f", "5a", "5b", "5c"]
    for text in (repr(shown), shown._repr_html_()):
        assert all(text.count(f"block {block}") == 1 for block in blocks)
        assert text.count("convolutional block") == 4 and text.count("identity block") == 12
        for name in ("conv1", "avg_pool", "fc6", "177 layers", "23,600,006", "4 x 4 x 1024"):
            assert name in text
    assert len(repr(shown).splitlines()) == 1 + 16 + 9


@pytest.mark.usefixtures("no_dot")
def test_a_block_tells_its_path_and_its_shortcut(resnet50: Any) -> None:
    rows = {row.name: row for row in summary_rows(resnet50)}
    assert rows["block 3a"].made_of == (
        "convolutional block of 12 layers: conv 1x1 stride 2 to 128, conv 3x3 to 128, "
        "conv 1x1 to 512; shortcut: conv 1x1 stride 2 to 512"
    )
    assert rows["block 3b"].made_of == (
        "identity block of 10 layers: conv 1x1 to 128, conv 3x3 to 128, conv 1x1 to 512; "
        "shortcut: its input"
    )
    assert rows["block 3b"].shape == "8 x 8 x 512"


@pytest.mark.usefixtures("no_dot")
def test_blocks_are_counted_whatever_the_layers_are_called(resnet50: Any) -> None:
    nameless = keras.models.clone_model(
        resnet50, clone_function=lambda layer: _renamed(layer, f"some_{layer.name[::-1]}")
    )
    of_names = [row.name for row in summary_rows(resnet50) if row.name.startswith("block ")]
    blocks = [row.name for row in summary_rows(nameless) if row.name.startswith("block ")]
    assert len(blocks) == 16 and blocks == of_names


def _renamed(layer: Any, name: str) -> Any:
    return type(layer).from_config({**layer.get_config(), "name": name})


@pytest.mark.usefixtures("no_dot")
def test_a_single_block_goes_by_its_layers_names() -> None:
    picture = keras.Input((8, 8, 3), name="picture")
    inside = layers.Conv2D(3, 1, name="first")(picture)
    inside = layers.BatchNormalization(name="last")(inside)
    model = keras.Model(picture, layers.Add(name="sum")([inside, picture]))
    assert [row.name for row in summary_rows(model)] == ["picture", "first to last"]


def test_a_block_keeps_its_layers_when_an_addition_joins_something_else() -> None:
    start = keras.Input((4,), name="left")
    other = keras.Input((4,), name="right")
    twice = layers.Add(name="twice")([start, start])
    joined = layers.Add(name="joined")([twice, other])
    rows = summary_rows(keras.Model([start, other], joined))
    assert sorted(row.name for row in rows) == ["joined", "left", "right", "twice"]


@pytest.mark.usefixtures("no_dot")
def test_a_subclassed_model_is_listed_too() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="own")
            self.only = layers.Dense(2, name="only")

        def call(self, inputs: Any) -> Any:
            return self.only(inputs)

    own = Own()
    own(keras.ops.ones((1, 3)))
    assert "only" in repr(show_model(own))


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("wrong", [None, 3, keras.Model, layers.Flatten()])
def test_what_is_no_model_is_refused_in_words(wrong: Any) -> None:
    with pytest.raises(StudentError, match=r"show_model draws a Keras model(.|\n)*hint: build"):
        show_model(wrong)


def test_a_model_without_shapes_and_a_strange_ending_are_refused_in_words(small: Any) -> None:
    with pytest.raises(StudentError, match="has not seen an input"):
        show_model(keras.Sequential([layers.Dense(2)]))
    with pytest.raises(StudentError, match=r"model\.xyz does not end in \.png"):
        show_model(small, "model.xyz")
