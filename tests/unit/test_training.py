from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from resnets_utils.experiments.training import (
    SHORT_RUN_STEPS,
    check_training,
    fused_batch_normalisation,
    train,
)
from resnets_utils.hands.drawing import draw_pictures
from resnets_utils.hinted_errors import StudentError
from studio.pretraining.trained_network import assignment_with_network, solution_model

RANDOM = np.random.default_rng(7)
LABELS = np.arange(40) % 3
Y = np.eye(3, dtype=np.float32)[LABELS]
X = RANDOM.random((40, 8, 8, 3), dtype=np.float32) + LABELS[:, None, None, None].astype(np.float32)


@keras.saving.register_keras_serializable(package="test_training")
class Cut(keras.layers.Layer):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return tf.stop_gradient(inputs)


def small_network(cut: bool = False) -> Any:
    keras.utils.set_random_seed(3)
    inputs = keras.layers.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    hidden = keras.layers.BatchNormalization(axis=3)(hidden)
    shortcut = hidden = keras.layers.Activation("relu")(hidden)
    hidden = keras.layers.Conv2D(4, 1)(hidden)
    hidden = keras.layers.BatchNormalization(axis=3)(hidden)
    hidden = keras.layers.Activation("relu")(keras.layers.Add()([hidden, shortcut]))
    if cut:
        hidden = Cut()(hidden)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(hidden))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def weights_apart(one: Any, other: Any) -> float:
    """Return the largest difference in weights, moving averages and the optimizer's variables."""
    pairs = zip(
        [*one.variables, *one.optimizer.variables],
        [*other.variables, *other.optimizer.variables],
        strict=True,
    )
    return max(float(np.abs(ours.numpy() - theirs.numpy()).max()) for ours, theirs in pairs)


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


@pytest.fixture(scope="module")
def plain() -> tuple[Any, Any]:
    model = small_network()
    return model, model.fit(X, Y, epochs=3, batch_size=16, verbose=0)


def test_training_is_that_of_fit(plain: tuple[Any, Any]) -> None:
    model = small_network()
    history = train(model, X, Y, 3, 16, verbose=0)
    assert history.history["loss"] == pytest.approx(plain[1].history["loss"], abs=1e-3)
    assert history.history["accuracy"] == pytest.approx(plain[1].history["accuracy"], abs=0.03)
    # Rounding alone decides the gradient of a bias before batch normalisation, and Adam
    # makes full steps of it: 9 steps of 0.001.
    assert weights_apart(model, plain[0]) < 9e-3


def test_fused_moving_averages_are_those_of_keras() -> None:
    models = [small_network(), small_network()]
    for model in models:
        model.layers[5].trainable = False  # a frozen normalisation predicts, and keeps its own
    models[0].fit(X[:2], Y[:2], verbose=0)
    train(models[1], X[:2], Y[:2], epochs=1, verbose=0)
    fitted, trained = (model.layers[2].get_weights()[2:] for model in models)
    # The variance of a population of 128 values differs from theirs by more than ten times this.
    np.testing.assert_allclose(trained, fitted, atol=2e-6)
    frozen = [average.tolist() for average in models[1].layers[5].get_weights()[2:]]
    assert frozen == [[0] * 4, [1] * 4]


def test_everything_changed_for_training_is_restored() -> None:
    model = small_network()
    with pytest.raises(ZeroDivisionError):
        train(model, X, Y, verbose=0, callbacks=[Stumbling()])
    assert "update_step" not in vars(model.optimizer)
    assert not [layer.name for layer in model.layers if "call" in vars(layer)]


class Stumbling(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("optimizer", "apart"),
    # Adam makes full steps of 0.001 of what is only rounding; SGD does not.
    [(keras.optimizers.SGD(0.01), 1e-6), (keras.optimizers.Adam(amsgrad=True), 4e-3)],
)
def test_other_optimizers_keep_their_own_rule(optimizer: Any, apart: float) -> None:
    settings = optimizer.get_config()
    models = [small_network(), small_network()]
    for model in models:
        fresh = type(optimizer).from_config(settings)
        model.compile(optimizer=fresh, loss="categorical_crossentropy")
    models[0].fit(X, Y, epochs=2, verbose=0)
    train(models[1], X, Y, epochs=2, verbose=0)
    assert weights_apart(*models) < apart
    for variable in models[1].optimizer.variables:
        assert variable.numpy().any(), f"{variable.path} was never used"


def test_a_short_run_takes_few_steps_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    model = small_network()
    history = train(model, X, Y, epochs=50, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == SHORT_RUN_STEPS <= 8
    assert len(history.history["loss"]) == SHORT_RUN_STEPS
    assert "Short run" in capsys.readouterr().out


def test_good_training_is_told_in_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    model = small_network()
    history = train(model, X, Y, epochs=4, verbose=0)
    before = model.get_weights()
    check_training(model, history, X, Y)
    said = capsys.readouterr().out
    assert "The loss fell from" in said
    assert "reaches the first convolution, first: " in said
    # Keras counts the names that it gives, over all networks of a notebook: "conv2d_97".
    model.get_layer("first").name = "conv2d_97"
    check_training(model, history, X, Y)
    assert "reaches the first convolution: " in capsys.readouterr().out
    after = model.get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("losses", [[1.0, 2.0], [1.0, 1.0], [1.0, float("nan")], [1.0], []])
def test_a_loss_that_does_not_fall_is_an_error(losses: list[float]) -> None:
    history = keras.callbacks.History()
    history.history = {"loss": losses}
    with pytest.raises(StudentError, match=r"The loss did not fall|two are needed"):
        check_training(small_network(), history, X, Y)


def test_a_cut_gradient_is_an_error() -> None:
    history = keras.callbacks.History()
    history.history = {"loss": [2.0, 1.0]}
    with pytest.raises(StudentError, match="does not reach the first convolution, first"):
        check_training(small_network(cut=True), history, X, Y)


@pytest.mark.parametrize(
    ("pictures", "classes", "arguments", "told"),
    [
        (X[:5], Y, {}, "Every picture needs its class"),
        (X[:0], Y[:0], {}, "Every picture needs its class"),
        (X[:, :4], Y, {}, "X has the shape"),
        (X, LABELS, {}, "Y has the shape"),
        (X, Y, {"epochs": 0}, "epochs is 0"),
        (X, Y, {"batch_size": "many"}, "batch_size is 'many'"),
    ],
)
def test_unfit_input_is_told_in_words(
    pictures: Any, classes: Any, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(StudentError, match=told):
        train(small_network(), pictures, classes, **arguments)


def test_a_model_that_is_not_compiled_is_told_in_words() -> None:
    inputs = keras.layers.Input((8, 8, 3))
    with pytest.raises(StudentError, match="not compiled"):
        train(keras.Model(inputs, keras.layers.Flatten()(inputs)), X, Y)
    with pytest.raises(StudentError, match="not a Keras model"):
        train(None, X, Y)


@pytest.mark.slow
def test_the_gradient_of_resnet50_is_plain_keras_up_to_its_own_rounding() -> None:
    """Fifty untrained layers turn rounding into per cents, so rounding is measured too."""
    labels = np.arange(16, dtype=np.int64) % 6
    pictures = draw_pictures(labels, seed=1).astype(np.float32) / 255
    truth = np.eye(6, dtype=np.float32)[labels]
    model = solution_model(assignment_with_network(Path(__file__).parents[2]))
    model.compile(loss="categorical_crossentropy")

    def gradient(pictures: Any) -> tuple[float, Any]:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(pictures, truth, model(pictures, training=True))
        found = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
        return float(loss), np.concatenate([part.numpy().ravel() for part in found])

    loss, plain = gradient(pictures)
    nudged_loss, nudged = gradient(pictures * np.float32(1 + 2e-7))
    with fused_batch_normalisation(model):
        fused_loss, fused = gradient(pictures)
    assert fused_loss == pytest.approx(loss, rel=1e-5)
    assert nudged_loss == pytest.approx(loss, rel=1e-5)
    assert np.linalg.norm(fused - plain) < 4 * np.linalg.norm(nudged - plain)
    assert np.linalg.norm(fused - plain) < 0.1 * np.linalg.norm(plain)
