"""The wall behind a hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing.light import Light, between, happens
from resnets_utils.hands.drawing.surface import Picture, Surface, blurred, moved, pixel_centres
from resnets_utils.hands.drawing.variety import Variety


def draw_wall(
    surface: Surface, light: Light, random: np.random.Generator, variety: Variety
) -> Picture:
    """Return the wall (side, side, 3), linear: uneven light, a shadow of the hand, a vignette."""
    side = surface.height.shape[0]
    x, y = pixel_centres(side)
    if random.random() < variety.plain_walls:
        paint = random.uniform(0.55, 0.88) * (1 + random.normal(0, [0.02, 0.02, 0.05]))
    else:
        paint = random.uniform(0.18, 0.8) * (1 + random.normal(0, 0.14, 3))
    slope = random.normal(0, 0.22, 2)
    field = 1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    lamp = random.uniform(-0.2, 1.2, 2)
    field = field + between(random, -0.05, 0.30) * np.exp(
        -((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2) / between(random, 0.1, 0.8)
    )
    things = happens(random, variety.things)
    stains = blurred(random.normal(0, 1, (side, side)).astype(np.float32), 9.0)
    field = field * (1 + between(random, 0, 0.5) * stains)
    field = field * (1 - _shadow_on_wall(surface, light, random))
    wall: NDArray[np.floating[Any]] = np.tile(np.clip(paint, 0.02, 1), (side, side, 1))
    if things:
        wall = _with_things(wall, random)
    wall = wall * np.clip(field, 0.05, None)[..., None]
    level = light.ambient + 1.1 * light.key * float(light.direction[2])
    lit: Picture = (wall * level).astype(np.float32)
    return lit


def _with_things(wall: NDArray[np.floating[Any]], random: np.random.Generator) -> Picture:
    """Put things on a wall (side, side, 3): planks or blinds, frames, shelves, balls, other skin.

    They are out of focus, as what is behind a hand is.
    """
    x, y = pixel_centres(len(wall))
    if random.random() < 0.3:
        angle, width = random.uniform(0, np.pi), between(random, 0.03, 0.25)
        across = (x * np.cos(angle) + y * np.sin(angle)) / width + random.uniform()
        planks = (np.floor(across) % 2)[..., None] * random.normal(0, 0.12, 3)
        wall = wall + planks + (across % 1 < 0.08)[..., None] * random.uniform(-0.2, 0.05)
    for _ in range(random.integers(1, 7)):
        centre, half = random.uniform(0, 1, 2), random.uniform(0.03, 0.45, 2)
        angle = random.normal(0, 0.15) if random.random() < 0.7 else random.uniform(0, np.pi)
        right, up = x - centre[0], y - centre[1]
        along = np.abs(right * np.cos(angle) + up * np.sin(angle)) / half[0]
        upright = np.abs(up * np.cos(angle) - right * np.sin(angle)) / half[1]
        round_ = random.random() < 0.25
        inside = along**2 + upright**2 < 1 if round_ else np.maximum(along, upright) < 1
        colour = np.clip(random.uniform(0.02, 0.8) + random.normal(0, 0.12, 3), 0.01, 0.95)
        cover = between(random, 0.3, 1.0) * inside[..., None]
        wall = wall + cover * (colour - wall)
    focus = abs(float(random.normal(0, 4.0)))
    return blurred(np.clip(wall, 0.01, 1).astype(np.float32), max(focus, 0.3))


def _shadow_on_wall(surface: Surface, light: Light, random: np.random.Generator) -> Picture:
    side = surface.height.shape[0]
    strength = between(random, 0.0, 0.55) * light.hardness
    behind = between(random, 0.03, 0.5)
    offset = -light.direction[:2] / max(float(light.direction[2]), 0.3) * behind * side
    outline = (surface.part >= 0).astype(np.float32)
    shadow = moved(outline, -float(offset[0]), -float(offset[1]), 0.0)
    # Farther walls catch softer shadows; where the hand nearly touches, they darken its edge.
    soft = blurred(shadow, 1.5 + 9 * behind)
    touch = blurred(outline, between(random, 2.0, 6.0)) * between(random, 0.0, 0.25)
    return np.clip(strength * soft + touch, 0, 0.85)
