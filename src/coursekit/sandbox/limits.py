"""The limits of a submission: the one table, which settings, defaults and JSON are made of."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

KILOBYTE = 1024
MEGABYTE = 1024**2
GIGABYTE = 1024**3


def _limit(default: int, words: str) -> Any:
    return field(default=default, metadata={"help": words})


@dataclass(frozen=True)
class Limits:
    """What one submission may use: for each limit its name, which ends in its unit."""

    submission_seconds: float = _limit(600, "wall time of a submission, with its judging")
    cell_seconds: float = _limit(300, "wall time of one cell")
    notebook_seconds: float = _limit(450, "wall time of all cells together")
    processor_seconds: int = _limit(2400, "processor time of one process")
    process_megabytes: int = _limit(4096, "memory of one process")
    total_megabytes: int = _limit(6144, "memory of all processes together")
    processes: int = _limit(128, "processes and threads, besides eight for each processor")
    open_files: int = _limit(1024, "open files of one process")
    disk_megabytes: int = _limit(1024, "private disk, which is in memory")
    files: int = _limit(20_000, "files and folders on the private disk")
    text_kilobytes: int = _limit(1024, "text that one cell may print")
    picture_kilobytes: int = _limit(10_240, "pictures that one cell may show")
    messages: int = _limit(10_000, "messages that one cell may send")


def in_words(size: float) -> str:
    """Return a number of bytes for people, for example "4 GB"."""
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB"), (KILOBYTE, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:g} bytes"


def most_threads(processes: int) -> int:
    """Return how many threads all processes together may have, if ``processes`` is the limit."""
    return processes + 8 * (os.cpu_count() or 1)


def too_many_threads(processes: int) -> str:
    """Return that no process or thread could start, with {} for what ran."""
    return f"{{}} had too many processes and threads ({processes:,})"


def too_many_files(limits: Limits) -> str:
    """Return that no file could be opened, with {} for what ran."""
    return f"{{}} had too many files open ({limits.open_files:,})"


def filled_disk(limits: Limits) -> str:
    """Return that no more could be written, with {} for what ran."""
    disk = in_words(limits.disk_megabytes * MEGABYTE)
    return f"{{}} filled its disk ({disk}, {limits.files:,} files)"
