"""Which user id a sandboxed kernel runs as."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from coursekit.errors import InfrastructureError
from coursekit.processes.temporary_files import temporary_place
from coursekit.sandbox.inside.requests import NOBODY

_FIRST_FRESH, _FRESH = 1_000_000_000, 2**30
_CHOWN, _KILL, _SETGID, _SETUID, _SETPCAP, _NET_ADMIN, _SYS_ADMIN = 0, 5, 6, 7, 8, 12, 21
# bubblewrap makes namespaces with them, sets up a loopback, and keeps some for the entrance.
_FOR_NAMESPACES = (_CHOWN, _SETGID, _SETUID, _SETPCAP, _NET_ADMIN, _SYS_ADMIN)
_FOR_OWN_OWNERS = (_CHOWN, _KILL, _SETGID, _SETUID)


def real_root() -> bool:
    """Return whether we may make namespaces without a user namespace."""
    if os.getuid() or not sys.platform.startswith("linux") or only_user():
        return False
    return _has(*_FOR_NAMESPACES)


def _has(*capabilities: int) -> bool:
    """Whether we have all of these rights."""
    status = Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    return all(effective >> each & 1 for each in capabilities)


def only_user() -> bool:
    """Return whether our user namespace has no other user that root could become."""
    return not any(NOBODY in users for users in _known_users())


def _known_users() -> list[range]:
    """The user ids of our user namespace."""
    rows = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return [range(int(first), int(first) + int(many)) for first, _, many in rows]


def fresh_owner() -> int:
    """Return the user id for a kernel in namespaces: a new one if we are root, otherwise ours."""
    if os.getuid():
        return os.getuid()
    return _new_user() if real_root() else NOBODY


def has_own_owners() -> bool:
    """Return whether a kernel without namespaces gets a user id of its own: if we are root."""
    return os.getuid() == 0 and not only_user() and _has(*_FOR_OWN_OWNERS)


def owner_without_namespaces() -> int:
    """Return the user id for a kernel without namespaces: a new one if we are root, or ours."""
    return _new_user() if has_own_owners() else os.getuid()


def _new_user() -> int:
    """A user id that owns nothing, and that no other kernel has."""
    known = max(_known_users(), key=len)
    if known.stop >= _FIRST_FRESH + _FRESH:
        return _FIRST_FRESH + secrets.randbelow(_FRESH)
    # Where a container knows few users, the first ones are those in use.
    return known.stop - 1 - secrets.randbelow(len(known) // 4)


def home_place() -> str:
    """Return the folder for the homes of kernels without namespaces.

    It is the one for temporary files or, where another user cannot enter that, the next
    one above it for everybody's temporary files.

    Raises:
        InfrastructureError: if they can enter no such folder.

    """
    place = Path(temporary_place())
    if not has_own_owners():
        return str(place)
    for found in (place, *place.parents):
        mode = found.stat().st_mode
        entered = all(each.stat().st_mode & stat.S_IXOTH for each in (found, *found.parents))
        if entered and (found == place or mode & stat.S_ISVTX):
            return str(found)
    raise InfrastructureError(
        f"students' kernels, whose users are not yours, cannot enter {place}",
        "choose another folder for temporary files, with: export TMPDIR=/tmp",
    )
