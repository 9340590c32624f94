"""The visible surface of round cones, seen along z: height, owner and position on the bone.

A round cone is what a ball sweeps that moves along a bone while its radius
changes. Its height at a pixel is found in closed form, so that a picture
takes milliseconds without a graphics card.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

EMPTY = np.float32(-100.0)


@dataclass(frozen=True)
class RoundCone:
    """A ball of radius ``first_radius`` at ``first`` that becomes another at ``last``.

    Positions (3,) and radii of a hand's bones are in palms, in the hand's own axes. Before
    the camera they are in frames: 1 is the side of the picture, x runs to the right, y up
    and z to the viewer. ``blend`` is the depth over which the cone melts into those drawn
    before it.
    """

    first: NDArray[np.float64]
    last: NDArray[np.float64]
    first_radius: float
    last_radius: float
    part: int
    blend: float


@dataclass(frozen=True)
class Surface:
    """What a pixel sees: arrays of shape (side, side); the first row is the picture's top.

    ``height`` is EMPTY where nothing is; ``part`` (int16) is -1 there;
    ``along`` is the position on the part's bone, 0 at its start and 1 at its end.
    """

    height: Picture
    part: NDArray[np.int16]
    along: Picture


def pixel_centres(side: int) -> tuple[Picture, Picture]:
    """Return x of shape (1, side) and y of shape (side, 1) of the pixels, in frames."""
    steps = ((np.arange(side) + 0.5) / side).astype(np.float32)
    return steps[None, :], (1.0 - steps)[:, None]


def render(cones: list[RoundCone], side: int) -> Surface:
    """Return the surface of all cones on a picture of ``side`` by ``side`` pixels."""
    height = np.full((side, side), EMPTY, np.float32)
    part = np.full((side, side), -1, np.int16)
    along = np.zeros((side, side), np.float32)
    x, y = pixel_centres(side)
    for cone in cones:
        window = _window(cone, side)
        if window is None:
            continue
        rows, columns = window
        new, position = _cone_height(cone, x[:, columns], y[rows, :])
        old = height[rows, columns]
        nearer = new > old
        part[rows, columns] = np.where(nearer, np.int16(cone.part), part[rows, columns])
        along[rows, columns] = np.where(nearer, position, along[rows, columns])
        height[rows, columns] = _melt(old, new, np.float32(cone.blend))
    return Surface(height, part, along)


def _window(cone: RoundCone, side: int) -> tuple[slice, slice] | None:
    low = np.minimum(cone.first[:2] - cone.first_radius, cone.last[:2] - cone.last_radius)
    high = np.maximum(cone.first[:2] + cone.first_radius, cone.last[:2] + cone.last_radius)
    left, right = int(np.floor(low[0] * side)), int(np.ceil(high[0] * side))
    top, bottom = int(np.floor((1 - high[1]) * side)), int(np.ceil((1 - low[1]) * side))
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, side), min(bottom, side)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _cone_height(cone: RoundCone, x: Picture, y: Picture) -> tuple[Picture, Picture]:
    """Return height and position on the bone; EMPTY beside the cone.

    The ball at position t reaches up to z(t) + sqrt(q(t)), where q is the
    quadratic a t^2 + b t + c. That sum is concave in t, so its highest point,
    moved into [0, 1], is where the surface is. A bone within a few degrees of
    the viewer's own direction is treated as pointing a little aside: its
    height is then off by up to a seventh of its radius.
    """
    bone = cone.last - cone.first
    grows = cone.last_radius - cone.first_radius
    # Seen from its end, a bone has no length in the picture: kept just below zero.
    a = np.float32(min(grows * grows - bone[0] ** 2 - bone[1] ** 2, -1e-6))
    right, up = x - np.float32(cone.first[0]), y - np.float32(cone.first[1])
    b = 2 * (
        np.float32(cone.first_radius * grows)
        + right * np.float32(bone[0])
        + up * np.float32(bone[1])
    )
    c = np.float32(cone.first_radius**2) - right * right - up * up
    top = c - b * b / (4 * a)
    climb = np.float32(bone[2])
    highest = -b / (2 * a) + climb * np.sqrt(np.maximum(top, 0) / (a * a - a * climb * climb))
    position = np.clip(highest, 0, 1)
    inside = (a * position + b) * position + c
    height = np.float32(cone.first[2]) + position * climb + np.sqrt(np.maximum(inside, 0))
    return np.where(inside > 0, height, EMPTY), position


def _melt(old: Picture, new: Picture, blend: np.float32) -> Picture:
    higher = np.maximum(old, new)
    both_near = np.maximum(blend - np.abs(old - new), 0) / blend
    return np.where(higher > EMPTY, higher + both_near * both_near * blend / 4, EMPTY)


def blurred(picture: Picture, sigma: float) -> Picture:
    """Return a picture (side, side, ...) smoothed by a Gaussian of ``sigma`` pixels."""
    reach = max(1, int(np.ceil(2.5 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for _ in range(2):
        padded = np.pad(picture, [(reach, reach), *[(0, 0)] * (picture.ndim - 1)], mode="edge")
        smooth = np.zeros_like(picture)
        for offset, weight in enumerate(weights):
            smooth += weight * padded[offset : offset + len(picture)]
        picture = smooth.swapaxes(0, 1)  # first the rows, then the columns
    return picture


def moved(picture: Picture, right: float, up: float, fill: float) -> Picture:
    """Return a picture (side, side) whose pixels look ``right`` and ``up`` by whole pixels."""
    side = len(picture)
    down, across = (int(np.clip(round(pixels), -side, side)) for pixels in (-up, right))
    padded = np.pad(picture, side, constant_values=fill)
    return padded[side + down : 2 * side + down, side + across : 2 * side + across]
