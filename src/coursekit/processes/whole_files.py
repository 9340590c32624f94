"""Write files so that nobody ever finds half of one."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file, or leave what was there.

    Args:
        path: the file; its folder exists.
        content: what it will hold.
        mode: its permissions.

    Raises:
        OSError: if it cannot be written; then nothing has changed.

    """
    # In the same folder: a rename within one is all or nothing.
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        draft.write_bytes(content)
        draft.chmod(mode)
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
