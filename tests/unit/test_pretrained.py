"""The trained weights: what is stored, and what is refused when they are loaded."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from coursekit.course.assignment import Assignment, assignments, read_notebook
from coursekit.errors import AuthoringError, GateError
from resnets_utils.hands.drawing.generator import varied_hands
from resnets_utils.hands.trained_model import (
    FOLDER,
    NETWORK,
    RECORD,
    STEPS_PER_DEVIATION,
    WEIGHTS,
    load_pretrained,
    read_network,
    read_record,
    read_weights,
    write_weights,
)
from resnets_utils.hinted_errors import StudentError
from studio.__main__ import main
from studio.pretraining.drawn_data import batches, varied
from studio.pretraining.epochs import start_small
from studio.pretraining.pretrain import TRAINED, show
from studio.pretraining.trained_network import solution_model
from studio.try_it import CLAIMS, measure

COURSE = Path(__file__).parents[2]


def small_model(second: str = "second", filters: int = 8, **settings: bool) -> keras.Model:
    picture = keras.Input((8, 8, 3))
    X = keras.layers.Conv2D(filters, 3, name="first", **settings)(picture)
    X = keras.layers.BatchNormalization(name=second)(X)
    X = keras.layers.Dense(6, name="fc6")(keras.layers.Flatten()(X))
    return keras.Model(picture, X)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Weights of a small model, and their record."""
    keras.utils.set_random_seed(4)
    digest = write_weights(small_model(), tmp_path / WEIGHTS)
    (tmp_path / RECORD).write_text(json.dumps({"sha256": digest, "test_accuracy": 0.5}))
    return tmp_path


def test_kernels_come_back_to_half_a_step_and_all_else_exactly(tmp_path: Path) -> None:
    model = small_model()
    model.get_layer("second").gamma.assign(np.linspace(0.1, 3, 8))
    model.get_layer("first").kernel.assign(np.random.default_rng(0).normal(0, 2, (3, 3, 3, 8)))
    stored = read_weights(tmp_path / WEIGHTS, write_weights(model, tmp_path / WEIGHTS))
    assert set(stored) == {
        *("first/kernel", "first/bias", "fc6/kernel", "fc6/bias"),
        *("second/gamma", "second/beta", "second/moving_mean", "second/moving_variance"),
    }
    assert np.array_equal(stored["second/gamma"], model.get_layer("second").gamma.numpy())
    kernel = model.get_layer("first").kernel.numpy()
    half_a_step = kernel.std(axis=(0, 1, 2)) / STEPS_PER_DEVIATION / 2
    error = np.abs(stored["first/kernel"] - kernel).max(axis=(0, 1, 2))
    assert (error > 0).all() and (error <= half_a_step * 1.001).all()


def test_a_single_large_weight_survives(tmp_path: Path) -> None:
    model = small_model()
    kernel = np.full((3, 3, 3, 8), 0.001, np.float32)
    kernel[1, 1, 1, 3] = 50
    model.get_layer("first").kernel.assign(kernel)
    stored = read_weights(tmp_path / WEIGHTS, write_weights(model, tmp_path / WEIGHTS))
    assert stored["first/kernel"][1, 1, 1, 3] == pytest.approx(50, rel=0.01)


def test_loading_puts_every_weight_in_place(folder: Path) -> None:
    keras.utils.set_random_seed(9)
    model = small_model()
    record = load_pretrained(model, folder)
    assert record["test_accuracy"] == 0.5
    for name, values in read_weights(folder / WEIGHTS, record["sha256"]).items():
        layer, variable = name.split("/")
        assert np.array_equal(getattr(model.get_layer(layer), variable).numpy(), values)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (small_model(second="zweite"), "has no layer named second and has layers .*: zweite"),
        (small_model(filters=4), r"the layer first has a kernel of shape \(3, 3, 3, 4\).*3, 8\)"),
        (small_model(use_bias=False), "other variables than your model: first/bias"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_changed(
    folder: Path, model: keras.Model, said: str
) -> None:
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(StudentError) as caught:
        load_pretrained(model, folder)
    assert re.search(said, caught.value.message)
    assert caught.value.hint
    for weight, old in zip(model.weights, before, strict=True):
        assert np.array_equal(weight.numpy(), old)


def test_damaged_and_missing_files_are_told(folder: Path) -> None:
    weights = folder / WEIGHTS
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(StudentError, match="are damaged: their SHA-256 begins with"):
        load_pretrained(small_model(), folder)
    weights.unlink()
    with pytest.raises(StudentError, match=r"weights .* are missing"):
        load_pretrained(small_model(), folder)
    for broken in ("", "[]", "{}", '{"sha256": 3}', "\x00"):
        (folder / RECORD).write_text(broken)
        with pytest.raises(StudentError, match="cannot be read"):
            load_pretrained(small_model(), folder)
    (folder / RECORD).unlink()
    with pytest.raises(StudentError, match=r"record .* is missing"):
        load_pretrained(small_model(), folder)


def test_a_damaged_or_missing_description_of_the_network_is_told(folder: Path) -> None:
    for broken in ("", "[]", "{}", '{"nodes": [{}], "output": 0}', "\x00"):
        (folder / NETWORK).write_text(broken)
        with pytest.raises(StudentError, match="cannot be read"):
            read_network(folder)
    (folder / NETWORK).unlink()
    with pytest.raises(StudentError, match="cannot be read") as caught:
        load_pretrained(small_model(), folder, by_name=False)
    assert caught.value.hint


@pytest.mark.slow
def test_the_shipped_weights_hold_what_their_record_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = read_record()
    assert record["test_accuracy"] >= 0.98 and record["wide_accuracy"] >= 0.95
    assert (FOLDER / WEIGHTS).stat().st_size < 15_000_000
    monkeypatch.chdir(COURSE)
    assert main(["pretrain", "--check"]) == 0
    said = capsys.readouterr().out
    measured = [float(share) for share in re.findall(r"accuracy on .*: (\S+)", said)]
    assert measured == pytest.approx([record["test_accuracy"], record["wide_accuracy"]], abs=0.0125)
    # A record that claims more or less than was measured is refused.
    for key in ("test_accuracy", "wide_accuracy"):
        other = tmp_path / key
        shutil.copytree(FOLDER, other)
        (other / RECORD).write_text(json.dumps({**record, key: record[key] - 0.02}))
        again = iter(measured)
        monkeypatch.setattr(
            "studio.pretraining.pretrain.read_record", lambda other=other: read_record(other)
        )
        monkeypatch.setattr(
            "studio.pretraining.pretrain.accuracy", lambda *given, again=again: next(again)
        )
        with pytest.raises(GateError, match="the record says"):
            show(COURSE, Console())


def solution(name: str) -> keras.Model:
    model: keras.Model = solution_model(
        next(found for found in assignments(COURSE) if found.name == name)
    )
    return model


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    model = solution(TRAINED)
    load_pretrained(model)
    return model


@pytest.mark.slow
def test_the_notebooks_say_of_the_trained_network_what_is_so(trained: keras.Model) -> None:
    found = measure(trained, *varied_hands(30))
    # `python -m studio try-it` has the figures of all pictures.
    assert [claim for claim, holds in CLAIMS.items() if not holds(found)] == []
    for assignment in ("residual-networks-v2a", "residual-networks-v3"):
        notebook = read_notebook(Assignment(COURSE, assignment).source)
        said = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert [claim for claim in CLAIMS if claim not in said] == []


@pytest.mark.slow
def test_a_network_without_names_gets_the_same_weights_by_place(trained: keras.Model) -> None:
    nameless = solution("residual-networks-v3")
    load_pretrained(nameless, by_name=False)
    pictures = np.random.default_rng(5).random((2, 64, 64, 3)).astype(np.float32)
    one, other = (model.predict(pictures, verbose=0) for model in (trained, nameless))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (small_model(), "where the exercise has the zero padding, yours has a convolution"),
        (keras.Sequential([keras.Input((4,)), keras.layers.Dense(6)]), "a Sequential, not"),
    ],
)
def test_by_place_another_network_is_refused_in_words(model: keras.Model, said: str) -> None:
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(StudentError, match=said):
        load_pretrained(model, by_name=False)
    for weight, old in zip(model.weights, before, strict=True):
        assert np.array_equal(weight.numpy(), old)


@pytest.mark.slow
def test_a_start_for_training_lets_every_block_be_the_identity() -> None:
    model = solution(TRAINED)
    start_small(model, seed=1)
    # Every block is the identity at first: its main path adds nothing.
    assert not model.get_layer("bn2b_branch2c").gamma.numpy().any()
    assert model.get_layer("bn2b_branch2b").gamma.numpy().all()
    # Kernels of one shape differ, unlike in the exercise's seeded start.
    first, second = (model.get_layer(f"res2{b}_branch2b").kernel.numpy() for b in "bc")
    assert not np.array_equal(first, second)


def test_varied_pictures_keep_their_form_and_their_labels() -> None:
    pictures = np.zeros((12, 64, 64, 3), np.uint8)
    pictures[:, 20:44, 20:44] = 200
    labels = np.arange(12) % 6
    seen = list(batches(pictures, labels, size=5, epochs=2, seed=3))
    assert len(seen) == 4 and all(X.shape == (5, 64, 64, 3) for X, _ in seen)
    assert all(X.dtype == np.float32 and X.min() >= 0 and X.max() <= 1 for X, _ in seen)
    assert all(np.array_equal(Y.sum(axis=1), np.ones(5)) for _, Y in seen)
    different = varied(pictures, np.random.default_rng(0))
    assert len({picture.tobytes() for picture in different}) == 12


def test_a_course_without_the_trained_assignment_is_told(tmp_path: Path) -> None:
    (tmp_path / "source" / "another-v1").mkdir(parents=True)
    for course in (tmp_path, tmp_path / "source"):
        with pytest.raises(AuthoringError, match="there is no assignment"):
            show(course, Console())
