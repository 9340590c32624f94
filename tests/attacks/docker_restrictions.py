"""Run a command as Docker runs a container with default settings, but without Docker.

    python tests/attacks/docker_restrictions.py [--user] -- COMMAND...

Imitated: the seccomp profile, the 14 capabilities, the hidden and the read-only paths of /proc
and /sys, 64 MB of /dev/shm; setuid programs work. Not imitated: the namespaces of processes,
network, names and messages, the control group, the few devices, a root file system of its own,
AppArmor, and 32-bit programs, which are killed here.

An ordinary user can neither mount, nor filter calls without no_new_privs. For one, the profile
alone is imitated, with no_new_privs.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import struct
import sys
from pathlib import Path

from docker_defaults import (
    CAPABILITIES,
    MASKED_PATHS,
    OTHERWISE,
    READONLY_PATHS,
    SHARED_MEMORY,
    instructions,
    why_no_numbers,
)
from users import GROUP, ORDINARY, is_root, needed_folders

from coursekit.sandbox.inside.filters import install
from coursekit.sandbox.inside.system_calls import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    PR_SET_NO_NEW_PRIVS,
    mount,
    prctl,
    unshare,
)

_MS_RDONLY, _MS_REMOUNT = 1, 32
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION = 0x20080522


def _open_folders() -> None:
    """Show everybody the kit and its Python, also where a folder of root's is closed to others."""
    needed = needed_folders()
    held = {path: os.open(path, os.O_PATH | os.O_DIRECTORY) for path in needed}
    for path in needed:
        closed = [each for each in reversed(path.parents) if not each.stat().st_mode & 0o001]
        if closed:
            mount("shown", str(closed[0]), "tmpfs", 0, "mode=755")
        if not path.exists():
            path.mkdir(parents=True)
            mount(f"/proc/self/fd/{held[path]}", str(path), "", MS_BIND | MS_REC)
    for descriptor in held.values():
        os.close(descriptor)


def _hide() -> None:
    """Hide, and make read-only, what Docker does of /proc and /sys; a small /dev/shm."""
    safe = MS_NOSUID | MS_NODEV | MS_NOEXEC
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    read_only = [place for place in mounted if Path(place).parts[:2] == ("/", "sys")]
    for place in filter(os.path.exists, READONLY_PATHS):
        mount(place, place, "", MS_BIND | MS_REC)
        read_only.append(place)
    for place in read_only:
        mount("", place, "", _MS_REMOUNT | MS_BIND | _MS_RDONLY | safe)
    for place in filter(os.path.exists, MASKED_PATHS):
        if os.path.isdir(place):
            mount("masked", place, "tmpfs", _MS_RDONLY, "size=0k")
        else:
            mount("/dev/null", place, "", MS_BIND)
    mount("shm", "/dev/shm", "tmpfs", safe, f"mode=1777,size={SHARED_MEMORY}")


def _keep_capabilities() -> None:
    """Keep Docker's capabilities alone; as since Docker 20.10.14, no program inherits them."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in set(range(last + 1)) - set(CAPABILITIES.values()):
        prctl(_PR_CAPBSET_DROP, number)
    kept = sum(1 << number for number in CAPABILITIES.values())
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    if ctypes.CDLL(None).capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)):
        raise OSError("capset refused Docker's capabilities")


def why_not(*, user: bool) -> str:
    """Why a command cannot be restricted here; "" if it can."""
    if not (user or is_root()):
        return "only root can have what root has in Docker"
    return why_no_numbers()


def restrict(user: int) -> None:
    """Restrict this process and its children.

    Args:
        user: whom to become, where we are root.

    Raises:
        OSError: if the kernel refuses a step.

    """
    if not is_root():
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        install(instructions(), OTHERWISE)
        return
    unshare(CLONE_NEWNS)
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    _open_folders()
    _hide()
    # Without no_new_privs, only while we have all of root's rights.
    install(instructions(), OTHERWISE)
    _keep_capabilities()
    os.setgroups([])
    group = GROUP if user else 0
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def main() -> None:
    """Restrict this process, and run the command in its place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user", action="store_true", help="as an ordinary user")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    if why := why_not(user=given.user):
        sys.exit(f"error: {why}")
    restrict(ORDINARY if given.user else 0)
    os.execvp(given.command[0], given.command)


if __name__ == "__main__":
    main()
