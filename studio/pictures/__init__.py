"""The notebooks' pictures, drawn by code so that each can be drawn again."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np

from coursekit.course.assignment import Assignment, assignments, read_notebook
from studio.pictures import blocks, gradients, network
from studio.pictures.sheet import signs_sheet

__all__ = ["draw_all", "draw_pictures", "signs_sheet"]

# Seed of the sheet's pictures and of the hand in the place of the student's photo.
SHEET_SEED = 3
EACH = 5
PHOTO_SIDE = 320  # pixels
PHOTO_SIGN = 5

DRAWINGS = {
    "skip-connection": blocks.skip_connection,
    "identity-block-two": blocks.identity_block_of_two,
    "identity-block-three": blocks.identity_block_of_three,
    "convolutional-block": blocks.convolutional_block,
    "resnet50": network.resnet50,
}


def draw_pictures(folder: Path, names: Collection[str] = (*DRAWINGS, gradients.NAME)) -> list[Path]:
    """Write the notebook's SVG pictures into ``folder``; the same bytes on each run.

    ``gradient-norms.svg`` is drawn from the measured ``gradient-norms.json`` that
    is in the folder, and left out without that file.

    Args:
        folder: made if it is not there.
        names: the pictures to write, by their files' names without the ending; all
            if it is not given.

    Returns:
        the files written, in the order in which the notebook shows them.

    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {name: draw() for name, draw in DRAWINGS.items() if name in names}
    measured = folder / f"{gradients.NAME}.json"
    if gradients.NAME in names and measured.is_file():
        figures = json.loads(measured.read_text(encoding="utf-8"))
        drawn[gradients.NAME] = gradients.draw_gradients(figures)
    written = []
    for name, picture in drawn.items():
        path = folder / f"{name}.svg"
        path.write_bytes(picture)
        written.append(path)
    return written


def draw_all(course: Path, *, measure: bool = False) -> list[Path]:
    """Draw every picture of the course's notebooks; return the files written.

    An assignment gets the pictures that its source notebook refers to, and no others.

    Args:
        course: the course folder.
        measure: measure the gradients again first, which takes about a minute.

    """
    written = []
    figures = json.dumps(gradients.measure_gradients(), indent=2) if measure else ""
    for assignment in assignments(course):
        folder = assignment.source.parent / "images"
        wanted = _referred_to(assignment)
        if not wanted:
            continue
        folder.mkdir(exist_ok=True)
        names = {Path(name).stem for name in wanted if name.endswith(".svg")}
        if figures and gradients.NAME in names:
            (folder / f"{gradients.NAME}.json").write_text(figures + "\n", encoding="utf-8")
        written += draw_pictures(folder, names)
        written += [draw(folder / name) for name, draw in PIXELS.items() if name in wanted]
    return written


def _referred_to(assignment: Assignment) -> set[str]:
    """Return the files of the pictures drawn here that an assignment's source notebook names."""
    text = "\n".join(cell.source for cell in read_notebook(assignment.source).cells)
    ours = [*(f"{name}.svg" for name in (*DRAWINGS, gradients.NAME)), *PIXELS]
    return {name for name in ours if f"images/{name}" in text}


def _draw_sheet(path: Path) -> Path:
    from resnets_utils.hands.drawing import draw_pictures as draw_hands

    labels = np.repeat(np.arange(6, dtype=np.int64), EACH)
    path.write_bytes(signs_sheet(draw_hands(labels, SHEET_SEED), labels))
    return path


def _draw_photo(path: Path) -> Path:
    """Draw the photo that the own-photo cell shows until students use their own."""
    from PIL import Image

    from resnets_utils.hands.drawing.scene import draw_picture
    from resnets_utils.hands.drawing.variety import STUDIO

    random = np.random.Generator(np.random.Philox(key=[SHEET_SEED, PHOTO_SIGN]))
    Image.fromarray(draw_picture(PHOTO_SIGN, random, STUDIO, PHOTO_SIDE)).save(path, optimize=True)
    return path


PIXELS = {"signs.png": _draw_sheet, "my_hand.png": _draw_photo}
