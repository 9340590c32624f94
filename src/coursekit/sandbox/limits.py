"""What a submission may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

GIGABYTE = 1024**3
MEGABYTE = 1024**2


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell_seconds: wall time of one cell.
        notebook_seconds: wall time of all cells together.
        processor_seconds: processor time of one process.
        process_memory: bytes of addresses of one process.
        total_memory: bytes of memory of all its processes together.
        processes: processes and threads, eight for each processor not counted.
        open_files: open files of one process.
        disk: bytes of its private disk, which lies in memory.
        files: files and folders on its private disk.
        text_output: bytes of text that a cell may put out.
        picture_output: bytes of pictures and other data that a cell may put out.
        messages: messages that a cell may send.

    """

    cell_seconds: float = 300
    notebook_seconds: float = 1200
    processor_seconds: int = 2400
    process_memory: int = 4 * GIGABYTE
    total_memory: int = 6 * GIGABYTE
    processes: int = 128
    open_files: int = 1024
    disk: int = 1 * GIGABYTE
    files: int = 20_000
    text_output: int = 1 * MEGABYTE
    picture_output: int = 10 * MEGABYTE
    messages: int = 10_000

    def as_json(self) -> dict[str, Any]:
        """Return the limits as JSON data."""
        return asdict(self)


def in_words(size: float) -> str:
    """Return a number of bytes for people, as "4 GB"."""
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB"), (1024, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:g} bytes"
