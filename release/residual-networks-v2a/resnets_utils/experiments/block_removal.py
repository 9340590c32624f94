"""Try it: remove one block of a trained residual network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from resnets_utils.experiments.residual_blocks import ResidualBlock, residual_blocks, scaled
from resnets_utils.experiments.sliders import slide
from resnets_utils.short_run import short_run

PICTURES = 120
SHORT_RUN_BLOCKS, SHORT_RUN_PICTURES = 2, 12


@dataclass(frozen=True)
class BlockRemoval:
    """Shares of pictures read correctly: by the whole network, and without each block."""

    whole: float
    without: dict[str, float]


def remove_a_block(model: Any, X: NDArray[Any], Y: NDArray[np.int64]) -> BlockRemoval:
    """Measure a trained network with each block switched off in turn, and draw the results.

    A block is switched off by scaling what its main path adds to zero; its
    shortcut stays. The model's weights are restored afterwards.

    Args:
        model: your trained network.
        X: (m, 64, 64, 3) pictures, uint8 or in [0, 1]; the first 120 are used.
        Y: (1, m) labels from 0 to 5.

    Returns:
        the shares that are drawn.

    Raises:
        StudentError: if the model has no residual blocks.

    """
    blocks = residual_blocks(model)
    count = PICTURES
    if short_run():
        blocks, count = blocks[:SHORT_RUN_BLOCKS], SHORT_RUN_PICTURES
    pictures, labels = scaled(X[:count]), np.asarray(Y).ravel()[:count]
    whole = _read(model, pictures)
    read: dict[str, NDArray[np.int64]] = {}
    for block in blocks:
        with switched_off(block):
            read[block.name] = _read(model, pictures)
        print(".", end="", flush=True)
    print()
    found = BlockRemoval(
        float(np.mean(whole == labels)),
        {name: float(np.mean(guess == labels)) for name, guess in read.items()},
    )
    _draw_all(found, [block.changes_shape for block in blocks])
    worst = min(found.without, key=found.without.__getitem__)
    spared = sum(share > found.whole - 0.02 for share in found.without.values())
    print(
        f"The whole network reads {found.whole:.0%} correctly, and without block {worst} "
        f"{found.without[worst]:.0%}. {spared} of {len(blocks)} blocks can be removed with a loss "
        "of less than 2 %."
    )
    slide("Remove block", list(read), worst, lambda name: _draw_one(name, read[name], whole, X))
    return found


@contextmanager
def switched_off(block: ResidualBlock) -> Iterator[None]:
    """Let a block's main path add nothing, and restore its weights afterwards."""
    scale = block.last_scale
    kept = [(weight, weight.numpy()) for weight in (scale.gamma, scale.beta)]
    try:
        for weight, _ in kept:
            weight.assign(np.zeros(weight.shape, np.float32))
        yield
    finally:
        for weight, values in kept:
            weight.assign(values)


def _read(model: Any, pictures: NDArray[np.float32]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = model.predict(pictures, batch_size=60, verbose=0).argmax(axis=1)
    return found


def _draw_all(found: BlockRemoval, changes_shape: Sequence[bool]) -> None:
    _, ax = plt.subplots(figsize=(8, 3.2), facecolor="white", layout="constrained")
    names = list(found.without)
    bars = ax.bar(
        names,
        list(found.without.values()),
        color="#9ec5eb",
        edgecolor="#1f5fa8",
        hatch=["//" if changes else "" for changes in changes_shape],
    )
    ax.bar_label(
        bars, [f"{share:.0%}" for share in found.without.values()], padding=-14, fontsize=8
    )
    ax.axhline(found.whole, color="#101828", linestyle="--", linewidth=1)
    ax.annotate(
        f"whole network: {found.whole:.0%}",
        (len(names) - 0.5, found.whole),
        ha="right",
        va="bottom",
        xytext=(0, 4),
        textcoords="offset points",
    )
    ax.set(
        xlabel="block removed (hatched: those that change the shape)",
        ylabel="share read correctly",
        ylim=(0, 1.2),
        yticks=[0, 0.5, 1],
    )
    ax.spines[["top", "right"]].set_visible(False)
    plt.show()


def _draw_one(
    name: str, guess: NDArray[np.int64], whole: NDArray[np.int64], X: NDArray[Any]
) -> None:
    changed = np.flatnonzero(guess != whole)
    shown = changed[:6]
    figure, axes = plt.subplots(
        1, max(len(shown), 1), figsize=(8, 1.9), facecolor="white", squeeze=False
    )
    figure.suptitle(
        f"Without block {name}, {len(changed)} of {len(whole)} pictures are read differently"
    )
    for ax in axes[0]:
        ax.axis("off")
    for ax, picture in zip(axes[0], shown, strict=False):
        ax.imshow(X[picture])
        ax.set_title(f"{whole[picture]} becomes {guess[picture]}", fontsize=9)
