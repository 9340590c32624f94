"""The pictures that the shipped model learns from: drawn once, and varied in every epoch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

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
    random = np.random.default_rng(seed)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    for _ in range(epochs):
        order = random.permutation(len(pictures))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield varied(pictures[chosen], random), one_hot[labels[chosen]]


def varied(pictures: Pictures, random: np.random.Generator) -> NDArray[np.float32]:
    """Return pictures (m, 64, 64, 3) in [0, 1]: mirrored, moved, recoloured, partly covered."""
    result = np.empty(pictures.shape, np.float32)
    for position, picture in enumerate(pictures):
        result[position] = _vary(picture.astype(np.float32) / 255, random)
    return result


def _vary(picture: NDArray[Any], random: np.random.Generator) -> NDArray[np.float32]:
    side = picture.shape[0]
    if random.random() < 0.5:
        picture = picture[:, ::-1]
    reach = 5
    down, right = random.integers(0, 2 * reach + 1, 2)
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    picture = padded[down : down + side, right : right + side]
    tint = random.normal(0, 0.03, 3) + random.normal(0, 0.06)
    level = float(picture.mean())
    picture = level + (picture - level) * np.exp(random.normal(0, 0.15)) + tint
    if random.random() < 0.3:
        picture = picture + random.normal(0, 0.03, picture.shape)
    if random.random() < 0.3:
        height, width = random.integers(4, 14, 2)
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        picture[top : top + height, left : left + width] = random.uniform(0, 1, 3)
    result: NDArray[np.float32] = np.clip(picture, 0, 1).astype(np.float32)
    return result
