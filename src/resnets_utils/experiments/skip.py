"""Try it: how much each block adds to what its shortcut carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from resnets_utils.experiments.residual_blocks import identity_stages, residual_blocks, scaled
from resnets_utils.experiments.shown_pictures import ShownPicture, picture_of, show, slide
from resnets_utils.hinted_errors import StudentError

CHANNELS_SHOWN = 4
BAR = 0.4


Paths = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Carried:
    """Sizes (Euclidean norms) of the outputs of each block's shortcut and main path.

    Attributes:
        shortcut: by the block's name.
        main: by the block's name.
        stages: the identity blocks of each stage that has several.

    """

    shortcut: dict[str, float]
    main: dict[str, float]
    stages: dict[str, list[str]]

    @property
    def shares(self) -> dict[str, float]:
        """What each main path adds, as a share of what its shortcut carries."""
        return {name: main / max(self.shortcut[name], 1e-12) for name, main in self.main.items()}

    @property
    def stage_shares(self) -> dict[str, float]:
        """The mean share of each stage's identity blocks."""
        shares = self.shares
        return {
            stage: float(np.mean([shares[name] for name in names]))
            for stage, names in self.stages.items()
        }


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
    found, paths = carried(model, picture)
    said = _in_words(found)
    print(said)
    show(picture_of(_sizes(found), f"Bars: a block's shortcut, and its main path. {said}"))
    first = list(paths)[1] if len(paths) > 1 else next(iter(paths))
    slide(
        "Look into block",
        list(paths),
        first,
        lambda name: _channels(name, *paths[name], found.shares[name]),
    )
    return found


def carried(model: Any, picture: NDArray[Any]) -> tuple[Carried, Paths]:
    """Measure what `what_the_skip_carries` draws.

    Returns:
        the sizes, and for each block the outputs of its shortcut and its main path.

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
    stages = {
        stage: [block.name for block in some]
        for stage, some in identity_stages(blocks).items()
        if len(some) > 1
    }
    shortcut, main = (
        {name: float(np.linalg.norm(path[which])) for name, path in paths.items()}
        for which in (0, 1)
    )
    return Carried(shortcut, main, stages), paths


def _in_words(found: Carried) -> str:
    shares, means = found.shares, found.stage_shares
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    lines = [
        f"The main path adds between {shares[least]:.0%} (block {least}) and {shares[most]:.0%} "
        f"(block {most}) of the size that the shortcut carries."
    ]
    if means:
        each = ", ".join(f"{mean:.0%} in stage {stage}" for stage, mean in means.items())
        lines.append(f"An identity block adds, on average, {each}.")
    return "\n".join(lines)


def _sizes(found: Carried) -> Figure:
    figure = Figure(figsize=(9.6, 3.4), facecolor="white", layout="constrained")
    ax = figure.subplots()
    places = np.arange(len(found.main))
    for side, sizes, label, colour, edge, hatch in (
        (-1, found.shortcut, "x, over the shortcut", "#f6c89f", "#b54708", "//"),
        (1, found.main, "F(x), added by the main path", "#9ec5eb", "#1f5fa8", None),
    ):
        ax.bar(
            places + side * BAR / 2,
            list(sizes.values()),
            BAR,
            label=label,
            hatch=hatch,
            facecolor=colour,
            edgecolor=edge,
        )
    for place, name, share in zip(places, found.main, found.shares.values(), strict=True):
        ax.annotate(
            f"{share:.0%}",
            (place, found.main[name]),
            xytext=(1, 2),
            textcoords="offset points",
            fontsize=8,
        )
    ax.set(
        xlabel="block",
        ylabel="size (Euclidean norm)",
        xticks=places,
        xticklabels=list(found.main),
    )
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _channels(
    name: str, shortcut: NDArray[np.float32], main: NDArray[np.float32], share: float
) -> ShownPicture:
    """Draw x, F(x) and ReLU(x + F(x)) for the channels to which the block adds most."""
    strongest = np.argsort(np.abs(main).sum(axis=(0, 1)))[::-1][:CHANNELS_SHOWN]
    rows = {"x": shortcut, "F(x)": main, "ReLU(x + F(x))": np.maximum(shortcut + main, 0)}
    figure = Figure(figsize=(6.4, 4.4), facecolor="white", layout="constrained")
    title = f"Block {name}: the channels to which it adds most"
    figure.suptitle(title)
    axes = figure.subplots(len(rows), len(strongest), squeeze=False)
    for row, (label, value) in zip(axes, rows.items(), strict=True):
        for ax, channel in zip(row, strongest, strict=True):
            reach = float(np.abs([r[..., channel] for r in rows.values()]).max()) or 1.0
            # From dark to light: the sign shows without colours, too.
            image = ax.imshow(value[..., channel] / reach, cmap="cividis", vmin=-1, vmax=1)
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(label)
    for ax, channel in zip(axes[0], strongest, strict=True):
        ax.set_title(f"channel {channel}", fontsize=9)
    bar = figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], shrink=0.6)
    bar.set_ticklabels(["negative", "0", "positive"], fontsize=8)
    return picture_of(
        figure,
        f"{title}: x, F(x) and ReLU(x + F(x)) of the channels "
        f"{', '.join(map(str, strongest))}. In all channels together, F(x) has {share:.0%} of "
        "the size of x.",
    )
