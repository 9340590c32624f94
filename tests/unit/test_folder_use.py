"""What counts of a kernel's folder on a disk of the machine's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coursekit.sandbox.folder_use import FolderUse
from coursekit.sandbox.limits import Limits


@pytest.mark.parametrize(("depth", "full"), [(10, False), (20, True)])
def test_what_is_too_deep_to_be_looked_at_counts_as_too_much(
    depth: int, full: bool, tmp_path: Path
) -> None:
    # A path has at most 4,096 bytes. A process in the folder needs no path to it.
    use = FolderUse(str(tmp_path), Limits())
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 250, dir_fd=folder)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    assert (use.is_full(), use.is_far_too_full()) == (full, full)


def test_bytes_and_files_count(tmp_path: Path) -> None:
    limits = Limits(disk_megabytes=1, files=8)
    use = FolderUse(str(tmp_path), limits)
    (tmp_path / "large").write_bytes(bytes(2**20 - 2**16))
    assert not use.is_full()
    (tmp_path / "more").write_bytes(bytes(2**17))
    assert use.is_full()
    (tmp_path / "large").unlink()
    for number in range(8):
        (tmp_path / f"small-{number}").touch()
    assert use.is_full()
    assert not use.is_far_too_full()
