"""Run a command in a real container that is configured as Docker does it, by runc.

    python tests/attacks/docker_container.py [--user] -- COMMAND...

Its root file system is this machine's, with a layer in memory above it, so that it can be
written. Of Docker's container it has the seccomp profile, the capabilities, the namespaces and the
mounts. It lacks a control group's limits, AppArmor and a network. Only root can run it.
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


def _mounts() -> list[dict[str, Any]]:
    def each(place: str, kind: str, options: list[str], source: str = "") -> dict[str, Any]:
        return {"destination": place, "type": kind, "source": source or kind, "options": options}

    return [
        each("/proc", "proc", _SAFE),
        each("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        each(
            "/dev/pts",
            "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        each("/sys", "sysfs", [*_SAFE, "ro"]),
        each("/dev/mqueue", "mqueue", _SAFE),
        each("/dev/shm", "tmpfs", [*_SAFE, "mode=1777", f"size={SHARED_MEMORY}"]),
        *(
            each(str(path), "bind", ["rbind", "ro", "nosuid", "nodev"], str(path))
            for path in needed_folders()
        ),
    ]


def configuration(user: int, command: list[str]) -> dict[str, Any]:
    """What runc reads: a container of Docker's that runs the command."""
    capabilities = list(CAPABILITIES)
    own = [] if user else capabilities
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user, "gid": user},
            "args": command,
            "env": [f"{name}={value}" for name, value in os.environ.items()],
            "cwd": "/",
            "capabilities": {"bounding": capabilities, "effective": own, "permitted": own},
        },
        "root": {"path": "root"},
        "hostname": "container",
        "mounts": _mounts(),
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "network", "uts", "pid", "ipc")],
            "seccomp": oci_profile(),
            "maskedPaths": MASKED_PATHS,
            "readonlyPaths": READONLY_PATHS,
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
            (_BUNDLE / "root" / parent.relative_to("/")).chmod(0o755)


def main() -> None:
    """Run the command in a container, in the place of this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user", action="store_true", help="as an ordinary user")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    command = [shutil.which(given.command[0]) or given.command[0], *given.command[1:]]
    found = configuration(ORDINARY if given.user else 0, command)
    _make_root()
    (_BUNDLE / "config.json").write_text(json.dumps(found))
    # Control groups have its name, and are not this process's alone.
    name = f"coursekit-{os.getpid()}"
    words = [RUNTIME, "--root", f"{_BUNDLE}/state", "run", "--bundle", str(_BUNDLE), name]
    os.execvp(RUNTIME, words)


if __name__ == "__main__":
    main()
