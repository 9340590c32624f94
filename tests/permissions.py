"""Acting as a user whom file permissions hold back, which they do not do to root."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Run what is inside with file permissions in force; skip the test where that cannot be."""
    was = os.geteuid()
    if was == 0:
        try:
            os.seteuid(NOBODY)
        except PermissionError:
            pytest.skip("cannot become anybody whom permissions hold back")
    try:
        yield
    finally:
        os.seteuid(was)


@contextlib.contextmanager
def folder_for_all() -> Iterator[Path]:
    """Make a folder that anybody may search; those that pytest makes are closed to others."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)
