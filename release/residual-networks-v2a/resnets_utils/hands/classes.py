"""The classes of the data set: the numbers that the hands in its pictures show."""

from __future__ import annotations

CLASS_NAMES = (
    "0: closed ring",
    "1: index finger",
    "2: index and middle",
    "3: thumb, index, middle",
    "4: four fingers",
    "5: open hand",
)
CLASSES = len(CLASS_NAMES)
