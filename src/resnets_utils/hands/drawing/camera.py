"""The camera: from the light of a scene to the numbers of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.drawing.light import between
from resnets_utils.hands.drawing.surface import Picture, blurred, pixel_centres

FINER = 2  # a scene is rendered this many times finer than its photograph, then averaged


def photograph(
    linear: Picture, person: np.random.Generator, random: np.random.Generator, mistakes: float
) -> NDArray[np.uint8]:
    """Return the photograph of a scene: exposure, colour, blur, noise and 8 bits."""
    side = linear.shape[0] // FINER
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
    noise = random.normal(0, 1, (side, side, 3)) * abs(random.normal(0, 0.008 * mistakes))
    speckle = random.normal(0, 1, (side, side, 1)) * abs(random.normal(0, 0.008 * mistakes))
    tones = tones + noise + speckle
    levels: NDArray[np.uint8] = np.clip(np.round(tones * 255), 0, 255).astype(np.uint8)
    return levels
