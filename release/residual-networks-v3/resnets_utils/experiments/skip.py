"""Try it: how much each block adds to what its shortcut carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from resnets_utils.experiments.residual_blocks import residual_blocks, scaled
from resnets_utils.experiments.sliders import slide
from resnets_utils.hinted_errors import StudentError

CHANNELS_SHOWN = 4
BAR = 0.4


@dataclass(frozen=True)
class Carried:
    """Sizes (Euclidean norms) of the outputs of each block's shortcut and main path."""

    shortcut: dict[str, float]
    main: dict[str, float]


def what_the_skip_carries(model: Any, picture: NDArray[Any]) -> Carried:
    """Send one picture through a network and draw what each block adds to its shortcut.

    Args:
        model: your trained network.
        picture: (64, 64, 3), uint8 or in [0, 1].

    Returns:
        the sizes that are drawn.

    Raises:
        StudentError: if the model has no residual blocks, or the picture does not fit it.

    """
    blocks = residual_blocks(model)
    picture = scaled(picture)
    if picture.shape != tuple(model.input_shape[1:]):
        raise StudentError(
            f"the picture has shape {picture.shape}, and the model takes {model.input_shape[1:]}",
            "pass one picture, such as X_test[0]",
        )
    look_inside = keras.Model(
        model.input, [tensor for block in blocks for tensor in (block.shortcut, block.main)]
    )
    values = [np.asarray(value)[0] for value in look_inside(picture[None], training=False)]
    paths = {
        block.name: (shortcut, main)
        for block, shortcut, main in zip(blocks, values[::2], values[1::2], strict=True)
    }
    found = Carried(
        {name: float(np.linalg.norm(shortcut)) for name, (shortcut, _) in paths.items()},
        {name: float(np.linalg.norm(main)) for name, (_, main) in paths.items()},
    )
    _draw_sizes(found)
    shares = {name: found.main[name] / max(found.shortcut[name], 1e-12) for name in paths}
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    print(
        f"The main path adds between {shares[least]:.0%} (block {least}) and {shares[most]:.0%} "
        f"(block {most}) of the size that the shortcut carries."
    )
    first = list(paths)[1] if len(paths) > 1 else next(iter(paths))
    slide("Look into block", list(paths), first, lambda name: _draw_channels(name, *paths[name]))
    return found


def _draw_sizes(found: Carried) -> None:
    _, ax = plt.subplots(figsize=(8, 3.2), facecolor="white", layout="constrained")
    places = np.arange(len(found.main))
    for side, sizes, label, colour, edge, hatch in (
        (-1, found.shortcut, "x, over the shortcut", "#f6c89f", "#b54708", "//"),
        (1, found.main, "F(x), added by the main path", "#9ec5eb", "#1f5fa8", None),
    ):
        bars = ax.bar(places + side * BAR / 2, list(sizes.values()), BAR, label=label, hatch=hatch)
        plt.setp(bars, facecolor=colour, edgecolor=edge)
    ax.set(
        xlabel="block",
        ylabel="size (Euclidean norm)",
        xticks=places,
        xticklabels=list(found.main),
    )
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    plt.show()


def _draw_channels(name: str, shortcut: NDArray[np.float32], main: NDArray[np.float32]) -> None:
    """Draw x, F(x) and ReLU(x + F(x)) for the channels to which the block adds most."""
    strongest = np.argsort(np.abs(main).sum(axis=(0, 1)))[::-1][:CHANNELS_SHOWN]
    rows = {"x": shortcut, "F(x)": main, "ReLU(x + F(x))": np.maximum(shortcut + main, 0)}
    figure, axes = plt.subplots(
        len(rows),
        len(strongest),
        figsize=(5.5, 4.4),
        facecolor="white",
        layout="constrained",
        squeeze=False,
    )
    figure.suptitle(f"Block {name}: the channels to which it adds most")
    for row, (label, value) in zip(axes, rows.items(), strict=True):
        for ax, channel in zip(row, strongest, strict=True):
            reach = float(np.abs([r[..., channel] for r in rows.values()]).max()) or 1.0
            ax.imshow(value[..., channel], cmap="PuOr", vmin=-reach, vmax=reach)
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(label)
    for ax, channel in zip(axes[0], strongest, strict=True):
        ax.set_title(f"channel {channel}", fontsize=9)
