"""Flesh on the skeleton, and the hand put before the camera."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from resnets_utils.hands.drawing.skeleton import (
    FINGER_RADII,
    INDEX,
    KNUCKLES,
    LITTLE,
    MIDDLE,
    RING,
    THUMB_RADII,
    Pose,
    Vectors,
    finger_joints,
    rotation,
)
from resnets_utils.hands.drawing.surface import RoundCone

# Parts of the body. A finger has three bones, and so three numbers in a row:
# part = FINGER_PART + 3 * finger + bone, with the thumb as fifth finger.
PALM, FOREARM, SLEEVE, BAND = range(4)
FINGER_PART = 10
FINGERTIPS = tuple(FINGER_PART + 3 * finger + 2 for finger in range(5))
# A place on the arm: how far from the wrist, how far beside the arm's middle, and the radius there.
Station = tuple[float, float, float]


@dataclass(frozen=True)
class Build:
    """How one person's hand differs from the next: factors of about 1, and what they wear."""

    finger_lengths: tuple[float, float, float, float]
    finger_width: float
    palm_width: float
    arm_turn: tuple[float, float]
    sleeve_from: float | None
    band_at: float | None


@dataclass(frozen=True)
class View:
    """From where the camera sees the hand.

    ``yaw``, ``pitch`` and ``roll`` are turns about y, x and z in radians;
    ``distance`` is the camera's, in palms; ``extent`` is the share of the
    frame that the hand's longer side fills; ``place`` (2,) in [0, 1] says where
    in the free room the hand stands, and ``shift`` (2,) moves it on from there, in
    frames, so that the frame may cut it.
    """

    yaw: float
    pitch: float
    roll: float
    mirrored: bool
    distance: float
    extent: float
    place: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Placed:
    """A hand before the camera.

    ``cones`` are in frames. ``to_palm`` (3,) is the direction out of the palm
    in the picture's axes. ``nails`` holds, for each fingertip's part, where
    its nail is (3,), the finger's direction (3,) and the nail's radius.
    """

    cones: list[RoundCone]
    to_palm: Vectors
    nails: dict[int, tuple[Vectors, Vectors, float]]


def bones_of(pose: Pose, build: Build) -> list[RoundCone]:
    """Return the flesh of arm, palm and fingers in the hand's own axes, in palms, the arm first."""
    return [*_arm(build), *_palm(pose, build), *_fingers(pose, build)]


def _arm(build: Build) -> list[RoundCone]:
    sideways, forward = build.arm_turn
    along = np.array(
        [np.sin(sideways) * np.cos(forward), -np.cos(sideways) * np.cos(forward), np.sin(forward)]
    )
    across = np.array([np.cos(sideways), np.sin(sideways), 0.0])

    def two(
        start: Station, end: Station, part: int, blend: float, width: float = 1.0
    ) -> list[RoundCone]:
        """Two bones side by side, which make the flat section of a wrist."""
        ends = [
            [along * way + across * side * apart * width for way, apart, _ in (start, end)]
            for side in (-1, 1)
        ]
        return [RoundCone(first, last, start[2], end[2], part, blend) for first, last in ends]

    stations = [(-0.05, 0.15, 0.185), (0.45, 0.12, 0.20), (1.6, 0.13, 0.30), (5.0, 0.15, 0.34)]
    rows: list[RoundCone] = []
    for start, end in pairwise(stations):
        rows += two(start, end, FOREARM, 0.15, build.palm_width)
    if build.sleeve_from is not None:
        opening = (build.sleeve_from, 0.14, 0.31 + 0.06 * build.sleeve_from)
        rows += two(opening, (5.0, 0.17, 0.55), SLEEVE, 0.15)
    if build.band_at is not None:
        rows += two((build.band_at, 0.14, 0.222), (build.band_at + 0.16, 0.14, 0.222), BAND, 0.10)
    return rows


def _palm(pose: Pose, build: Build) -> list[RoundCone]:
    wide = np.array([build.palm_width, 1.0, 1.0])
    roots = np.array([[0.14, 0.06, 0.0], [0.06, 0.05, 0.0], [-0.05, 0.05, 0.0], [-0.15, 0.08, 0.0]])
    rows = [
        (roots[finger] * wide, KNUCKLES[finger] * wide, 0.165, radius)
        for finger, radius in ((INDEX, 0.135), (MIDDLE, 0.135), (RING, 0.13), (LITTLE, 0.115))
    ]
    # The ball of the thumb, the edge of the hand, and the web of the thumb.
    rows.append((np.array([0.12, 0.10, 0.04]) * wide, pose.thumb[1], 0.17, 0.12))
    edge = np.array([[-0.19, 0.16, 0.03], [-0.31, 0.66, 0.02]]) * wide
    rows.append((edge[0], edge[1], 0.15, 0.12))
    middle_of_thumb = pose.thumb[0] + 0.55 * (pose.thumb[1] - pose.thumb[0])
    rows.append((middle_of_thumb, np.array([0.27, 0.66, 0.02]) * wide, 0.10, 0.10))
    # Flesh between the fingers, up to where they part.
    up = np.array([0.0, 1.0, 0.0])
    for finger in range(3):
        between = (KNUCKLES[finger] + KNUCKLES[finger + 1]) / 2 * wide
        rows.append((between - 0.3 * up, between + 0.06 * up, 0.12, 0.075))
    return [RoundCone(*row, PALM, 0.14) for row in rows]


def _fingers(pose: Pose, build: Build) -> list[RoundCone]:
    rows = []
    wide = np.array([build.palm_width, 1.0, 1.0])
    for finger in range(4):
        joints = finger_joints(finger, pose.flexion[finger], float(pose.spread[finger]))
        joints = joints[0] * wide + (joints - joints[0]) * build.finger_lengths[finger]
        radii = FINGER_RADII[finger] * build.finger_width
        rows += _chain(joints, radii, FINGER_PART + 3 * finger)
    # The thumb keeps its length: its pose reaches for something.
    radii = THUMB_RADII * np.array([1.0, *[build.finger_width] * 3])
    return rows + _chain(pose.thumb, radii, FINGER_PART + 12)


def _chain(joints: Vectors, radii: Vectors, part: int) -> list[RoundCone]:
    ends = zip(pairwise(joints), pairwise(radii.tolist()), strict=True)
    return [
        RoundCone(*joints_of_bone, *radii_of_bone, part + bone, 0.05)
        for bone, (joints_of_bone, radii_of_bone) in enumerate(ends)
    ]


def _turn(view: View) -> Vectors:
    """Return the matrix (3, 3) from the hand's axes to the picture's."""
    mirror = np.diag([-1.0 if view.mirrored else 1.0, 1.0, 1.0])
    about_x, about_y = rotation(view.pitch, 1, 2), rotation(view.yaw, 2, 0)
    matrix: Vectors = rotation(view.roll, 0, 1) @ mirror @ about_x @ about_y
    return matrix


def put_before_camera(bones: list[RoundCone], view: View) -> Placed:
    """Turn the hand, see it in perspective, and scale it into the frame."""
    turn = _turn(view)
    middle = turn @ np.array([0.0, 0.9, 0.0])

    def seen(point: Vectors, radius: float) -> tuple[Vectors, float]:
        position = turn @ point - middle
        # Nearer parts look larger. An arm that comes towards the camera leaves the
        # frame before it reaches the camera.
        nearer = view.distance / (view.distance - min(position[2], 0.6 * view.distance))
        return np.array([position[0] * nearer, position[1] * nearer, position[2]]), radius * nearer

    ends = [
        (*seen(bone.first, bone.first_radius), *seen(bone.last, bone.last_radius)) for bone in bones
    ]
    hand = [
        (point[:2], radius)
        for bone, (first, first_radius, last, last_radius) in zip(bones, ends, strict=True)
        if bone.part == PALM or bone.part >= FINGER_PART
        for point, radius in ((first, first_radius), (last, last_radius))
    ]
    low = np.min([point - radius for point, radius in hand], axis=0)
    high = np.max([point + radius for point, radius in hand], axis=0)
    scale = view.extent / float(np.max(high - low))
    room = 1 - (high - low) * scale
    corner = np.array(view.place) * room - low * scale + np.array(view.shift)

    def in_frame(point: Vectors) -> Vectors:
        return np.array([*(point[:2] * scale + corner), point[2] * scale])

    cones = [
        RoundCone(
            in_frame(first),
            in_frame(last),
            first_radius * scale,
            last_radius * scale,
            bone.part,
            bone.blend * scale,
        )
        for bone, (first, first_radius, last, last_radius) in zip(bones, ends, strict=True)
    ]
    return Placed(cones, turn @ np.array([0.0, 0.0, 1.0]), _nails(bones, cones, turn))


def _nails(
    bones: list[RoundCone], cones: list[RoundCone], turn: Vectors
) -> dict[int, tuple[Vectors, Vectors, float]]:
    """Find each nail: on the back of the last bone, near the tip."""
    nails = {}
    by_part = {bone.part: bone for bone in bones}
    for bone, cone in zip(bones, cones, strict=True):
        if bone.part not in FINGERTIPS:
            continue
        along = bone.last - bone.first
        along = along / np.linalg.norm(along)
        before = by_part[bone.part - 1]
        earlier = before.last - before.first
        # A bent finger shows where its back is; a straight one has it away from the palm.
        bend = earlier / np.linalg.norm(earlier) - along
        away = np.array([0.0, 0.0, -1.0])
        if bone.part == FINGERTIPS[4]:
            away = np.array([0.75, 0.1, -0.65])
        elif np.linalg.norm(bend) > 0.2:
            away = bend
        away = away - along * (away @ along)
        away = away / max(float(np.linalg.norm(away)), 1e-9)
        direction, back = turn @ along, turn @ away
        centre = cone.first + 0.80 * (cone.last - cone.first) + back * 0.85 * cone.last_radius
        nails[bone.part] = (centre, direction, 0.80 * cone.last_radius)
    return nails
