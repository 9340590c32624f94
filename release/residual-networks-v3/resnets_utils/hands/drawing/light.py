"""A lamp and a room, and how they light a hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing.surface import EMPTY, Picture, Surface, blurred, moved

Slopes = tuple[Picture, Picture, Picture]


@dataclass(frozen=True)
class Light:
    """A lamp and its room. ``direction`` points from the hand to the lamp; levels are linear."""

    direction: NDArray[np.float32]
    key: float
    ambient: float
    hardness: float


def between(random: np.random.Generator, low: float, high: float) -> float:
    """Draw a number between two others, each as likely as the next."""
    return float(random.uniform(low, high))


def happens(random: np.random.Generator, share: float) -> bool:
    """Draw whether something is so in a share of pictures.

    Nothing is drawn for a share of 0, so what the data set has not leaves its pictures as they are.
    """
    return share > 0 and bool(random.random() < share)


def draw_light(random: np.random.Generator) -> Light:
    """Draw a lamp and its room."""
    around = random.uniform(0, 2 * np.pi)
    # Mostly from above, as in a room.
    if random.random() < 0.75:
        around = random.normal(np.pi / 2, 0.9)
    height = np.radians(random.uniform(25, 80))
    direction = np.array(
        [np.cos(around) * np.cos(height), np.sin(around) * np.cos(height), np.sin(height)],
        np.float32,
    )
    key = between(random, 0.25, 0.85)
    return Light(
        direction,
        key,
        ambient=between(random, 0.85, 1.0) - 0.62 * key,
        hardness=between(random, 0.3, 1.0),
    )


def slopes_of(height: Picture) -> Slopes:
    """Return how the height grows to the right and upwards, per frame, edges of the hand apart.

    The third is the length of the surface's normal (-right, -up, 1).
    """
    side = height.shape[0]
    empty = height == EMPTY
    solid = np.where(empty, 0, height)

    def slope(axis: int) -> Picture:
        ahead, behind = np.roll(solid, -1, axis), np.roll(solid, 1, axis)
        no_ahead, no_behind = np.roll(empty, -1, axis), np.roll(empty, 1, axis)
        # There is no height beside the hand: the surface falls off there.
        ahead = np.where(no_ahead, 2 * solid - np.where(no_behind, solid, behind) - 2 / side, ahead)
        behind = np.where(no_behind, 2 * solid - ahead - 2 / side, behind)
        steepness: Picture = np.clip((ahead - behind) * (side / 2), -3, 3).astype(np.float32)
        return steepness

    right, up = slope(1), -slope(0)
    return right, up, np.sqrt(right * right + up * up + 1)


def shading(
    surface: Surface, slopes: Slopes, light: Light, random: np.random.Generator
) -> tuple[Picture, Picture]:
    """Return the light that falls on each pixel, and the gloss, both (side, side, 3)."""
    right, up, length = slopes
    toward = light.direction
    facing = (-right * toward[0] - up * toward[1] + toward[2]) / length
    lit = 1 - light.hardness * _shadow_on_hand(surface, light)
    # Light spreads under the skin, red the farthest, so the edge of a shadow is red.
    wrap = np.array([0.42, 0.26, 0.20], np.float32)
    diffuse = np.clip((facing[..., None] + wrap) / (1 + wrap), 0, None)
    # Surfaces that face up get more of the room's light.
    sky = 0.82 + 0.18 * (-up / length)
    nook = _nooks(surface)
    shade = light.key * 1.35 * diffuse * lit[..., None]
    shade = shade + light.ambient * (sky * nook)[..., None]
    half = toward + np.array([0, 0, 1], np.float32)
    half = half / np.linalg.norm(half)
    shine = np.clip((-right * half[0] - up * half[1] + half[2]) / length, 0, 1)
    gloss = between(random, 0.0, 0.14) * light.key * shine ** between(random, 8, 40) * lit
    return shade.astype(np.float32), gloss[..., None].astype(np.float32)


def _nooks(surface: Surface) -> Picture:
    """Return how open each pixel is: about 1, and less between fingers and in folds."""
    solid = np.where(surface.height == EMPTY, np.float32(-0.25), surface.height)
    openness = np.ones_like(solid)
    for sigma, weight in ((2.0, 3.2), (6.0, 1.6)):
        openness -= np.clip(weight * (blurred(solid, sigma) - solid), -0.02, 0.5)
    return np.clip(openness, 0.25, 1.05)


def _shadow_on_hand(surface: Surface, light: Light) -> Picture:
    """Return 0 in the light and up to 1 where another part blocks the lamp."""
    height = surface.height
    side = height.shape[0]
    flat = light.direction[:2]
    flat_length = max(float(np.linalg.norm(flat)), 1e-3)
    climb = float(light.direction[2]) / flat_length
    blocked = np.zeros_like(height)
    for distance in (0.015, 0.03, 0.05, 0.075, 0.105, 0.14, 0.19, 0.26):
        step = flat / flat_length * distance * side
        toward_lamp = moved(height, float(step[0]), float(step[1]), float(EMPTY))
        above = toward_lamp - (height + distance * climb)
        blocked = np.maximum(blocked, np.clip(above * (0.6 / distance), 0, 1))
    return np.clip(blurred(blocked, 1.0), 0, 1)
