"""A hand as a skeleton: bones with lengths, joints with angles, flesh with radii.

Lengths are in palms: 1 is the way from the wrist to the knuckle of the middle
finger, about 9.5 cm. The hand's own axes are x towards the thumb, y along the
fingers and z out of the palm. The proportions are ours, rounded from measuring
our own hands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

INDEX, MIDDLE, RING, LITTLE = range(4)

# The wrist is the origin. One row a finger: index, middle, ring, little.
KNUCKLES = np.array(
    [[0.33, 0.95, 0.0], [0.11, 1.0, 0.02], [-0.11, 0.95, 0.01], [-0.31, 0.84, -0.03]]
)
# Bones from the knuckle to the tip.
FINGER_BONES = np.array(
    [[0.46, 0.27, 0.20], [0.50, 0.31, 0.21], [0.47, 0.29, 0.21], [0.37, 0.21, 0.19]]
)
# Flesh at the knuckle, at the two joints and at the tip.
FINGER_RADII = np.array(
    [
        [0.112, 0.098, 0.086, 0.066],
        [0.114, 0.100, 0.088, 0.068],
        [0.108, 0.094, 0.083, 0.065],
        [0.096, 0.082, 0.072, 0.057],
    ]
)
THUMB_BASE = np.array([0.24, 0.20, 0.08])
THUMB_BONES = np.array([0.44, 0.35, 0.27])
THUMB_RADII = np.array([0.165, 0.120, 0.104, 0.076])


@dataclass(frozen=True)
class Pose:
    """The joints of a hand.

    ``flexion`` (4, 3) bends the fingers' joints, in radians, and ``spread``
    (4,) turns each finger in the plane of the palm towards the thumb.
    ``thumb`` (4, 3) holds the thumb's joints, from its base to its tip, in palms.
    """

    flexion: Vectors
    spread: Vectors
    thumb: Vectors


def rotation(angle: float, first: int, second: int) -> Vectors:
    """Return the matrix (3, 3) that turns the ``first`` axis towards the ``second``."""
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix


def finger_joints(finger: int, flexion: Vectors, spread: float) -> Vectors:
    """Return the joints (4, 3) of one finger, from the knuckle to the tip, in palms."""
    along = np.array([np.sin(spread), np.cos(spread), 0.0])
    out_of_palm = np.array([0.0, 0.0, 1.0])
    joints = [KNUCKLES[finger]]
    for bone, bend in zip(FINGER_BONES[finger], np.cumsum(flexion), strict=True):
        joints.append(joints[-1] + bone * (np.cos(bend) * along + np.sin(bend) * out_of_palm))
    return np.array(joints)


def straight_thumb(direction: Vectors, curl: float = 0.0) -> Vectors:
    """Return the joints (4, 3) of a thumb that points away from its base.

    ``curl`` turns each bone after the first, in radians, in the plane of the
    palm towards the fingers.
    """
    joints = [THUMB_BASE]
    heading = direction / np.linalg.norm(direction)
    turn = rotation(curl, 0, 1)
    for bone in THUMB_BONES:
        joints.append(joints[-1] + bone * heading)
        heading = turn @ heading
    return np.array(joints)


def reaching_thumb(target: Vectors, first_direction: Vectors) -> Vectors:
    """Return the joints (4, 3) of a thumb whose tip is at ``target``, or as near as it reaches.

    The bones are dragged to the target and back to the base in turns until
    both hold (the method called FABRIK). ``first_direction`` is where the
    thumb starts, which decides the side to which it bends.
    """
    joints = straight_thumb(first_direction)
    base = joints[0].copy()

    def drag(bone: int, moved: int, fixed: int) -> None:
        way = joints[moved] - joints[fixed]
        length = max(float(np.linalg.norm(way)), 1e-9)
        joints[moved] = joints[fixed] + way * (THUMB_BONES[bone] / length)

    for _ in range(12):
        joints[3] = target
        for bone in (2, 1, 0):
            drag(bone, moved=bone, fixed=bone + 1)
        joints[0] = base
        for bone in (0, 1, 2):
            drag(bone, moved=bone + 1, fixed=bone)
    return joints
