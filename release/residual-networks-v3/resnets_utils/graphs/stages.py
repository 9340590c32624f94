"""Names of a network's blocks by its stages: 2a, 2b, 3a and so on."""

from __future__ import annotations

from collections.abc import Sequence

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def stage_names(changes_shape: Sequence[bool]) -> list[tuple[int, str]]:
    """Return the stage and the letter of each block; [] if every stage has one block.

    The layers before the first block are stage 1, so the first block begins stage 2.
    Every further block that changes the shape begins the next stage. The letters count
    within a stage: a to z, then aa, ab and so on.

    Args:
        changes_shape: for each block, in the order in which a picture passes them,
            whether its output has another shape than its input.

    """
    names: list[tuple[int, str]] = []
    stage, place = 1, 0
    for block, changes in enumerate(changes_shape):
        if changes or block == 0:
            stage, place = stage + 1, 0
        names.append((stage, _letters(place)))
        place += 1
    return names if stage - 1 < len(names) else []


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, len(ALPHABET))
        letters = ALPHABET[letter] + letters
    return letters
