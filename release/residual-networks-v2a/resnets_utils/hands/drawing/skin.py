"""The colours of a hand: skin, nails and cloth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing.body import BAND, FINGER_PART, FINGERTIPS, SLEEVE, Placed
from resnets_utils.hands.drawing.light import Slopes, between
from resnets_utils.hands.drawing.surface import Picture, Surface, blurred, pixel_centres

# Skin from light to dark as sRGB, back of the hand; our own choice of ten steps.
SKIN = (
    np.array(
        [
            [244, 217, 203],
            [236, 200, 180],
            [226, 184, 158],
            [214, 166, 136],
            [198, 146, 114],
            [176, 122, 90],
            [148, 98, 70],
            [118, 76, 54],
            [90, 57, 42],
            [66, 43, 34],
        ]
    )
    / 255
)


def albedo(
    surface: Surface,
    slopes: Slopes,
    placed: Placed,
    random: np.random.Generator,
    dressed: bool,
) -> Picture:
    """Return the colour of skin, nails and cloth (side, side, 3), linear.

    ``dressed`` adds a ring, and stripes to a sleeve.
    """
    back, palm = _draw_skin(random)
    side = surface.height.shape[0]
    right, up, length = slopes
    normal = np.stack([-right / length, -up / length, 1 / length], axis=-1)
    palmwards = normal @ placed.to_palm.astype(np.float32)
    share = np.clip(0.5 + 1.4 * palmwards, 0, 1)[..., None]
    colour: NDArray[np.floating[Any]] = back + share * (palm - back)
    finger = surface.part >= FINGER_PART
    tips = np.isin(surface.part, FINGERTIPS)
    # Blood shows at the tips; skin folds at the joints.
    flush = between(random, 0.0, 0.16)
    redder = np.array([1.0, 1 - flush, 1 - flush], np.float32)
    colour = np.where((tips & (surface.along > 0.3))[..., None], colour * redder, colour)
    joint = np.minimum(surface.along, 1 - surface.along)
    fold = between(random, 0.0, 0.24) * np.exp(-((joint / 0.045) ** 2)) * finger
    colour = colour * (1 - fold[..., None])
    x, y = pixel_centres(side)
    polish = _draw_nail_polish(random)
    for part, (centre, along, radius) in placed.nails.items():
        there = surface.part == part
        if not there.any():
            continue
        offset = np.stack(
            np.broadcast_arrays(x - centre[0], y - centre[1], surface.height - centre[2]), axis=-1
        ).astype(np.float32)
        on_axis = offset @ along.astype(np.float32)
        off_axis = np.sqrt(np.maximum((offset**2).sum(-1) - on_axis**2, 0))
        nail = there & ((on_axis / (1.25 * radius)) ** 2 + (off_axis / radius) ** 2 < 1)
        colour = np.where(nail[..., None], colour + polish[3] * (polish[:3] - colour), colour)
    texture = blurred(random.normal(0, 1, (side, side)).astype(np.float32), 1.5)
    colour = colour * (1 + between(random, 0, 0.08) * texture[..., None])
    for part in (SLEEVE, BAND):
        there = (surface.part == part)[..., None]
        colour = np.where(there, _draw_cloth(random), colour)
    if dressed:
        colour = _dressed(colour, surface, random)
    return colour.astype(np.float32)


def _dressed(colour: Picture, surface: Surface, random: np.random.Generator) -> Picture:
    """Put a ring on a finger and stripes on the sleeve."""
    finger = FINGER_PART + 3 * int(random.integers(0, 4))
    around = between(random, 0.35, 0.6)
    ring = (surface.part == finger) & (np.abs(surface.along - around) < 0.1)
    colour = np.where(ring[..., None], _draw_cloth(random), colour)
    stripes = np.sin(surface.along * between(random, 60.0, 400.0) + between(random, 0.0, 6.0)) > 0
    striped = (surface.part == SLEEVE) & stripes
    return np.where(striped[..., None], _draw_cloth(random), colour)


def _draw_skin(random: np.random.Generator) -> tuple[Picture, Picture]:
    """Return linear colours (3,) of the back of a hand and of its palm."""
    depth = random.uniform(0, 9) if random.random() < 0.6 else random.uniform(0.5, 5)
    below = int(min(depth, 8))
    tone = SKIN[below] + (depth - below) * (SKIN[below + 1] - SKIN[below])
    tone = np.clip(tone * (1 + random.normal(0, [0.03, 0.035, 0.05])), 0, 1) ** 2.2
    # Palms have little melanin: the darker the back, the lighter the palm is beside it.
    pale = np.array([0.62, 0.36, 0.27])
    palm = tone + (pale - tone) * min(0.75, 0.12 + 0.07 * depth) * random.uniform(0.5, 1.0)
    palm = palm * np.array([1.03, 0.95, 0.94])
    return tone.astype(np.float32), palm.astype(np.float32)


def _draw_nail_polish(random: np.random.Generator) -> Picture:
    """Return a linear colour and how well it covers (4,): polish, or the nail's own sheen."""
    if random.random() < 0.12:
        return np.array([*random.uniform(0.05, 0.9, 3) ** 2.2, 1.0], np.float32)
    return np.array([0.80, 0.55, 0.50, random.uniform(0.05, 0.35)], np.float32)


def _draw_cloth(random: np.random.Generator) -> Picture:
    grey = random.uniform(0.02, 0.8)
    cloth = np.clip(grey + random.normal(0, 0.12, 3), 0.01, 0.95)
    return cloth.astype(np.float32)
