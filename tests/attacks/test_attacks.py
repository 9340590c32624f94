"""Attacks on every level that this machine offers, as root and as an ordinary user.

Each must be refused in the way that it names. The control run, without a sandbox, shows that
the attacks are real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import docker_restrictions
import pytest
from attacks import ATTACKS, refused_without_namespaces
from session import NOT_TRIED, WORD
from users import ORDINARY, as_ordinary_user, is_root

from coursekit.sandbox.inside.landlock import AT_MOST
from coursekit.sandbox.levels import BUBBLEWRAP, LANDLOCK, NONE, ZYGOTE, Level
from coursekit.sandbox.limits import MEGABYTE, Limits, most_threads

pytestmark = pytest.mark.slow

SESSION = Path(__file__).with_name("session.py")
NAMESPACED = [
    pytest.param(level, who, id=f"{level.name}-{who}")
    for level in (ZYGOTE, BUBBLEWRAP)
    for who in ("root", "user")
]
# As root and as a user in Docker, and as root on a kernel with the oldest Landlock that is enough.
UNCONFINED = [
    pytest.param(LANDLOCK, who, id=f"landlock-{who}") for who in ("root", "user", "old root")
]
OLDEST = "3"
WRITABLE = {"/student", "/dev/shm"}
# If the kit itself lies below it, the sandbox has it read only.
if not Path(sys.prefix).resolve().is_relative_to("/tmp"):
    WRITABLE.add("/tmp")
DEVICES = {"/dev/null", "/dev/full", "/dev/random", "/dev/urandom"}
# The system's answers to a call that is wrong in itself: then nothing was tried.
WRONG_CALLS = {"EINVAL", "EFAULT", "EBADF", "ENOTTY"}


@cache
def session(level: Level, who: str) -> dict[str, Any]:
    """What `session.py` prints; all attacks run in one kernel."""
    user = "user" in who
    if not user and not is_root():
        pytest.skip("attacks on a conductor that is root need root")
    if why := docker_restrictions.why_not(user=user) if level == LANDLOCK else level.why_not():
        pytest.skip(f"this machine has no level {level.name}: {why}")
    environment = {
        **os.environ,
        "COURSE_SECRET": "kept from students",
        "HOME": "/tmp",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if who == "old root":
        environment[AT_MOST] = OLDEST
    before = as_ordinary_user() if is_root() and user else []
    if level == LANDLOCK:
        before = [sys.executable, docker_restrictions.__file__, *(["--user"] * user), "--"]
    done = subprocess.run(
        [
            *before,
            sys.executable,
            str(SESSION),
            level.name,
            WORD,
        ],
        env=environment,
        # Groups that the kernel must not keep.
        extra_groups=[ORDINARY] if is_root() else None,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["user"] == (ORDINARY if is_root() and user else os.getuid())
    assert set(found["results"]) == set(ATTACKS)
    return found


def others(level: Level, who: str, refused: Callable[[str], set[str]]) -> dict[str, Any]:
    """What came of the attacks that ended in another way than one of those named."""
    return {
        name: (outcome, ATTACKS[name].claim)
        for name, outcome in session(level, who)["results"].items()
        if outcome not in refused(name)
    }


@pytest.mark.parametrize(("level", "who"), NAMESPACED)
def test_every_attack_is_refused_in_the_way_that_it_names(level: Level, who: str) -> None:
    assert others(level, who, lambda name: set(ATTACKS[name].refused.split())) == {}


@pytest.mark.parametrize(("level", "who"), UNCONFINED)
def test_in_a_container_all_are_refused_but_three(level: Level, who: str) -> None:
    assert others(level, who, refused_without_namespaces) == {}


@pytest.mark.parametrize(("level", "who"), UNCONFINED)
def test_a_kernel_without_namespaces_finds_its_limits_and_rights(level: Level, who: str) -> None:
    found = session(level, who)
    state = found["state"]
    if who == "user":
        assert state["user"] == found["user"]
    else:
        assert state["user"] not in {0, os.getuid(), ORDINARY}
        assert state["limits"]["RLIMIT_NPROC"] == [most_threads(Limits().processes)] * 2
    assert state["groups"] == []
    assert state["namespaces"] == found["others"][0]
    check_limits(state["limits"])


def test_attacks_are_real_without_a_sandbox() -> None:
    tried = session(NONE, "the tests' own")
    found: dict[str, str] = tried["results"]
    failed = {
        name: found[name]
        for name, attack in ATTACKS.items()
        if not attack.no_control and found[name] != "True"
    }
    assert failed == {}
    assert tried["here"] == {"secret in own environment": "True", "inherited files": "True"}
    # Python's own errors have a colon behind their names.
    wrong = {name for name in ATTACKS if ":" in found[name] or found[name] in WRONG_CALLS}
    assert wrong == set()
    assert {name for name, outcome in found.items() if outcome == NOT_TRIED} == {
        name for name, attack in ATTACKS.items() if attack.harmful
    }


@pytest.mark.parametrize(("level", "who"), NAMESPACED)
def test_the_kernel_itself_finds_its_limits_and_rights(level: Level, who: str) -> None:
    found = session(level, who)
    state = found["state"]
    assert state["user"] not in {0, os.getuid()} or not is_root()
    assert state["groups"] == [] or not is_root()
    # With the conductor, and with the zygote, which all kernels come from.
    assert len(found["others"]) > (level == ZYGOTE)
    shared = {
        name
        for name, each in state["namespaces"].items()
        for one in found["others"]
        if one[name] == each
    }
    expected = {"time", "time_for_children"} | ({"user"} if who == "root" else set())
    assert shared == expected & set(state["namespaces"])
    assert state["limits"]["RLIMIT_NPROC"] == [most_threads(Limits().processes)] * 2
    check_limits(state["limits"])
    mounts = {place: set(flags) for place, flags in state["mounts"]}
    assert mounts.keys() >= WRITABLE | DEVICES | {"/", "/proc"}
    assert {place for place, flags in mounts.items() if "nosuid" not in flags} == set()
    assert {place for place, flags in mounts.items() if "nodev" not in flags} == DEVICES
    writable = {place for place, flags in mounts.items() if "rw" in flags}
    assert writable == WRITABLE | DEVICES | {"/proc"}
    assert "noexec" in mounts["/proc"]


def check_limits(found: dict[str, list[int]]) -> None:
    """Compare the limits that a kernel found with those that it was to have."""
    most = Limits()
    limits = {
        "RLIMIT_AS": most.process_megabytes * MEGABYTE,
        "RLIMIT_FSIZE": most.disk_megabytes * MEGABYTE,
        "RLIMIT_NOFILE": most.open_files,
        "RLIMIT_SIGPENDING": 4096,
        **dict.fromkeys(("RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE"), 0),
    }
    assert {name: found[name] for name in limits} == {
        name: [value, value] for name, value in limits.items()
    }
    assert found["RLIMIT_CPU"] == [most.processor_seconds, most.processor_seconds + 5]
