"""Run a program as an ordinary user, though the tests run as root."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ORDINARY = 4242
GROUP = 100  # of another number, as many systems have it


def needed_folders() -> list[Path]:
    """The kit and its Python, which an ordinary user must be able to read."""
    return sorted({Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2]})


def as_ordinary_user() -> list[str]:
    """Words to put before a command, for root.

    bubblewrap only shows the command what lies under folders that are closed to
    others, root's home for one; it is given no namespace of users.
    """
    words = ["bwrap", "--dev-bind", "/", "/"]
    covered: set[Path] = set()
    for path in needed_folders():
        closed = [each for each in reversed(path.parents) if not each.stat().st_mode & 0o001]
        if not closed:
            continue
        if closed[0] not in covered:
            covered.add(closed[0])
            words += ["--perms", "0755", "--tmpfs", str(closed[0])]
        for folder in reversed(path.relative_to(closed[0]).parents):
            if folder != Path():
                words += ["--perms", "0755", "--dir", str(closed[0] / folder)]
        words += ["--bind", str(path), str(path)]
    words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--"]
    return [*words, "setpriv", f"--reuid={ORDINARY}", f"--regid={GROUP}", "--clear-groups"]


def is_root() -> bool:
    """Whether the tests run as root."""
    return os.getuid() == 0
