"""``python -m studio try-it``: what the trained network shows in the notebooks' cells to try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from coursekit.course.assignment import find_assignment
from coursekit.errors import GateError
from resnets_utils.experiments.block_removal import (
    PICTURES,
    BlockRemoval,
    read_without,
    removals,
    shares_read,
)
from resnets_utils.experiments.residual_blocks import residual_blocks, scaled
from resnets_utils.experiments.skip import Carried, carried
from resnets_utils.hands.drawing.generator import varied_hands
from resnets_utils.hands.trained_model import load_pretrained
from studio.pretraining.pretrain import TRAINED
from studio.pretraining.trained_network import solution_model

# Shares read correctly that differ by less are as good as equal.
UNNOTICED, MANY_MISTAKES, HALF = 0.06, 0.15, 0.5


@dataclass(frozen=True)
class Findings:
    """What both cells measure."""

    removal: BlockRemoval
    carried: Carried

    def missed(self, stage: str) -> float:
        """Return how much the share falls without a stage's identity blocks."""
        names = self.carried.stages[stage]
        return self.removal.whole - self.removal.stage[f"{names[0]} to {names[-1]}"]


def _stage(found: Findings, choose: Callable[..., str]) -> str:
    shares = found.carried.stage_shares
    return choose(shares, key=shares.__getitem__)


# Sentences of the notebooks about the trained network, and how each is measured. Other
# weights that make one of them untrue need another sentence.
CLAIMS: dict[str, Callable[[Findings], bool]] = {
    "Hardly any single block is missed": lambda found: (
        sum(found.removal.whole - share > UNNOTICED for share in found.removal.one.values()) <= 3
    ),
    "One stage can do without all its identity blocks": lambda found: (
        found.removal.whole - max(found.removal.stage.values()) <= UNNOTICED
    ),
    "without those of another the network makes many mistakes": lambda found: (
        found.removal.whole - min(found.removal.stage.values()) >= MANY_MISTAKES
    ),
    "without all twelve it reads less than half": lambda found: (
        max(found.removal.all.values()) < HALF
    ),
    "No block adds as much as its shortcut carries": lambda found: (
        max(found.carried.shares.values()) < 1
    ),
    "most add less than half of it": lambda found: (
        float(np.median(list(found.carried.shares.values()))) < 0.5
    ),
    "The stage whose identity blocks add least can do without them all": lambda found: (
        found.missed(_stage(found, min)) <= UNNOTICED
    ),
    "the one whose identity blocks add most is missed more": lambda found: (
        found.missed(_stage(found, max)) > found.missed(_stage(found, min)) + UNNOTICED
    ),
}


def measure(model: Any, pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> Findings:
    """Measure what the cells show with a trained model: one with the exercise's blocks."""
    chosen = removals(residual_blocks(model))
    whole, *others = read_without(model, scaled(pictures), chosen)
    sizes, _ = carried(model, pictures[0])
    return Findings(shares_read(whole, others, chosen, labels.ravel()), sizes)


def show_findings(course: Path, console: Console) -> None:
    """Print the figures of the shipped weights, and whether the notebooks' sentences hold.

    Raises:
        GateError: if one does not hold.

    """
    model = solution_model(find_assignment(course, TRAINED))
    load_pretrained(model)
    found = measure(model, *varied_hands(PICTURES))
    console.print(f"{found.removal.whole:5.0%} read correctly by the whole network")
    for name, share in found.removal.without.items():
        console.print(f"{share:5.0%} without {name}")
    for name, share in found.carried.shares.items():
        console.print(f"{share:5.0%} of what its shortcut carries is added by {name}")
    untrue = [claim for claim, holds in CLAIMS.items() if not holds(found)]
    if untrue:
        raise GateError(
            f"the notebooks say of the trained network: {'; '.join(untrue)}; this is not so",
            "say in the cells try-remove-found and try-skip-found of both notebooks what is so, "
            "and in CLAIMS in studio/try_it.py",
        )
    console.print(f"all {len(CLAIMS)} sentences of the notebooks hold")
