"""How full a kernel's folder is, on a disk that it shares with the machine.

The system limits each file there. Their number and their sum are looked at.
"""

from __future__ import annotations

import errno
import math
import os
import time

from coursekit.sandbox.limits import MEGABYTE, Limits

_PAUSE = 5.0  # times as long as the last look took
# From twice the limit on, the kernel is ended.
_FAR_TOO_FULL = 2.0
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
        self._most_bytes = limits.disk_megabytes * MEGABYTE
        self._most_files = limits.files
        self._free_before = _free(folder, 0)
        self._next = 0.0

    def is_full(self) -> bool:
        """Return whether there is more in it than the kernel may have."""
        return self._fullness() > 1

    def is_far_too_full(self) -> bool:
        """Return whether the kernel must end, so that the machine's disk does not fill.

        A file without a name is in no folder, but the disk has less room for it.
        """
        free = _free(self._folder, self._free_before)
        if free < _NEARLY_FULL and self._free_before - free > self._most_bytes:
            return True
        begun = time.monotonic()
        if begun < self._next:
            return False
        full = self._fullness() > _FAR_TOO_FULL
        now = time.monotonic()
        self._next = now + _PAUSE * (now - begun)
        return full

    def _fullness(self) -> float:
        """What is in it, in parts of what may be; no more exact than is needed."""
        used = files = 0
        waiting = [self._folder]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        files += 1
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        used += _size(entry)
                        fullness = max(used / self._most_bytes, files / self._most_files)
                        if fullness > _FAR_TOO_FULL:
                            return fullness
            except OSError as error:
                # Too deep to be looked at by its path.
                if error.errno == errno.ENAMETOOLONG:
                    return math.inf
        return max(used / self._most_bytes, files / self._most_files)


def _size(entry: os.DirEntry[str]) -> int:
    """The bytes of a file on the disk; 0 if it has just been removed."""
    try:
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    except FileNotFoundError:
        return 0


def _free(folder: str, otherwise: int) -> int:
    """The bytes that the disk has room for, or another number if the folder is gone."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return otherwise
    return found.f_bavail * found.f_frsize
