"""A shard: the part of a class that one of several machines grades, without the others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_Each = TypeVar("_Each")


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of a class.

    Attributes:
        number: which one, from 1 on.
        of: how many there are.

    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"

    def folder(self, out: Path) -> Path:
        """Return where its results are kept: all shards may share a folder."""
        return out / f"shard-{self.number}-of-{self.of}"

    def part(self, found: Iterable[_Each]) -> list[_Each]:
        """Return this shard's part of what is listed in the same order by all."""
        return list(found)[self.number - 1 :: self.of]


def shard_named(text: str) -> Shard:
    """Return the shard that a text such as ``2/8`` names.

    Raises:
        ValueError: if it names none.

    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{text!r} is not I/N, with I from 1 to N, such as 2/8")
    return Shard(int(found[1]), int(found[2]))
