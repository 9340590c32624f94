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
        loose: share of people who bend the other fingers only half, and let the thumb of
            1 and 2 lie beside the hand; the lengths of their fingers differ, too.
        dressed: share of people with a ring, or with a pattern on their sleeve.
        things: share of pictures with things on the wall: frames, edges, shelves, stripes.
        cut: share of hands that the frame cuts.
        phone: share of photographs as a phone takes them: shaken, enlarged, sharpened,
            compressed, through a wide lens, in the light of a warm lamp.
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
    loose: float
    dressed: float
    things: float
    cut: float
    phone: float
    people: int


# All that people do, for training the shipped model.
WIDE = Variety(
    turn=1.0,
    back=0.35,
    side=0.5,
    smallest=0.45,
    growth=0.60,
    stray=1.0,
    plain_walls=0.65,
    camera=1.1,
    loose=0.35,
    dressed=0.25,
    things=0.35,
    cut=0.12,
    phone=0.6,
    people=0,
)
# People who were told how to stand, each before one wall: the data set, like the original.
STUDIO = Variety(
    turn=0.5,
    back=0.20,
    side=0.55,
    smallest=0.68,
    growth=0.28,
    stray=0.5,
    plain_walls=1.0,
    camera=0.5,
    loose=0.0,
    dressed=0.0,
    things=0.0,
    cut=0.0,
    phone=0.0,
    people=20,
)
