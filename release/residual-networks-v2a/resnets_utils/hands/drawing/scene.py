"""A picture: a posed hand, lit, before a wall, photographed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing.body import Build, View, bones_of, put_before_camera
from resnets_utils.hands.drawing.camera import FINER, photograph
from resnets_utils.hands.drawing.light import between, draw_light, happens, shading, slopes_of
from resnets_utils.hands.drawing.poses import draw_pose
from resnets_utils.hands.drawing.skin import albedo
from resnets_utils.hands.drawing.surface import render
from resnets_utils.hands.drawing.variety import Variety
from resnets_utils.hands.drawing.wall import draw_wall

SIDE = 64  # pixels of a picture of the data set


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
    loose = happens(random, variety.loose)
    placed = put_before_camera(
        bones_of(draw_pose(sign, random, loose), _draw_build(person, loose)),
        _draw_view(sign, random, variety),
    )
    surface = render(placed.cones, side * FINER)
    slopes = slopes_of(surface.height)
    light = draw_light(person)
    shade, gloss = shading(surface, slopes, light, person)
    dressed = happens(person, variety.dressed)
    hand = albedo(surface, slopes, placed, person, dressed) * shade + gloss
    wall = draw_wall(surface, light, person, variety)
    inside = (surface.part >= 0)[..., None]
    phone = happens(random, variety.phone)
    return photograph(np.where(inside, hand, wall), person, random, variety.camera, phone)


def _draw_build(random: np.random.Generator, loose: bool) -> Build:
    length = between(random, 0.90, 1.10)
    each = random.normal(1, 0.04, 4) if loose else np.ones(4)
    first, second, third, fourth = (float(length * own) for own in each)
    return Build(
        finger_lengths=(first, second, third, fourth),
        finger_width=between(random, 0.84, 1.16),
        palm_width=between(random, 0.92, 1.12),
        arm_turn=(float(random.normal(0, 0.22)), float(random.normal(0, 0.2))),
        sleeve_from=between(random, 0.15, 1.6) if random.random() < 0.35 else None,
        band_at=between(random, 0.12, 0.4) if random.random() < 0.08 else None,
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
    # The frame cuts a fingertip at most, since a hand without a finger shows another number.
    shift = random.uniform(-0.1, 0.1, 2) if happens(random, variety.cut) else np.zeros(2)
    return View(
        yaw=float(np.radians(yaw)),
        pitch=float(np.radians(np.clip(random.normal(0, 12 * turn), -28, 28))),
        roll=float(np.radians(np.clip(random.normal(0, 22 * turn), -60, 60))),
        mirrored=bool(random.random() < 0.5),
        distance=between(random, 3.2, 9.0),
        extent=extent,
        place=(
            0.5 + stray * (float(random.beta(2, 2)) - 0.5),
            0.5 + stray * (float(random.beta(2, 1.7)) - 0.5),
        ),
        shift=(float(shift[0]), float(shift[1])),
    )
