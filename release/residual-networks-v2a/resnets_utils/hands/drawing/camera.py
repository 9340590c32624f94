"""The camera: from the light of a scene to the numbers of a picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnets_utils.hands.drawing.light import between
from resnets_utils.hands.drawing.surface import Picture, blurred, pixel_centres

FINER = 2  # a scene is rendered this many times finer than its photograph, then averaged


def photograph(
    linear: Picture,
    person: np.random.Generator,
    random: np.random.Generator,
    mistakes: float,
    phone: bool,
) -> NDArray[np.uint8]:
    """Return the photograph of a scene: exposure, colour, blur, noise and 8 bits.

    Args:
        linear: (side * FINER, side * FINER, 3) linear light.
        person: decides about the camera and the room.
        random: decides about this picture's noise.
        mistakes: factor on the errors of exposure, focus and noise.
        phone: the photograph is one of a phone.

    Returns:
        (side, side, 3) uint8.

    """
    side = linear.shape[0] // FINER
    if phone:
        linear = _through_the_lens(linear, random)
    x, y = pixel_centres(linear.shape[0])
    middle = person.normal(0.5, 0.1, 2)
    far = (x - middle[0]) ** 2 + (y - middle[1]) ** 2
    linear = linear * (1 - between(person, 0, 0.55) * far)[..., None]
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
    contrast = between(person, 0.85, 1.2)
    tones = 0.55 + (tones - 0.55) * contrast
    tones = np.where(tones > 0.9, 0.9 + 0.1 * np.tanh((tones - 0.9) / 0.1), tones)
    grey = tones.mean(axis=-1, keepdims=True)
    tones = grey + (tones - grey) * between(person, 0.7, 1.15)
    if phone:
        tones = _developed(tones, random)
    noise = random.normal(0, 1, (side, side, 3)) * abs(random.normal(0, 0.008 * mistakes))
    speckle = random.normal(0, 1, (side, side, 1)) * abs(random.normal(0, 0.008 * mistakes))
    tones = tones + noise + speckle
    levels: NDArray[np.uint8] = np.clip(np.round(tones * 255), 0, 255).astype(np.uint8)
    return _compressed(levels, random) if phone else levels


def _through_the_lens(linear: Picture, random: np.random.Generator) -> Picture:
    """Bend straight lines as a wide lens does, shake the camera, and change the light's colour."""
    side = len(linear)
    x, y = pixel_centres(side)
    right, up = x - np.float32(0.5), y - np.float32(0.5)
    bend = 1 + between(random, -0.25, 0.35) * (right**2 + up**2 - 0.5)
    columns = np.clip((0.5 + right * bend) * side, 0, side - 1).astype(int)
    rows = np.clip((0.5 - up * bend) * side, 0, side - 1).astype(int)
    linear = linear[rows, columns]
    if random.random() < 0.3:
        way = random.normal(0, 1.6, 2) * FINER
        steps = [np.round(way * part).astype(int) for part in np.linspace(-1, 1, 7)]
        linear = np.mean(
            [np.roll(linear, (int(down), int(across)), (0, 1)) for down, across in steps], axis=0
        )
    warm = random.normal(0.05, 0.12)
    lamp = np.array([1 + warm, 1 + random.normal(0, 0.03), 1 - warm]) * np.exp(
        random.normal(0, 0.15)
    )
    lit: Picture = (linear * lamp).astype(np.float32)
    return lit


def _developed(tones: Picture, random: np.random.Generator) -> Picture:
    """Enlarge a small part of the photograph, sharpen it, and bend its tones, in [0, 1]."""
    side = len(tones)
    if random.random() < 0.35:
        fewer = int(random.integers(side * 3 // 8, side))
        tones = _resized(_resized(tones, fewer), side)
    if random.random() < 0.35:
        tones = tones + between(random, 0.3, 1.5) * (tones - blurred(tones, 1.2))
    bent: Picture = np.clip(tones, 0, 1) ** np.float32(np.exp(random.normal(0, 0.22)))
    return bent


def _resized(tones: Picture, side: int) -> Picture:
    layers = [
        Image.fromarray(tones[..., colour].astype(np.float32)).resize(
            (side, side), Image.Resampling.BILINEAR
        )
        for colour in range(3)
    ]
    return np.stack([np.asarray(layer, np.float32) for layer in layers], axis=-1)


def _compressed(levels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return what is left after JPEG; half of the photographs were larger when compressed."""
    if random.random() < 0.5:
        return levels
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=int(random.integers(35, 96)))
    with Image.open(file) as picture:
        return np.asarray(picture, np.uint8)
