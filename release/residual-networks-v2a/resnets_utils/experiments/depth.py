"""Try it: small networks of growing depth, plain and residual, on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers
from matplotlib.figure import Figure
from numpy.typing import NDArray

from resnets_utils.experiments.residual_blocks import scaled
from resnets_utils.experiments.shown_pictures import picture_of, show
from resnets_utils.experiments.training import fit_quickly
from resnets_utils.hands.classes import CLASSES
from resnets_utils.hands.dataset import convert_to_one_hot
from resnets_utils.short_run import short_run

PICTURES = 48
SIDE = 8  # pictures are reduced to this size, so that forty layers take seconds
CHANNELS = 16
STEPS, STEPS_A_DOT = 40, 10
SHORT_RUN_DEPTHS, SHORT_RUN_STEPS = (4, 8), 3
CHANCE = float(np.log(CLASSES))


@dataclass(frozen=True)
class DepthComparison:
    """Training loss after the last step, one entry for each depth."""

    depths: tuple[int, ...]
    plain: tuple[float, ...]
    residual: tuple[float, ...]


def compare_depths(
    X: NDArray[Any], Y: NDArray[np.int64], depths: Sequence[int] = (4, 12, 24, 40)
) -> DepthComparison:
    """Train a plain and a residual network of each depth, and draw how well they learn.

    Every network has ``depth`` layers with weights, 16 channels, batch
    normalisation, He's starting weights and Adam. It trains for 40 steps on the
    first 48 pictures. The residual network has a shortcut over every two
    convolutions; nothing else differs, seeds and steps included.

    Args:
        X: (m, 64, 64, 3) pictures, uint8 or in [0, 1].
        Y: (1, m) labels from 0 to 5.
        depths: even numbers of layers with weights, 4 or more.

    Returns:
        the losses that are drawn.

    """
    steps = STEPS
    if short_run():
        depths, steps = SHORT_RUN_DEPTHS, SHORT_RUN_STEPS
    pictures = _small(scaled(X[:PICTURES]))
    truth = convert_to_one_hot(np.asarray(Y).ravel()[:PICTURES], CLASSES).T.astype(np.float32)
    options = {"epochs": steps, "batch_size": len(pictures), "shuffle": False, "verbose": 0}
    print(
        f"Training {2 * len(depths)} small networks, {steps} steps each: "
        "about half a minute on two cores."
    )
    losses: dict[bool, list[float]] = {False: [], True: []}
    for depth in depths:
        print(f"{depth:>3} layers: loss", end="", flush=True)
        for residual, name in ((False, "plain, "), (True, "with shortcuts\n")):
            history = fit_quickly(
                small_network(depth, residual), pictures, truth, callbacks=[_dots()], **options
            )
            # The mean of the last steps: a single one jumps.
            losses[residual].append(float(np.mean(history.history["loss"][-5:])))
            print(f" {losses[residual][-1]:.3f} {name}", end="", flush=True)
    found = DepthComparison(tuple(depths), tuple(losses[False]), tuple(losses[True]))
    said = _in_words(found)
    print(said)
    show(picture_of(_curves(found, steps), f"Two lines, the loss over the depth. {said}"))
    return found


def _dots() -> keras.callbacks.Callback:
    def after_step(epoch: int, _logs: dict[str, float]) -> None:
        if epoch % STEPS_A_DOT == 0:
            print(".", end="", flush=True)

    return keras.callbacks.LambdaCallback(on_epoch_end=after_step)


def _in_words(found: DepthComparison) -> str:
    best = int(np.argmin(found.plain))
    last = found.depths[-1]
    lines = [
        f"Guessing has a loss of {CHANCE:.3f}. All losses are on the pictures of the training.",
        f"The plain network is best at {found.depths[best]} layers, with {found.plain[best]:.3f}; "
        f"at {last} layers it has {found.plain[-1]:.3f}.",
        f"The network with shortcuts has {found.residual[best]:.3f} at {found.depths[best]} layers "
        f"and {found.residual[-1]:.3f} at {last}.",
    ]
    return "\n".join(lines)


def _small(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    count, side = len(pictures), pictures.shape[1]
    step = side // SIDE
    averaged = pictures.reshape(count, SIDE, step, SIDE, step, 3).mean(axis=(2, 4))
    result: NDArray[np.float32] = (averaged - averaged.mean()) / averaged.std()
    return result


def small_network(depth: int, residual: bool) -> keras.Model:
    """Return a network of ``depth`` layers with weights, compiled; same start every time."""
    keras.utils.set_random_seed(depth)
    picture = keras.Input((SIDE, SIDE, 3))
    X = layers.ReLU()(_convolution(picture))
    for _ in range((depth - 2) // 2):
        shortcut = X
        X = layers.ReLU()(_convolution(X))
        X = _convolution(X)
        if residual:
            X = layers.Add()([X, shortcut])
        X = layers.ReLU()(X)
    X = layers.GlobalAveragePooling2D()(X)
    model = keras.Model(picture, layers.Dense(CLASSES, activation="softmax")(X))
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model


def _convolution(X: Any) -> Any:
    X = layers.Conv2D(CHANNELS, 3, padding="same", kernel_initializer="he_normal")(X)
    return layers.BatchNormalization()(X)


def _curves(found: DepthComparison, steps: int) -> Figure:
    figure = Figure(figsize=(7, 3.6), facecolor="white", layout="constrained")
    ax = figure.subplots()
    for name, losses, marker, line, colour in (
        ("plain", found.plain, "o", "--", "#b54708"),
        ("with shortcuts", found.residual, "s", "-", "#1f5fa8"),
    ):
        ax.plot(found.depths, losses, marker=marker, linestyle=line, color=colour)
        ax.annotate(
            f" {name}",
            (found.depths[-1], losses[-1]),
            color=colour,
            va="center",
            xytext=(6, 7),
            textcoords="offset points",
        )
    ax.axhline(CHANCE, color="#475467", linewidth=1, linestyle=":")
    ax.annotate("guessing", (found.depths[0], CHANCE), xytext=(0, 4), textcoords="offset points")
    ax.set(
        xlabel="layers with weights",
        ylabel=f"training loss after {steps} steps",
        xticks=found.depths,
        ylim=(0, None),
        xlim=(None, found.depths[-1] + 0.25 * (found.depths[-1] - found.depths[0])),
    )
    ax.spines[["top", "right"]].set_visible(False)
    return figure
