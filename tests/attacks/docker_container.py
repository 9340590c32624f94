"""Run a command in a real container that is configured as Docker does it, by runc.

    python tests/attacks/docker_container.py [--user | --pod] [--unconfined] -- COMMAND...

Its root file system is this machine's, with a layer in memory above it, so that it can be
written. Of Docker's container it has the seccomp profile, the capabilities, the namespaces and the
mounts. It lacks a control group's limits, AppArmor and a network. Only root can run it.

--pod: as a container that Kubernetes runs under its standard "restricted", with Docker's seccomp
profile in place of containerd's: an ordinary user without any capability and with no_new_privs,
and a root file system that cannot be written.
--unconfined: with --security-opt seccomp=unconfined --security-opt systempaths=unconfined.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from docker_defaults import (
    CAPABILITIES,
    MASKED_PATHS,
    READONLY_PATHS,
    SHARED_MEMORY,
    oci_profile,
    why_no_numbers,
)
from users import ORDINARY, is_root, needed_folders

from coursekit.sandbox.inside.system_calls import (
    CLONE_NEWNS,
    MS_PRIVATE,
    MS_REC,
    mount,
    unshare,
)

RUNTIME = "runc"
# A folder of every Debian. What is mounted there, no other process sees.
_BUNDLE = Path("/mnt")
_SAFE = ["nosuid", "noexec", "nodev"]


@functools.cache
def why_not() -> str:
    """Why no container can be run here; "" if one can."""
    if not is_root():
        return "only root can run a container here"
    if not shutil.which(RUNTIME):
        return f"no {RUNTIME}, which runs containers; try: apt install {RUNTIME}"
    if why := why_no_numbers():
        return why
    tried = subprocess.run([sys.executable, __file__, "--", "true"], capture_output=True, text=True)
    return f"{RUNTIME} cannot run a container: {tried.stderr[-300:]}" if tried.returncode else ""


def _mount(place: str, kind: str, options: list[str], source: str = "") -> dict[str, Any]:
    return {"destination": place, "type": kind, "source": source or kind, "options": options}


def _mounts(*, pod: bool) -> list[dict[str, Any]]:
    return [
        _mount("/proc", "proc", _SAFE),
        _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount(
            "/dev/pts",
            "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        _mount("/sys", "sysfs", [*_SAFE, "ro"]),
        _mount("/dev/mqueue", "mqueue", _SAFE),
        _mount("/dev/shm", "tmpfs", [*_SAFE, "mode=1777", f"size={SHARED_MEMORY}"]),
        *([_mount("/tmp", "tmpfs", ["nosuid", "nodev", "mode=1777"])] if pod else []),
        *(
            _mount(str(path), "bind", ["rbind", "ro", "nosuid", "nodev"], str(path))
            for path in needed_folders()
        ),
    ]


def configuration(command: list[str], *, user: int, pod: bool, unconfined: bool) -> dict[str, Any]:
    """What runc reads: a container of Docker's that runs the command."""
    capabilities = [] if pod else list(CAPABILITIES)
    own = [] if user else capabilities
    confined = {
        "seccomp": oci_profile(),
        "maskedPaths": MASKED_PATHS,
        "readonlyPaths": READONLY_PATHS,
    }
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user, "gid": user},
            "args": command,
            "env": [f"{name}={value}" for name, value in os.environ.items()],
            "cwd": "/",
            "capabilities": {"bounding": capabilities, "effective": own, "permitted": own},
            "noNewPrivileges": pod,
        },
        "root": {"path": "root", "readonly": pod},
        "hostname": "container",
        "mounts": _mounts(pod=pod),
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "network", "uts", "pid", "ipc")],
            **({} if unconfined else confined),
        },
    }


def _make_root() -> None:
    """Mount this machine's files, with a layer in memory above them, for this process alone."""
    unshare(CLONE_NEWNS)
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("container", str(_BUNDLE), "tmpfs", 0, "mode=755")
    for name in ("upper", "work", "root"):
        (_BUNDLE / name).mkdir()
    layers = f"lowerdir=/,upperdir={_BUNDLE}/upper,workdir={_BUNDLE}/work"
    mount("root", f"{_BUNDLE}/root", "overlay", 0, layers)
    for path in needed_folders():
        for parent in path.parents:
            shown = _BUNDLE / "root" / parent.relative_to("/")
            shown.chmod(shown.stat().st_mode | 0o055)


def main() -> None:
    """Run the command in a container, in the place of this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--user", action="store_true", help="as an ordinary user")
    who.add_argument("--pod", action="store_true", help='as Kubernetes does it, "restricted"')
    parser.add_argument("--unconfined", action="store_true", help="all calls, the whole of /proc")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    command = [shutil.which(given.command[0]) or given.command[0], *given.command[1:]]
    user = ORDINARY if given.user or given.pod else 0
    found = configuration(command, user=user, pod=given.pod, unconfined=given.unconfined)
    _make_root()
    (_BUNDLE / "config.json").write_text(json.dumps(found))
    # Control groups have its name, and are not this process's alone.
    name = f"coursekit-{os.getpid()}"
    words = [RUNTIME, "--root", f"{_BUNDLE}/state", "run", "--bundle", str(_BUNDLE), name]
    os.execvp(RUNTIME, words)


if __name__ == "__main__":
    main()
