"""The limits of a submission: one table, of which settings, defaults and JSON are made."""

from __future__ import annotations

from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, cast

KILOBYTE = 1024
MEGABYTE = 1024**2
GIGABYTE = 1024**3
_SIZES = {"kilobytes": KILOBYTE, "megabytes": MEGABYTE}


def _limit(default: int, words: str, unit: str = "") -> Any:
    """A row of the table; a setting of bytes is made in the larger unit."""
    return field(default=default, metadata={"help": words, "unit": unit})


@dataclass(frozen=True)
class Limits:
    """What one submission may use. `coursekit doctor` prints the table."""

    cell_seconds: float = _limit(300, "wall time of one cell")
    notebook_seconds: float = _limit(1200, "wall time of all cells together")
    processor_seconds: int = _limit(2400, "processor time of one process")
    process_bytes: int = _limit(4 * GIGABYTE, "memory of one process", "megabytes")
    total_bytes: int = _limit(6 * GIGABYTE, "memory of all processes together", "megabytes")
    processes: int = _limit(128, "processes and threads, besides eight for each processor")
    open_files: int = _limit(1024, "open files of one process")
    disk_bytes: int = _limit(GIGABYTE, "private disk, which is in memory", "megabytes")
    files: int = _limit(20_000, "files and folders on the private disk")
    text_bytes: int = _limit(MEGABYTE, "text that one cell may print", "kilobytes")
    picture_bytes: int = _limit(10 * MEGABYTE, "pictures that one cell may show", "kilobytes")
    messages: int = _limit(10_000, "messages that one cell may send")

    def as_json(self) -> dict[str, Any]:
        """Return the limits as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class Setting:
    """How ``c.StudentKernel`` names a limit.

    Attributes:
        name: the setting's name, which ends in its unit if it has one.
        limit: the limit's name in `Limits`.
        default: its default.
        factor: how many of the limit's unit the setting's unit is.
        whole: whether it is a whole number.
        help: what is limited.

    """

    name: str
    limit: str
    default: int
    factor: int
    whole: bool
    help: str


def _setting(row: Field[Any]) -> Setting:
    unit, words = row.metadata["unit"], row.metadata["help"]
    factor, default = _SIZES.get(unit, 1), cast(int, row.default)
    name = row.name.replace("bytes", unit) if unit else row.name
    return Setting(name, row.name, default // factor, factor, row.type == "int", words)


SETTINGS = tuple(map(_setting, fields(Limits)))


def in_words(size: float) -> str:
    """Return a number of bytes for people, for example "4 GB"."""
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB"), (KILOBYTE, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:g} bytes"
