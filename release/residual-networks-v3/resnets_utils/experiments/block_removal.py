"""Try it: take blocks of a trained residual network away, one by one and several at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from resnets_utils.experiments.residual_blocks import (
    ResidualBlock,
    identity_stages,
    residual_blocks,
    scaled,
)
from resnets_utils.experiments.shown_pictures import ShownPicture, picture_of, show, slide
from resnets_utils.hands.classes import CLASSES
from resnets_utils.short_run import short_run

PICTURES = 120
SHORT_RUN_BLOCKS, SHORT_RUN_PICTURES = 2, 12
BATCH = 60
SHOWN = 6

ONE, STAGE, ALL = "one block", "a stage's identity blocks", "all of them"


@dataclass(frozen=True)
class Removal:
    """Blocks that are taken away together.

    Attributes:
        name: such as "3b", "3b to 3d" or "all 12 identity blocks".
        kind: `ONE`, `STAGE` or `ALL`.
        blocks: the blocks.

    """

    name: str
    kind: str
    blocks: tuple[ResidualBlock, ...]


@dataclass(frozen=True)
class BlockRemoval:
    """Shares of pictures read correctly: by the whole network, and without some blocks.

    Attributes:
        whole: by the whole network.
        one: without one block, by its name.
        stage: without all identity blocks of a stage, by their names: "3b to 3d".
        all: without all identity blocks.

    """

    whole: float
    one: dict[str, float]
    stage: dict[str, float]
    all: dict[str, float]

    @property
    def without(self) -> dict[str, float]:
        """All shares without some blocks, by their names."""
        return self.one | self.stage | self.all


def remove_blocks(model: Any, X: NDArray[Any], Y: NDArray[np.int64]) -> BlockRemoval:
    """Measure a trained network with some of its blocks switched off, and draw the results.

    Each block is switched off alone, then all identity blocks of a stage together,
    then all identity blocks. A block is switched off by scaling what its main path
    adds to zero; its shortcut stays. The model's weights are restored afterwards.

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
    chosen = removals(blocks)
    print(
        f"Reading {len(pictures)} pictures {len(chosen) + 1} times, with other blocks taken away "
        "each time: about half a minute on two cores"
    )
    whole, *others = read_without(model, pictures, chosen)
    found = shares_read(whole, others, chosen, labels)
    said = _in_words(found, len(pictures))
    print(said)
    show(picture_of(_bars(found, blocks), f"Bars for these figures. {said}"))
    read = {removal.name: other for removal, other in zip(chosen, others, strict=True)}
    slide(
        "Take away",
        list(read),
        min(found.without, key=found.without.__getitem__),
        lambda name: _suffering(name, read[name], whole, labels, X),
    )
    return found


def removals(blocks: Sequence[ResidualBlock]) -> list[Removal]:
    """Return what is taken away, in turn: each block, the identity blocks of a stage, and all."""
    stages = identity_stages(blocks)
    together = [
        Removal(f"{some[0].name} to {some[-1].name}", STAGE, tuple(some))
        for some in stages.values()
        if len(some) > 1
    ]
    if len(stages) > 1:
        every = tuple(block for some in stages.values() for block in some)
        together.append(Removal(f"all {len(every)} identity blocks", ALL, every))
    return [Removal(block.name, ONE, (block,)) for block in blocks] + together


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


def read_without(
    model: Any, pictures: NDArray[np.float32], chosen: Sequence[Removal]
) -> list[NDArray[np.float32]]:
    """Let the whole network read pictures, and then without blocks; print a dot each time.

    Returns:
        for the whole network and for each removal, how certain the network is of each
        class, (pictures, classes).

    """
    read = []
    for blocks in ((), *(removal.blocks for removal in chosen)):
        print(".", end="", flush=True)
        with ExitStack() as off:
            for block in blocks:
                off.enter_context(switched_off(block))
            read.append(model.predict(pictures, batch_size=BATCH, verbose=0))
    print()
    return read


def shares_read(
    whole: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    chosen: Sequence[Removal],
    labels: NDArray[np.int64],
) -> BlockRemoval:
    """Return the shares read correctly by what `read_without` returned."""

    def share(read: NDArray[np.float32]) -> float:
        return float(np.mean(read.argmax(axis=1) == labels))

    without = {kind: dict[str, float]() for kind in (ONE, STAGE, ALL)}
    for removal, read in zip(chosen, others, strict=True):
        without[removal.kind][removal.name] = share(read)
    return BlockRemoval(share(whole), *without.values())


def _in_words(found: BlockRemoval, pictures: int) -> str:
    lines = [
        f"The whole network reads {found.whole:.0%} of {pictures} pictures correctly; "
        f"guessing reads {1 / CLASSES:.0%}.",
        f"Without one block: at least {min(found.one.values()):.0%}, whichever it is.",
    ]
    if found.stage:
        each = [f"  {share:>4.0%} without {name}" for name, share in found.stage.items()]
        lines += ["Without the identity blocks of a stage:", *each]
    lines += [f"Without {name}: {share:.0%}." for name, share in found.all.items()]
    return "\n".join(lines)


def _bars(found: BlockRemoval, blocks: Sequence[ResidualBlock]) -> Figure:
    figure = Figure(figsize=(9.6, 3.6), facecolor="white", layout="constrained")
    ax = figure.subplots()
    changes = {block.name for block in blocks if block.changes_shape}
    ticks, labels, place = [], [], 0.0
    for title, shares in ((ONE, found.one), (STAGE, found.stage), (ALL, found.all)):
        if not shares:
            continue
        places = place + np.arange(len(shares)) * (1.0 if title == ONE else 1.3)
        bars = ax.bar(
            places,
            list(shares.values()),
            color="#9ec5eb",
            edgecolor="#1f5fa8",
            hatch=["//" if name in changes else "" for name in shares],
        )
        ax.bar_label(bars, [f"{share:.0%}" for share in shares.values()], padding=2, fontsize=7)
        ax.text(places.mean(), 1.17, title, ha="center")
        ticks += places.tolist()
        labels += [name.replace(" ", "\n") for name in shares]
        place = places[-1] + 2.2
    ax.axhline(1 / CLASSES, color="#475467", linestyle=":", linewidth=1)
    ax.annotate(
        "guessing",
        (place - 1.6, 1 / CLASSES),
        xytext=(0, 2),
        textcoords="offset points",
        va="bottom",
        fontsize=8,
    )
    ax.set(
        xlabel="taken away (hatched: a block that changes the shape)",
        ylabel="share read correctly",
        xlim=(-1, place),
        ylim=(0, 1.28),
        yticks=[0, 0.5, 1],
        xticks=ticks,
        xticklabels=labels,
    )
    ax.tick_params(axis="x", labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _suffering(
    name: str,
    read: NDArray[np.float32],
    whole: NDArray[np.float32],
    labels: NDArray[np.int64],
    X: NDArray[Any],
) -> ShownPicture:
    """Return the pictures whose true number loses most of the network's certainty."""
    rows = np.arange(len(labels))
    before, after = whole[rows, labels], read[rows, labels]
    shown = np.argsort(after - before, kind="stable")[:SHOWN]
    changed = int(np.sum(read.argmax(axis=1) != whole.argmax(axis=1)))
    title = f"Without {name}, {changed} of {len(labels)} pictures are read differently"
    figure = Figure(figsize=(8, 2.05), facecolor="white", layout="constrained")
    figure.suptitle(f"{title}; these lose most", fontsize=11)
    words = []
    for ax, picture in zip(figure.subplots(1, SHOWN, squeeze=False)[0], shown, strict=False):
        was, now = whole[picture].argmax(), read[picture].argmax()
        reading = f"still {now}" if was == now else f"{was} becomes {now}"
        certainty = f"{before[picture]:.0%} to {after[picture]:.0%}"
        ax.imshow(X[picture])
        ax.set_title(f"{reading}\n{labels[picture]}: {certainty}", fontsize=9)
        words.append(f"a hand that shows {labels[picture]}: {reading}, certainty {certainty}")
    for ax in figure.axes:
        ax.axis("off")
    said = f"{title}. These lose most: {'; '.join(words)}."
    return picture_of(figure, said, photos=True)
