"""What may be shown to a class: nothing about fewer than five students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

FEWEST = 5

Key = TypeVar("Key")


def without_few(counts: Mapping[Key, int]) -> dict[Key, int]:
    """Return counts in which every small one was added to the largest; the sum stays."""
    found = dict(counts)
    if found:
        largest = max(found, key=found.__getitem__)
        for key, count in counts.items():
            if 0 < count < FEWEST and key != largest:
                found[largest] += count
                found[key] = 0
    return found
