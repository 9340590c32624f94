"""How much pictures differ: those of the data set, and those of the shipped model's training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variety:
    """How much persons, walls and cameras may differ.

    Attributes:
        turn: factor on how far a hand turns about its three axes.
        back: share of hands that show their back.
        side: share of rings that are shown from the side of the thumb.
        smallest: least share of the frame that a hand's longer side fills.
        growth: how much more than that it may fill.
        stray: factor on how far a hand stands from the middle of its free room.
        plain_walls: share of walls that are off-white.
        camera: factor on the camera's mistakes: exposure, blur and noise.
        people: how many people share the pictures, each in a room of their own;
            0 if every picture shows another.

    """

    turn: float
    back: float
    side: float
    smallest: float
    growth: float
    stray: float
    plain_walls: float
    camera: float
    people: int


# All that people do, for training the shipped model.
WIDE = Variety(1.0, 0.40, 0.55, 0.42, 0.55, 1.0, 0.82, 1.0, 0)
# People who were told how to stand, each before one wall: the data set, like the original.
STUDIO = Variety(0.5, 0.20, 0.55, 0.68, 0.28, 0.5, 1.0, 0.5, 20)
