"""The SIGNS-like data set: its pictures, and their files."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from resnets_utils.hands.classes import CLASSES
from resnets_utils.hands.drawing.scene import SIDE, draw_picture
from resnets_utils.hands.drawing.variety import STUDIO, WIDE, Variety
from resnets_utils.short_run import short_run

TRAIN_EACH, TEST_EACH = 180, 20
TRAIN_SEED, TEST_SEED, VARIED_SEED = 1, 2, 3
SHORT_RUN_PICTURES = 12


def draw_pictures(
    labels: NDArray[np.int64], seed: int, progress: bool = False, variety: Variety = STUDIO
) -> NDArray[np.uint8]:
    """Draw a picture of a hand for each label.

    A picture depends only on ``seed``, its position, its label and ``variety``.

    Args:
        labels: (m,) numbers from 0 to 5.
        seed: two seeds have no picture in common.
        progress: show a bar.
        variety: how much the pictures differ; as much as those of the data set
            if it is not given.

    Returns:
        (m, 64, 64, 3) uint8.

    """
    pictures = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    bar = keras.utils.Progbar(len(labels), unit_name="picture", interval=0.5) if progress else None
    for position, label in enumerate(labels):
        random = _random(seed, position)
        # The same random numbers for each picture of one person.
        person = _random(seed, 2**33 + position % variety.people) if variety.people else None
        pictures[position] = draw_picture(int(label), random, variety, person=person)
        if bar is not None:
            bar.update(position + 1)
    return pictures


def varied_hands(count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw hands that differ more than those of the data set; 50 a second.

    They are turned farther, stand before walls with things on them, and are taken by
    worse cameras. 12 are drawn while nbgrader runs the notebook.

    Args:
        count: how many; each number is shown equally often, or once more than the others.

    Returns:
        pictures (count, 64, 64, 3) uint8 and labels (1, count) int64.

    """
    labels = np.arange(SHORT_RUN_PICTURES if short_run() else count, dtype=np.int64) % CLASSES
    return draw_pictures(labels, VARIED_SEED, variety=WIDE), labels[None]


def _random(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, stream]))


def write_datasets(folder: Path) -> None:
    """Draw the training and test pictures and write their files; takes under a minute.

    ``train_signs.h5`` holds 180 pictures of each number, ``test_signs.h5`` 20, in
    a mixed order, under the keys and in the shapes of the original files. An
    interrupted run leaves no half-written file.

    Args:
        folder: made if it is not there.

    """
    count = CLASSES * (TRAIN_EACH + TEST_EACH)
    print(f"Drawing {count} pictures of hands, once, into {folder}/: about half a minute ...")
    folder.mkdir(parents=True, exist_ok=True)
    sets = (("train", TRAIN_EACH, TRAIN_SEED), ("test", TEST_EACH, TEST_SEED))
    unfinished = {name: folder / f".{name}_signs.h5.{os.getpid()}" for name, _, _ in sets}
    try:
        for name, each, seed in sets:
            labels = mixed_labels(each, seed)
            pictures = draw_pictures(labels, seed, progress=True)
            with h5py.File(unfinished[name], "w") as file:
                file[f"{name}_set_x"] = pictures
                file[f"{name}_set_y"] = labels
                file["list_classes"] = np.arange(CLASSES)
        # Only now, so that there are both files or none.
        for name, path in unfinished.items():
            path.replace(folder / f"{name}_signs.h5")
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)


def mixed_labels(each: int, seed: int) -> NDArray[np.int64]:
    """Return every number from 0 to 5 ``each`` times (6 * each,), in an order fixed by the seed."""
    return _random(seed, 2**32).permutation(np.repeat(np.arange(CLASSES, dtype=np.int64), each))
