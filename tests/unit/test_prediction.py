from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from resnets_utils.hands.classes import CLASS_NAMES
from resnets_utils.hands.photo import predict, read_photo, show_prediction
from resnets_utils.hinted_errors import StudentError


def model_that_says(*probabilities: float, side: int = 64, activation: str = "softmax") -> Any:
    """A model that gives these probabilities for every picture."""
    outputs = keras.layers.Dense(
        len(probabilities),
        activation=activation,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(0),
    )
    entrance = keras.Input((side, side, 3))
    model = keras.Model(entrance, outputs(keras.layers.Flatten()(entrance)))
    wanted = np.array(probabilities)
    bias = np.log(wanted) if activation == "softmax" else wanted
    outputs.set_weights([outputs.get_weights()[0], bias])
    return model


SURE = (0.01, 0.02, 0.03, 0.87, 0.03, 0.04)


def test_probabilities_come_back_in_the_order_of_the_numbers() -> None:
    found = predict(model_that_says(*SURE), np.zeros((64, 64, 3), np.float32))
    assert found.shape == (6,) and found.dtype == np.float64
    np.testing.assert_allclose(found, SURE, atol=1e-6)


def test_the_photo_itself_decides() -> None:
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.GlobalAveragePooling2D()])
    outputs = keras.layers.Dense(6, activation="softmax")
    model.add(outputs)
    outputs.set_weights([np.eye(3, 6) * 20, np.zeros(6)])
    for channel in range(3):
        photo = np.zeros((64, 64, 3), np.float32)
        photo[:, :, channel] = 1
        assert predict(model, photo).argmax() == channel


def test_the_mirror_image_counts_as_much_as_the_photo() -> None:
    # A model that reads the number of the column in which there is light.
    model = keras.Sequential([keras.Input((2, 6, 3)), keras.layers.Flatten()])
    outputs = keras.layers.Dense(6, activation="softmax")
    model.add(outputs)
    outputs.set_weights([np.tile(np.repeat(np.eye(6), 3, axis=0), (2, 1)) * 20, np.zeros(6)])
    photo = np.zeros((2, 6, 3), np.float32)
    photo[:, 1] = 1
    np.testing.assert_allclose(predict(model, photo), [0, 0.5, 0, 0, 0.5, 0], atol=1e-6)


def unfit_models() -> dict[str, tuple[Any, str]]:
    two = [keras.Input((64, 64, 3)), keras.Input((64, 64, 3))]
    return {
        "None": (None, "The model is not a finished Keras model with one input and one output"),
        "the function": (model_that_says, "it is of class function"),
        "not built": (keras.Sequential([keras.layers.Dense(6)]), "it is of class Sequential"),
        "two inputs": (keras.Model(two, keras.layers.Add()(two)), "it is of class Functional"),
        "smaller pictures": (
            model_that_says(*SURE, side=32),
            "takes pictures of shape (32, 32, 3), but the photo has (64, 64, 3)",
        ),
        "flat pictures": (
            keras.Sequential([keras.Input((12288,)), keras.layers.Dense(6)]),
            "takes pictures of shape (12288,), but the photo has (64, 64, 3)",
        ),
        "ten classes": (
            model_that_says(*[0.1] * 10),
            "The model's output has shape (10,); six numbers need (6,).",
        ),
        "no softmax": (
            model_that_says(1, 2, 3, 4, 5, 6, activation="linear"),
            "six outputs add up to 21, not to 1: they are not probabilities",
        ),
        "sigmoids": (
            model_that_says(*[0.25] * 6, activation="linear"),
            "six outputs add up to 1.5, not to 1: they are not probabilities",
        ),
        "one below 0": (
            model_that_says(-0.5, 0.5, 0.25, 0.25, 0.25, 0.25, activation="linear"),
            "six outputs add up to 1, but one is below 0: they are not probabilities",
        ),
        "not a number": (
            model_that_says(np.nan, 1, 1, 1, 1, 1, activation="linear"),
            "is not a number (nan): its weights grew without limit",
        ),
    }


@pytest.mark.parametrize("name", unfit_models())
def test_a_model_that_does_not_fit_is_told(name: str) -> None:
    model, fragment = unfit_models()[name]
    with pytest.raises(StudentError, match=re.escape(fragment)):
        predict(model, np.zeros((64, 64, 3), np.float32))


@pytest.mark.parametrize(
    ("photo", "fragment"),
    [
        (np.full((64, 64, 3), 200, np.uint8), "values up to 200; the model was trained on 0 to 1"),
        (np.zeros((1, 64, 64, 3), np.float32), "but the photo has (1, 64, 64, 3)"),
        (np.zeros((64, 64), np.float32), "but the photo has (64, 64)"),
    ],
)
def test_a_photo_that_does_not_fit_is_told(photo: Any, fragment: str) -> None:
    with pytest.raises(StudentError, match=re.escape(fragment)):
        predict(model_that_says(*SURE), photo)


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Path]:
    plt.switch_backend("Agg")
    plt.close("all")
    path = tmp_path / "hand_$1$.png"  # dollar signs begin a formula in a figure's text
    values = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    yield path
    plt.close("all")


def test_the_photo_is_shown_beside_bars_in_words(
    hand: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_prediction(model_that_says(*SURE), hand)
    output = capsys.readouterr().out
    assert output == "hand_$1$.png: looks like 3 (thumb, index, middle), 87 % sure.\n"
    left, right = plt.gcf().axes
    np.testing.assert_array_equal(left.get_images()[0].get_array(), read_photo(hand))
    assert right.get_title() == "looks like 3, 87 % sure"
    assert [label.get_text() for label in right.get_yticklabels()] == list(CLASS_NAMES)
    widths = [bar.get_width() for bar in right.patches]  # type: ignore[attr-defined]
    np.testing.assert_allclose(widths, np.multiply(SURE, 100), atol=1e-3)
    shown = [text.get_text() for text in right.texts]
    assert shown == ["1 %", "2 %", "3 %", "87 %", "3 %", "4 %"]
    assert right.yaxis_inverted()


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ((0.1, 0.31, 0.2, 0.19, 0.1, 0.1), "unsure: perhaps 1 (index finger), but only 31 % sure"),
        ((0.492, 0.1, 0.1, 0.1, 0.1, 0.108), "unsure: perhaps 0 (closed ring), but only 49 %"),
        ((0.498, 0.1, 0.1, 0.1, 0.1, 0.102), "looks like 0 (closed ring), 50 % sure"),
        ((0.001, 0.001, 0.001, 0.001, 0.001, 0.995), "looks like 5 (open hand), over 99 % sure"),
    ],
)
def test_how_sure_the_model_is_is_said_honestly(
    hand: Path, probabilities: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_prediction(model_that_says(*probabilities), hand)
    assert said in capsys.readouterr().out
    title = plt.gcf().axes[1].get_title()
    assert title.startswith("unsure: perhaps") == said.startswith("unsure")


@pytest.mark.parametrize("theme", ["dark_background", "transparent"])
def test_the_figure_can_be_read_in_any_theme(hand: Path, theme: str) -> None:
    transparent = {"figure.facecolor": "none", "axes.facecolor": "none", "text.color": "white"}
    with plt.style.context(transparent if theme == "transparent" else theme):
        show_prediction(model_that_says(*SURE), hand)
    figure = plt.gcf()
    assert figure.get_facecolor() == (1, 1, 1, 1)
    right = figure.axes[1]
    written = [*right.texts, right.title, *right.get_yticklabels(), *right.get_xticklabels()]
    assert {text.get_color() for text in written} == {"black"}


def test_what_is_written_lies_inside_the_figure_and_does_not_overlap(hand: Path) -> None:
    certain = (1e-9, 1e-9, 1e-9, 1e-9, 1e-9, 1.0)
    show_prediction(model_that_says(*certain), hand)
    figure = plt.gcf()
    figure.canvas.draw()
    right = figure.axes[1]
    boxes = [text.get_window_extent() for text in (*right.texts, *right.get_yticklabels())]
    boxes += [axes.title.get_window_extent() for axes in figure.axes]
    inside = figure.bbox
    for box in boxes:
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1, box
        assert inside.y0 <= box.y0 and box.y1 <= inside.y1, box
    assert not [(a, b) for at, a in enumerate(boxes) for b in boxes[:at] if a.overlaps(b)]


def test_nothing_is_drawn_for_a_photo_that_cannot_be_read(hand: Path) -> None:
    with pytest.raises(StudentError, match=re.escape("Did you mean hand_$1$.png?")):
        show_prediction(model_that_says(*SURE), hand.with_name("hand_1.png"))
    assert plt.get_fignums() == []
