"""How a hand shows each of the numbers 0 to 5, with the freedom that people take."""

from __future__ import annotations

import numpy as np

from resnets_utils.hands.drawing.skeleton import (
    FINGER_RADII,
    INDEX,
    LITTLE,
    MIDDLE,
    RING,
    THUMB_BASE,
    THUMB_RADII,
    Pose,
    Vectors,
    finger_joints,
    reaching_thumb,
    straight_thumb,
)

# The fingers, without the thumb, that each number holds up.
RAISED: dict[int, tuple[int, ...]] = {
    0: (),
    1: (INDEX,),
    2: (INDEX, MIDDLE),
    3: (INDEX, MIDDLE),
    4: (INDEX, MIDDLE, RING, LITTLE),
    5: (INDEX, MIDDLE, RING, LITTLE),
}

# Where the thumb starts when it is laid over the palm or the bent fingers.
_FORWARD = np.array([0.55, 0.55, 0.6])


def draw_pose(sign: int, random: np.random.Generator, loose: bool = False) -> Pose:
    """Return a hand that shows ``sign``, a number from 0 to 5.

    A ``loose`` hand bends fingers only half and stretches none, lets the thumb of 1 and 2
    lie beside the hand, and moves the thumb of 4 no farther than it has to.
    """
    raised, bent = (_half_raised, _half_bent) if loose else (_raised, _bent)
    flexion = np.array(
        [raised(random) if finger in RAISED[sign] else bent(random) for finger in range(4)]
    )
    spread = _spread(sign, random)
    if sign == 0:
        return _ring(flexion, spread, random)
    if sign in (3, 5):
        thumb = _thumb_out(sign, random)
    elif sign == 4:
        farthest = 0.20 if loose else 0.12
        over_palm = random.uniform([-0.30, 0.50, 0.20], [farthest, 0.95, 0.34])
        thumb = reaching_thumb(over_palm, _FORWARD)
    elif loose and random.random() < 0.5:
        thumb = _thumb_beside(random)
    else:
        thumb = _thumb_over_fingers(sign, flexion, spread, random)
    return Pose(flexion, spread, thumb)


def _degrees(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.radians(random.uniform(low, high)))


def _raised(random: np.random.Generator) -> Vectors:
    bend = random.normal([4.0, 5.0, 4.0], [8.0, 5.0, 4.0])
    return np.radians(np.clip(bend, [-12.0, 0.0, 0.0], [24.0, 20.0, 15.0]))


def _bent(random: np.random.Generator) -> Vectors:
    return np.radians(random.uniform([46.0, 82.0, 32.0], [90.0, 110.0, 66.0]))


def _half_raised(random: np.random.Generator) -> Vectors:
    bend = random.normal([8.0, 9.0, 6.0], [9.0, 7.0, 5.0])
    return np.radians(np.clip(bend, [-14.0, 0.0, 0.0], [28.0, 26.0, 18.0]))


def _half_bent(random: np.random.Generator) -> Vectors:
    return np.radians(random.uniform([30.0, 66.0, 20.0], [80.0, 104.0, 60.0]))


def _spread(sign: int, random: np.random.Generator) -> Vectors:
    together = np.array([-1.5, 0.0, 1.5, 5.0])
    wide = np.array([17.0, 3.0, -11.0, -27.0])
    if sign in (2, 3):
        wide = np.array([15.0, -10.0, -6.0, -9.0])
    share = random.choice([random.uniform(0.0, 0.25), random.uniform(0.25, 1.1)], p=[0.3, 0.7])
    degrees: Vectors = together + share * (wide - together) + random.normal(0.0, 1.8, 4)
    return degrees * (np.pi / 180)


def _thumb_out(sign: int, random: np.random.Generator) -> Vectors:
    # From beside the index finger, as with fingers held together, to a right angle.
    away = _degrees(random, 34.0 if sign == 3 else 24.0, 80.0)
    lift = _degrees(random, -8.0, 40.0)
    direction = np.array([np.sin(away) * np.cos(lift), np.cos(away) * np.cos(lift), np.sin(lift)])
    return straight_thumb(direction, curl=_degrees(random, -12.0, 14.0))


def _thumb_beside(random: np.random.Generator) -> Vectors:
    """Lay the thumb along the edge of the hand, below the bent fingers."""
    away, lift = _degrees(random, -6.0, 14.0), _degrees(random, 5.0, 40.0)
    direction = np.array([np.sin(away) * np.cos(lift), np.cos(away) * np.cos(lift), np.sin(lift)])
    return straight_thumb(direction, curl=_degrees(random, 4.0, 26.0))


def _thumb_over_fingers(
    sign: int, flexion: Vectors, spread: Vectors, random: np.random.Generator
) -> Vectors:
    bent = [finger for finger in range(4) if finger not in RAISED[sign]]
    if random.random() < 0.15:
        # Laid along the palm, below the index finger.
        target = random.uniform([0.22, 0.80, 0.16], [0.34, 1.0, 0.26])
        return reaching_thumb(target, _FORWARD)
    finger = bent[0] if random.random() < 0.6 else bent[1]
    joints = finger_joints(finger, flexion[finger], spread[finger])
    along = random.uniform(0.2, 0.9)
    target = joints[1] + along * (joints[2] - joints[1])
    target[2] += FINGER_RADII[finger, 1] + THUMB_RADII[3]
    return reaching_thumb(target, _FORWARD)


def _ring(flexion: Vectors, spread: Vectors, random: np.random.Generator) -> Pose:
    """Bend the fingers until the thumb can meet them; a fifth of people make a fist."""
    if random.random() < 0.2:
        return Pose(flexion, spread, _thumb_over_fingers(1, flexion, spread, random))
    bend = np.radians(random.uniform([32.0, 42.0, 18.0], [66.0, 78.0, 45.0]))
    # The fingers after the index finger bend as much or a little more.
    further = np.cumsum(np.radians(random.uniform(-1.0, 7.0, 4)))
    flexion = bend[None, :] + further[:, None] * np.array([0.5, 0.6, 0.3])
    spread = spread * 0.3
    reach = random.uniform(0.70, 0.92)
    for _ in range(40):
        tip = finger_joints(INDEX, flexion[INDEX], spread[INDEX])[3]
        if np.linalg.norm(tip - THUMB_BASE) <= reach:
            break
        flexion = flexion * 1.03
    meets = random.choice([INDEX, MIDDLE], p=[0.65, 0.35])
    tip = finger_joints(meets, flexion[meets], spread[meets])[3]
    # The pads touch: the thumb's tip stays a little below the finger's.
    target = tip + np.array([0.02, -0.09, -0.03])
    return Pose(flexion, spread, reaching_thumb(target, np.array([0.8, 0.35, 0.5])))
