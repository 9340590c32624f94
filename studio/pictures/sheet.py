"""A sheet of the pictures that the network learns from, one row a class."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.pictures.svg import CARD, CARD_EDGE, INK

PIXELS = 64  # height and width of a picture
COLUMNS = 5
DENSE = 2  # stored pixels for each at the natural size, crisp on dense screens
ENLARGED = 3  # stored pixels for each of a picture's
SIDE = PIXELS * ENLARGED / DENSE
LEFT, TOP, MARGIN, GAP = 112, 62, 24, 8  # at the natural size
WIDTH = LEFT + COLUMNS * (SIDE + GAP) - GAP + MARGIN
TITLE = "The numbers 0 to 5, shown by a hand"


def signs_sheet(
    pictures: NDArray[np.uint8], labels: NDArray[np.int64], title: str = TITLE
) -> bytes:
    """Draw pictures with their labels, the first five of each class in a row.

    Args:
        pictures: (m, 64, 64, 3) uint8.
        labels: (m,) whole numbers.
        title: words above the rows.

    Returns:
        a PNG, the same bytes for the same arguments; 652 pixels wide at its
        natural size, stored at twice that.

    Raises:
        ValueError: if the shapes do not fit together, or there is no picture.

    """
    if not len(pictures) or pictures.shape != (len(labels), PIXELS, PIXELS, 3):
        raise ValueError(
            f"a sheet takes pictures of shape (m, {PIXELS}, {PIXELS}, 3) and m labels, not "
            f"{pictures.shape} and {labels.shape}"
        )
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    classes = np.unique(labels)
    height = TOP + len(classes) * (SIDE + GAP) - GAP + MARGIN
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72 * DENSE)
    figure.patch.set_alpha(0)
    figure.patches.append(
        FancyBboxPatch(
            (1, 1),
            WIDTH - 2,
            height - 2,
            boxstyle="round,pad=0,rounding_size=14",
            facecolor=CARD,
            edgecolor=CARD_EDGE,
            transform=_pixels(),
        )
    )
    write = {"color": INK, "va": "center", "transform": _pixels()}
    figure.text(MARGIN, height - TOP / 2, title, fontsize=15, fontweight="bold", **write)
    for row, label in enumerate(classes):
        middle = height - TOP - row * (SIDE + GAP) - SIDE / 2
        figure.text(MARGIN, middle, f"label {label}", fontsize=14, fontweight="bold", **write)
        for column, picture in enumerate(pictures[labels == label][:COLUMNS]):
            # Drawn pixel by pixel: smoothing would show more than the network sees.
            figure.figimage(
                picture.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1),
                xo=round(DENSE * (LEFT + column * (SIDE + GAP))),
                yo=round(DENSE * (middle - SIDE / 2)),
                zorder=3,
            )
    written = io.BytesIO()
    figure.savefig(
        written, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True}
    )
    return written.getvalue()


def _pixels() -> Any:
    """Return the transform from natural pixels, counted from the lower left corner."""
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(DENSE)
