"""Light, skin, wall and camera: from a posed hand to the numbers of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing.body import (
    BAND,
    FINGER_PART,
    FINGERTIPS,
    SLEEVE,
    Build,
    Placed,
    View,
    bones_of,
    put_before_camera,
)
from resnets_utils.hands.drawing.poses import draw_pose
from resnets_utils.hands.drawing.surface import (
    EMPTY,
    Picture,
    Surface,
    blurred,
    moved,
    pixel_centres,
    render,
)
from resnets_utils.hands.drawing.variety import Variety

SIDE = 64  # pixels of a picture of the data set
FINER = 2  # rendered this many times finer, then averaged

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


Slopes = tuple[Picture, Picture, Picture]


@dataclass(frozen=True)
class Light:
    """A lamp and its room. ``direction`` points from the hand to the lamp; levels are linear."""

    direction: NDArray[np.float32]
    key: float
    ambient: float
    hardness: float


def draw_picture(
    sign: int,
    random: np.random.Generator,
    variety: Variety,
    side: int = SIDE,
    person: np.random.Generator | None = None,
) -> NDArray[np.uint8]:
    """Draw a hand.

    Args:
        sign: the number that it shows, 0 to 5.
        random: decides what is special to this picture: pose and view.
        variety: how much pictures differ.
        side: height and width in pixels.
        person: decides what all pictures of a person share: build, skin, clothes, room
            and camera; ``random`` does if it is not given.

    Returns:
        (side, side, 3) uint8.

    """
    person = person or random
    placed = put_before_camera(
        bones_of(draw_pose(sign, random), _draw_build(person)), _draw_view(sign, random, variety)
    )
    surface = render(placed.cones, side * FINER)
    slopes = _slopes(surface.height)
    light = _draw_light(person)
    shade, gloss = _shading(surface, slopes, light, person)
    hand = _albedo(surface, slopes, placed, person) * shade + gloss
    wall = _wall(surface, light, person, variety)
    inside = (surface.part >= 0)[..., None]
    return _photograph(np.where(inside, hand, wall), person, random, variety.camera)


def _between(random: np.random.Generator, low: float, high: float) -> float:
    return float(random.uniform(low, high))


def _draw_build(random: np.random.Generator) -> Build:
    return Build(
        finger_length=_between(random, 0.90, 1.10),
        finger_width=_between(random, 0.84, 1.16),
        palm_width=_between(random, 0.92, 1.12),
        arm_turn=(float(random.normal(0, 0.22)), float(random.normal(0, 0.2))),
        sleeve_from=_between(random, 0.15, 1.6) if random.random() < 0.35 else None,
        band_at=_between(random, 0.12, 0.4) if random.random() < 0.08 else None,
    )


def _draw_view(sign: int, random: np.random.Generator, variety: Variety) -> View:
    turn, stray = variety.turn, variety.stray
    yaw = np.clip(random.normal(0, 18 * turn), -42, 42)
    if sign == 0 and random.random() < variety.side:
        # A ring is shown from the side of the thumb.
        yaw = random.uniform(-105, -30)
    elif random.random() < (0.15 if sign == 0 else variety.back):
        yaw += 180
    extent = variety.smallest + variety.growth * float(random.beta(1.8, 1.2))
    if sign in (0, 1, 2):
        # Bent fingers make the hand shorter, not nearer.
        extent *= 0.72 if sign == 0 else 0.92
    return View(
        yaw=float(np.radians(yaw)),
        pitch=float(np.radians(np.clip(random.normal(0, 12 * turn), -28, 28))),
        roll=float(np.radians(np.clip(random.normal(0, 22 * turn), -60, 60))),
        mirrored=bool(random.random() < 0.5),
        distance=_between(random, 3.2, 9.0),
        extent=extent,
        place=(
            0.5 + stray * (float(random.beta(2, 2)) - 0.5),
            0.5 + stray * (float(random.beta(2, 1.7)) - 0.5),
        ),
    )


def _draw_light(random: np.random.Generator) -> Light:
    around = random.uniform(0, 2 * np.pi)
    # Mostly from above, as in a room.
    if random.random() < 0.75:
        around = random.normal(np.pi / 2, 0.9)
    height = np.radians(random.uniform(25, 80))
    direction = np.array(
        [np.cos(around) * np.cos(height), np.sin(around) * np.cos(height), np.sin(height)],
        np.float32,
    )
    key = _between(random, 0.25, 0.85)
    return Light(
        direction,
        key,
        ambient=_between(random, 0.85, 1.0) - 0.62 * key,
        hardness=_between(random, 0.3, 1.0),
    )


def _slopes(height: Picture) -> Slopes:
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


def _shading(
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
    gloss = _between(random, 0.0, 0.14) * light.key * shine ** _between(random, 8, 40) * lit
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


def _albedo(
    surface: Surface, slopes: Slopes, placed: Placed, random: np.random.Generator
) -> Picture:
    """Return the colour of skin, nails and cloth (side, side, 3), linear."""
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
    flush = _between(random, 0.0, 0.16)
    redder = np.array([1.0, 1 - flush, 1 - flush], np.float32)
    colour = np.where((tips & (surface.along > 0.3))[..., None], colour * redder, colour)
    joint = np.minimum(surface.along, 1 - surface.along)
    fold = _between(random, 0.0, 0.24) * np.exp(-((joint / 0.045) ** 2)) * finger
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
    colour = colour * (1 + _between(random, 0, 0.08) * texture[..., None])
    for part in (SLEEVE, BAND):
        there = (surface.part == part)[..., None]
        colour = np.where(there, _draw_cloth(random), colour)
    return colour.astype(np.float32)


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


def _wall(surface: Surface, light: Light, random: np.random.Generator, variety: Variety) -> Picture:
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
    field = field + _between(random, -0.05, 0.30) * np.exp(
        -((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2) / _between(random, 0.1, 0.8)
    )
    stains = blurred(random.normal(0, 1, (side, side)).astype(np.float32), 9.0)
    field = field * (1 + _between(random, 0, 0.5) * stains)
    field = field * (1 - _shadow_on_wall(surface, light, random))
    wall = np.clip(paint, 0.02, 1)[None, None, :] * np.clip(field, 0.05, None)[..., None]
    level = light.ambient + 1.1 * light.key * float(light.direction[2])
    lit: Picture = (wall * level).astype(np.float32)
    return lit


def _shadow_on_wall(surface: Surface, light: Light, random: np.random.Generator) -> Picture:
    side = surface.height.shape[0]
    strength = _between(random, 0.0, 0.55) * light.hardness
    behind = _between(random, 0.03, 0.5)
    offset = -light.direction[:2] / max(float(light.direction[2]), 0.3) * behind * side
    outline = (surface.part >= 0).astype(np.float32)
    shadow = moved(outline, -float(offset[0]), -float(offset[1]), 0.0)
    # Farther walls catch softer shadows; where the hand nearly touches, they darken its edge.
    soft = blurred(shadow, 1.5 + 9 * behind)
    touch = blurred(outline, _between(random, 2.0, 6.0)) * _between(random, 0.0, 0.25)
    return np.clip(strength * soft + touch, 0, 0.85)


def _photograph(
    linear: Picture, person: np.random.Generator, random: np.random.Generator, mistakes: float
) -> NDArray[np.uint8]:
    """Return the photograph of a scene: exposure, colour, blur, noise and 8 bits."""
    side = linear.shape[0] // FINER
    x, y = pixel_centres(linear.shape[0])
    middle = person.normal(0.5, 0.1, 2)
    far = (x - middle[0]) ** 2 + (y - middle[1]) ** 2
    linear = linear * (1 - _between(person, 0, 0.55) * far)[..., None]
    warmth = person.normal(0, 0.045)
    balance = np.array([1 + warmth, 1.0, 1 - warmth]) * (1 + person.normal(0, 0.015, 3))
    linear = (
        linear
        * balance.astype(np.float32)
        * np.float32(np.exp(person.normal(-0.08, 0.22 * mistakes)))
    )
    # Even the sharpest lens smooths the steps of the finer grid.
    linear = blurred(linear, max(0.3, abs(float(person.normal(0, 0.42 * mistakes)))) * FINER)
    coarse = linear.reshape(side, FINER, side, FINER, 3).mean(axis=(1, 3))
    tones = np.clip(coarse, 0, None) ** (1 / 2.2)
    # A film-like shoulder instead of a hard clip, and some contrast.
    contrast = _between(person, 0.85, 1.2)
    tones = 0.55 + (tones - 0.55) * contrast
    tones = np.where(tones > 0.9, 0.9 + 0.1 * np.tanh((tones - 0.9) / 0.1), tones)
    grey = tones.mean(axis=-1, keepdims=True)
    tones = grey + (tones - grey) * _between(person, 0.7, 1.15)
    noise = random.normal(0, 1, (side, side, 3)) * abs(random.normal(0, 0.008 * mistakes))
    speckle = random.normal(0, 1, (side, side, 1)) * abs(random.normal(0, 0.008 * mistakes))
    tones = tones + noise + speckle
    levels: NDArray[np.uint8] = np.clip(np.round(tones * 255), 0, 255).astype(np.uint8)
    return levels
