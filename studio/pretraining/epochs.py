"""The training run: the solution's own ResNet-50, AdamW, and a falling learning rate."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing import draw_pictures
from resnets_utils.hands.drawing.variety import WIDE
from studio.pretraining.drawn_data import batches

# Pictures for watching the training; the students' test pictures have another seed.
WATCH_SEED = 999


@dataclass(frozen=True)
class Recipe:
    """All settings of the training."""

    pictures: int = 54_000
    epochs: int = 5
    batch_size: int = 64
    peak_learning_rate: float = 2e-3
    warm_up_steps: int = 150
    weight_decay: float = 0.15
    label_smoothing: float = 0.1
    seed: int = 1


@dataclass
class Curves:
    """Measurements during the training, one entry for each epoch."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    watched_accuracy: list[float] = field(default_factory=list)


def start_small(model: keras.Model, seed: int) -> None:
    """Give every convolution its own weights, and let every block start as the identity.

    The exercise's seeded start gives kernels of one shape the same numbers, and
    sixteen untrained blocks add to the signal. From there the loss takes hundreds
    of steps to fall below chance. With the last scale of a main
    path at zero, a block adds nothing until it has learnt what to add (Goyal and
    colleagues, "Accurate, Large Minibatch SGD", 2017, section 5.1).
    """
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Conv2D):
            drawn = keras.initializers.HeNormal(seed=1000 * seed + number)
            layer.kernel.assign(drawn(layer.kernel.shape))
        elif layer.name.endswith("_branch2c") and hasattr(layer, "gamma"):
            layer.gamma.assign(np.zeros(layer.gamma.shape, np.float32))


def train(
    model: keras.Model,
    pictures: NDArray[np.uint8],
    labels: NDArray[np.int64],
    recipe: Recipe,
    folder: Path,
) -> Curves:
    """Train ``model``; keep its weights and curves in ``folder`` after each epoch.

    Works with each backend of Keras.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start_small(model, recipe.seed)
    steps = len(pictures) // recipe.batch_size
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.peak_learning_rate / 20,
            warmup_target=recipe.peak_learning_rate,
            warmup_steps=recipe.warm_up_steps,
            decay_steps=recipe.epochs * steps - recipe.warm_up_steps,
        ),
        weight_decay=recipe.weight_decay,
        global_clipnorm=5.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
    watched_labels = np.arange(600) % 6
    watched = draw_pictures(watched_labels, WATCH_SEED, variety=WIDE)
    curves = Curves()

    def after_epoch(epoch: int, logs: dict[str, float]) -> None:
        curves.loss.append(float(logs["loss"]))
        curves.accuracy.append(float(logs["accuracy"]))
        curves.watched_accuracy.append(accuracy(model, watched, watched_labels))
        model.save_weights(folder / "checkpoint.weights.h5")
        (folder / "curves.json").write_text(json.dumps(asdict(curves)), encoding="utf-8")
        print(f"epoch {epoch + 1}: {curves.watched_accuracy[-1]:.3f} of unseen pictures right")

    with _faster_on_a_processor(model):
        model.fit(
            batches(pictures, labels, recipe.batch_size, recipe.epochs, recipe.seed),
            epochs=recipe.epochs,
            steps_per_epoch=steps,
            verbose=1,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=after_epoch)],
        )
    return curves


def _faster_on_a_processor(model: keras.Model) -> AbstractContextManager[object]:
    """Let TensorFlow normalise batches in one operation; Keras's other backends have their own."""
    if keras.config.backend() != "tensorflow":
        return nullcontext()
    from resnets_utils.experiments.training import fused_batch_normalisation

    return fused_batch_normalisation(model)


def accuracy(model: keras.Model, pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Return the share of pictures (m, 64, 64, 3), uint8, that the model gets right."""
    predicted = model.predict(pictures.astype(np.float32) / 255, batch_size=64, verbose=0)
    return float((predicted.argmax(axis=1) == labels.ravel()).mean())
