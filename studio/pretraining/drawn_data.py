"""The pictures that the shipped model learns from: drawn once, and varied in every epoch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from resnets_utils.hands.classes import CLASSES
from resnets_utils.hands.drawing import draw_pictures
from resnets_utils.hands.drawing.variety import WIDE

# The students' training and test pictures have other seeds.
FIRST_SEED = 1000
CHUNK = 300  # pictures a seed

Pictures = NDArray[np.uint8]
Labels = NDArray[np.int64]


def _chunk(seed: int) -> Pictures:
    return draw_pictures(np.arange(CHUNK) % CLASSES, seed, variety=WIDE)


def training_pictures(count: int, cache: Path) -> tuple[Pictures, Labels]:
    """Return ``count`` pictures (count, 64, 64, 3) and labels (count,), drawn on all cores.

    They are kept in ``cache``, since drawing takes minutes.
    """
    chunks = -(-count // CHUNK)
    labels = np.tile(np.arange(CHUNK) % CLASSES, chunks)[:count]
    kept = cache / f"hands-{count}.npy"
    if kept.exists():
        return np.load(kept), labels
    cache.mkdir(parents=True, exist_ok=True)
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawned) as workers:
        drawn = workers.map(_chunk, range(FIRST_SEED, FIRST_SEED + chunks))
        pictures = np.concatenate(list(track(drawn, "drawing hands", total=chunks)))[:count]
    np.save(kept, pictures)
    return pictures, labels


def batches(
    pictures: Pictures, labels: Labels, size: int, epochs: int, seed: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield batches for ``epochs`` rounds: pictures in [0, 1] and one-hot labels.

    The last pictures of a round are left out if they do not fill a batch.
    """
    one_hot = np.eye(CLASSES, dtype=np.float32)
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(pictures))
        for number, start in enumerate(range(0, len(order) - size + 1, size)):
            chosen = order[start : start + size]
            random = np.random.default_rng([seed, epoch, number])
            yield varied(pictures[chosen], random), one_hot[labels[chosen]]


def varied(pictures: Pictures, random: np.random.Generator) -> NDArray[np.float32]:
    """Return pictures (m, 64, 64, 3) in [0, 1]: turned, moved, recoloured, partly covered."""
    result = _moved(pictures, random)
    m = len(result)
    level = result.mean(axis=(1, 2, 3), keepdims=True)
    contrast = np.exp(_normal(random, m, 0.18))
    tint = _normal(random, (m, 3), 0.04).reshape(m, 1, 1, 3) + _normal(random, m, 0.06)
    result = level + (result - level) * contrast + tint
    grey = result.mean(axis=3, keepdims=True)
    # Some photographs have lost much of their colour, or have too much of it.
    colour = np.clip(1 + _normal(random, m, 0.35), 0, 1.8)
    result = grey + (result - grey) * colour
    grain = np.abs(_normal(random, m, 0.02)) * (random.random((m, 1, 1, 1)) < 0.4)
    result += grain.astype(np.float32) * random.standard_normal(result.shape, np.float32)
    for picture in result:
        if random.random() < 0.35:
            _cover(picture, random)
    clipped: NDArray[np.float32] = np.clip(result, 0, 1).astype(np.float32)
    return clipped


def _normal(
    random: np.random.Generator, shape: int | tuple[int, int], deviation: float
) -> NDArray[np.float32]:
    drawn = random.normal(0, deviation, shape).astype(np.float32)
    return drawn if isinstance(shape, tuple) else drawn.reshape(shape, 1, 1, 1)


def _moved(pictures: Pictures, random: np.random.Generator) -> NDArray[np.float32]:
    """Mirror, turn, stretch and shift pictures; what comes in at an edge repeats the edge."""
    m, side = pictures.shape[:2]
    angle = random.normal(0, 0.17, m)
    size = np.exp(random.normal(0, 0.10, (m, 2))) * random.choice([-1.0, 1.0], (m, 1)) ** [0, 1]
    shear, shift = random.normal(0, 0.08, m), random.uniform(-0.08, 0.08, (m, 2))
    steps = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    down, across = np.meshgrid(steps, steps, indexing="ij")
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rows = (turn[0, 0] * size[:, 0])[:, None, None] * down
    rows = rows + (turn[0, 1] * size[:, 1] + shear)[:, None, None] * across
    columns = (turn[1, 0] * size[:, 0])[:, None, None] * down
    columns = columns + (turn[1, 1] * size[:, 1])[:, None, None] * across
    places = [
        np.clip((place + shift[:, axis, None, None] + 0.5) * side - 0.5, 0, side - 1.001)
        for axis, place in enumerate((rows, columns))
    ]
    (top, upper), (left, before) = ((np.floor(p).astype(np.int32), p % 1) for p in places)
    upper, before = (part[..., None].astype(np.float32) for part in (upper, before))
    each = np.arange(m)[:, None, None]
    scaled = pictures.astype(np.float32) / 255
    higher = scaled[each, top, left] * (1 - before) + scaled[each, top, left + 1] * before
    lower = scaled[each, top + 1, left] * (1 - before) + scaled[each, top + 1, left + 1] * before
    between: NDArray[np.float32] = higher * (1 - upper) + lower * upper
    return between


def _cover(picture: NDArray[np.float32], random: np.random.Generator) -> None:
    side = len(picture)
    height, width = random.integers(4, 16, 2)
    top, left = random.integers(0, side - height), random.integers(0, side - width)
    picture[top : top + height, left : left + width] = random.uniform(0, 1, 3)
