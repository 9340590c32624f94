"""Landlock's rules, in a process that has given up its rights and nothing else."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit.sandbox.inside.landlock import AT_MOST, version

LAND = """
import json, os, socket, sys
from coursekit.sandbox.inside import landlock
from coursekit.sandbox.inside.system_calls import PR_SET_NO_NEW_PRIVS, prctl
folder, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
prctl(PR_SET_NO_NEW_PRIVS, 1)
own = os.path.join(folder, "own")
os.mkdir(own)
landlock.restrict(["/usr", "/lib", "/lib64", "/proc"], [own], ["/dev/null"], [folder])
def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return error.strerror
    return "done"
print(json.dumps({
    "own": outcome(lambda: open(os.path.join(own, "x"), "w").close()),
    "beside": outcome(lambda: open(os.path.join(folder, "secret")).close()),
    "names": outcome(lambda: os.listdir(folder)),
    "truncate": outcome(lambda: os.truncate(os.path.join(folder, "secret"), 0)),
    "device": outcome(lambda: open("/dev/null", "r+b", 0).close()),
    "other device": outcome(lambda: open("/dev/zero", "rb").close()),
    "connect": outcome(lambda: socket.socket().connect(("127.0.0.1", port))),
    "bind": outcome(lambda: socket.socket().bind(("127.0.0.1", 0))),
    "abstract": outcome(lambda: socket.socket(socket.AF_UNIX).connect("\\0" + name)),
    "signal": outcome(lambda: os.kill(os.getppid(), 0)),
}))
"""
REFUSED, NOT_ALLOWED = "Permission denied", "Operation not permitted"


def tried(folder: Path, **environment: str) -> dict[str, str]:
    """What a restricted process could do, by its name."""
    name = secrets.token_hex(8)
    (folder / "secret").write_text("kept")
    with socket.socket() as port, socket.socket(socket.AF_UNIX) as abstract:
        port.bind(("127.0.0.1", 0))
        port.listen()
        abstract.bind(f"\0{name}")
        abstract.listen()
        words = [str(folder), str(port.getsockname()[1]), name]
        done = subprocess.run(
            [sys.executable, "-c", LAND, *words],
            env=os.environ | environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6, 7])
def test_each_version_refuses_what_it_knows(most: int, tmp_path: Path) -> None:
    if version() < most:
        pytest.skip(f"this machine has Landlock {version()}")
    network = REFUSED if most >= 4 else "done"
    scoped = NOT_ALLOWED if most >= 6 else "done"
    assert tried(tmp_path, **{AT_MOST: str(most)}) == {
        "own": "done",
        "beside": REFUSED,
        "names": "done",
        "truncate": REFUSED if most >= 3 else "done",
        "device": "done",
        "other device": REFUSED,
        "connect": network,
        "bind": network,
        "abstract": scoped,
        "signal": scoped,
    }


def test_without_landlock_nothing_happens(tmp_path: Path) -> None:
    assert set(tried(tmp_path, **{AT_MOST: "0"}).values()) == {"done"}
