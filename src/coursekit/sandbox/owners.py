"""Which user id a sandboxed kernel runs as."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from coursekit.sandbox.inside.requests import NOBODY

_FIRST_FRESH, _FRESH = 1_000_000_000, 2**30
_CAP_SYS_ADMIN = 21


def real_root() -> bool:
    """Return whether we may make namespaces without a user namespace."""
    if os.getuid() or not sys.platform.startswith("linux") or only_user():
        return False
    status = Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    return bool(effective >> _CAP_SYS_ADMIN & 1)


def only_user() -> bool:
    """Return whether our user namespace has no other user that root could become."""
    users = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return not any(int(first) <= NOBODY < int(first) + int(many) for first, _, many in users)


def fresh_owner() -> int:
    """Return the user id for a kernel: a new one if we are root, otherwise ours."""
    if os.getuid():
        return os.getuid()
    first, _, count = Path("/proc/self/uid_map").read_text().split()[:3]
    if not real_root() or int(first) + int(count) < _FIRST_FRESH + _FRESH:
        return NOBODY
    return _FIRST_FRESH + secrets.randbelow(_FRESH)
