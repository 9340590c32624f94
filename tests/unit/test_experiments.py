"""The try-it cells: their figures are the networks' own, and they leave no trace in a network."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure

from resnets_utils.experiments.block_removal import removals, remove_blocks, switched_off
from resnets_utils.experiments.depth import compare_depths, small_network
from resnets_utils.experiments.model_drawing import show_model
from resnets_utils.experiments.residual_blocks import residual_blocks, scaled
from resnets_utils.experiments.shown_pictures import ShownPicture, Slider, picture_of, slide
from resnets_utils.experiments.skip import what_the_skip_carries
from resnets_utils.experiments.training import check_training, train
from resnets_utils.hands.photo import show_prediction
from resnets_utils.hinted_errors import StudentError
from studio.pretraining.trained_network import assignment_with_network, solution_model

COURSE = Path(__file__).parents[2]
RANDOM = np.random.default_rng(5)
PICTURES = RANDOM.integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)
LABELS = np.arange(10).reshape(1, 10) % 6


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def add(way: str, main: Any, shortcut: Any) -> Any:
    if way == "operator":
        return main + shortcut
    pair = [main, shortcut] if way == "main first" else [shortcut, main]
    return layers.Add()(pair)


def network(way: str = "main first", blocks: tuple[str, ...] = ("a", "b")) -> keras.Model:
    """A network of two blocks: "a" with a convolution on its shortcut, "b" the identity."""
    keras.utils.set_random_seed(2)
    picture = keras.Input((8, 8, 3))
    X = layers.Conv2D(4, 3, activation="relu", name="stem")(picture)
    for block in blocks:
        shortcut = X
        if block == "a":
            shortcut = layers.BatchNormalization(name="a_short")(
                layers.Conv2D(4, 1, name="a_shortcut")(X)
            )
        X = layers.Conv2D(4, 1, name=f"{block}_1")(X)
        X = layers.Activation("relu")(X)
        X = layers.Conv2D(4, 3, padding="same", name=f"{block}_2")(X)
        X = layers.BatchNormalization(name=f"{block}_last", beta_initializer="ones")(X)
        X = layers.Activation("relu")(add(way, X, shortcut))
    X = layers.Dense(6, activation="softmax", name="classes")(layers.Flatten()(X))
    return keras.Model(picture, X)


@pytest.mark.parametrize("way", ["main first", "shortcut first", "operator"])
def test_blocks_are_found_however_they_add(way: str) -> None:
    model = network(way)
    found = residual_blocks(model)
    assert [block.name for block in found] == ["2a", "2b"]
    assert [block.last_scale.name for block in found] == ["a_last", "b_last"]
    assert found[0].shortcut._keras_history.operation.name == "a_short"


def test_the_sixteen_blocks_of_the_solution_have_the_exercises_names() -> None:
    found = residual_blocks(solution_model(assignment_with_network(COURSE)))
    assert " ".join(block.name for block in found) == (
        "2a 2b 2c 3a 3b 3c 3d 4a 4b 4c 4d 4e 4f 5a 5b 5c"
    )
    assert all(f"bn{block.name}_branch2c" == block.last_scale.name for block in found)
    assert [removal.name for removal in removals(found)[16:]] == [
        *("2b to 2c", "3b to 3d", "4b to 4f", "5b to 5c", "all 12 identity blocks")
    ]


def test_a_removed_identity_block_is_as_if_it_had_never_been() -> None:
    model, without = network(), network(blocks=("a",))
    for layer in without.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights() if layer.weights else [])
    pictures = scaled(PICTURES)
    assert not np.allclose(model(pictures), without(pictures), atol=1e-3)
    with switched_off(residual_blocks(model)[1]):
        np.testing.assert_allclose(model(pictures), without(pictures), atol=1e-6)


def test_weights_come_back_whatever_happens() -> None:
    model = network()
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(KeyboardInterrupt), switched_off(residual_blocks(model)[0]):
        raise KeyboardInterrupt
    found = remove_blocks(model, PICTURES, LABELS)
    for weight, old in zip(model.weights, before, strict=True):
        assert np.array_equal(weight.numpy(), old)
    guesses = model.predict(scaled(PICTURES), verbose=0).argmax(axis=1)
    assert found.whole == np.mean(guesses == LABELS[0])
    assert set(found.one) == {"2a", "2b"}
    # Both keep the shape. There is no other stage, so these are all that do.
    assert set(found.stage) == {"2a to 2b"} and found.all == {}


def test_sizes_are_those_of_the_two_paths(capsys: pytest.CaptureFixture[str]) -> None:
    model, picture = network(), scaled(PICTURES)[0]
    found = what_the_skip_carries(model, picture)
    parts = keras.Model(
        model.input, [model.get_layer(name).output for name in ("a_short", "a_last", "b_last")]
    )
    shortcut, first, second = (float(np.linalg.norm(part)) for part in parts(picture[None]))
    assert found.shortcut["2a"] == pytest.approx(shortcut, rel=1e-5)
    assert found.main == pytest.approx({"2a": first, "2b": second}, rel=1e-5)
    shares = {name: found.main[name] / found.shortcut[name] for name in found.main}
    assert f"{max(shares.values()):.0%} (block" in capsys.readouterr().out


def test_what_has_no_blocks_is_told() -> None:
    plain = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(6)])
    for call in (
        lambda model: remove_blocks(model, PICTURES, LABELS),
        lambda model: what_the_skip_carries(model, PICTURES[0]),
    ):
        with pytest.raises(StudentError, match="no residual block"):
            call(plain)
        with pytest.raises(StudentError, match="not str"):
            call("model")
    with pytest.raises(StudentError, match=r"shape \(10, 8, 8, 3\)"):
        what_the_skip_carries(network(), PICTURES)


def test_all_that_is_printed_fits_a_terminal_without_utf_8(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    monkeypatch.setattr("sys.stdout", terminal)
    model = network()
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    one_hot = np.eye(6)[LABELS[0]]
    check_training(model, train(model, scaled(PICTURES), one_hot), scaled(PICTURES), one_hot)
    pictures = RANDOM.random((12, 64, 64, 3)).astype(np.float32)
    # Few steps of two small networks each, while a notebook is graded.
    assert compare_depths(pictures, np.arange(12).reshape(1, 12) % 6).depths == (4, 8)
    remove_blocks(model, PICTURES, LABELS)
    what_the_skip_carries(model, PICTURES[0])
    monkeypatch.setenv("PATH", str(tmp_path))  # no graphviz
    print(show_model(model, tmp_path / "model.png"))
    large = keras.Sequential([keras.Input((64, 64, 3)), layers.Flatten(), layers.Dense(6)])
    large.layers[-1].set_weights([np.zeros((64 * 64 * 3, 6)), np.zeros(6)])
    large.add(layers.Softmax())
    show_prediction(large, COURSE / "source" / "residual-networks-v2a" / "images" / "my_hand.png")
    terminal.seek(0)
    assert terminal.read().count("layers: loss") == 2


def drawn(name: str) -> ShownPicture:
    figure = Figure(figsize=(1, 1))
    figure.suptitle(name)
    return picture_of(figure, f'the "<{name}>"', photos=name == "photo")


def test_a_picture_has_its_words_in_every_form() -> None:
    for name, kind in (("line", "png"), ("photo", "jpeg")):
        bundle = drawn(name)._repr_mimebundle_()
        assert bundle["text/plain"] == f'the "<{name}>"'
        assert f'alt="the &quot;&lt;{name}&gt;&quot;"' in bundle["text/html"]
        assert f"data:image/{kind};base64,{bundle[f'image/{kind}']}" in bundle["text/html"]


def test_a_slider_holds_all_pictures_and_shows_the_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []

    def draw(name: str) -> ShownPicture:
        made.append(name)
        return drawn(name)

    slide("Choose", ["</script>", "b"], "b", draw)
    assert (made, capsys.readouterr().out) == (["</script>", "b"], 'the "<b>"\n')
    choices = {name: drawn(name) for name in made}
    page = Slider("Choose", choices, "b")._repr_mimebundle_()["text/html"]
    assert page.count("</script>") == 1
    assert '"first": 1' in page and page.count(choices["b"].encoded) == 2
    # While nbgrader runs the notebook, nobody moves a slider: one picture is drawn.
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    made.clear()
    slide("Choose", ["a", "b"], "b", draw)
    assert made == ["b"]


def test_plain_and_residual_differ_by_the_additions_only() -> None:
    plain, residual = small_network(12, residual=False), small_network(12, residual=True)
    assert [w.shape for w in plain.weights] == [w.shape for w in residual.weights]
    for one, other in zip(plain.weights, residual.weights, strict=True):
        if "kernel" in one.path:
            assert np.array_equal(one.numpy(), other.numpy())
    weighted = [layer for layer in plain.layers if "kernel" in {w.name for w in layer.weights}]
    assert len(weighted) == 12
    assert sum(isinstance(layer, layers.Add) for layer in residual.layers) == 5


@pytest.mark.slow
def test_depth_hurts_the_plain_network_and_not_the_residual_one() -> None:
    from resnets_utils.hands.drawing import draw_pictures

    labels = np.arange(24, dtype=np.int64) % 6
    pictures = draw_pictures(labels, 1)
    found = compare_depths(pictures, labels.reshape(1, 24), depths=(12, 40))
    # What the notebooks say: from some depth on, one becomes worse and the other does not.
    assert found.plain[1] > 1.5 * found.plain[0]
    assert found.residual[1] < found.residual[0] < found.plain[0]
