"""How full a kernel's folder is, on a disk that it shares with the machine.

The system limits each file there, and ends no kernel for one. Their number and their sum
are looked at, and may be a quarter larger.
"""

from __future__ import annotations

import os
import time

from coursekit.sandbox.limits import MEGABYTE, Limits

_PAUSE = 5.0  # times as long as the last look took
_TOLERANCE = 1.25
_BLOCK = 512  # bytes, as `os.stat` counts them
_NEARLY_FULL = 256 * MEGABYTE


class FolderUse:
    """Says whether a kernel has filled its folder.

    Args:
        folder: the folder.
        limits: what the kernel may use.

    """

    def __init__(self, folder: str, limits: Limits) -> None:
        self._folder = folder
        self._most_bytes = _TOLERANCE * limits.disk_megabytes * MEGABYTE
        self._most_files = _TOLERANCE * limits.files
        self._free_before = _free(folder, 0)
        self._next = 0.0

    def is_full(self, *, at_once: bool = False) -> bool:
        """Return whether there is too much in it, or the disk itself is getting full.

        A file without a name is in no folder, but the disk has less room for it.

        Args:
            at_once: whether to look even if the last look was just now and took long.

        """
        free = _free(self._folder, self._free_before)
        if free < _NEARLY_FULL and self._free_before - free > self._most_bytes:
            return True
        begun = time.monotonic()
        if begun < self._next and not at_once:
            return False
        full = self._holds_too_much()
        now = time.monotonic()
        self._next = now + _PAUSE * (now - begun)
        return full

    def _holds_too_much(self) -> bool:
        used = files = 0
        waiting = [self._folder]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        files += 1
                        used += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                        if files > self._most_files or used > self._most_bytes:
                            return True
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
            except OSError:
                continue  # it has just been removed
        return False


def _free(folder: str, otherwise: int) -> int:
    """The bytes that the disk has room for, or another number if the folder is gone."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return otherwise
    return found.f_bavail * found.f_frsize
