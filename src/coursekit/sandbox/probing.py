"""Find out what shuts a kernel in on this machine: by doing it, not by asking for versions."""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from coursekit.sandbox.view import (
    BUBBLEWRAP,
    bubblewrap_arguments,
    first_environment,
    shown_course,
)

# Strongest first.
ZYGOTE = "zygote"
BUBBLEWRAPPED = "bubblewrap"
NONE = "none"
LEVELS = (ZYGOTE, BUBBLEWRAPPED, NONE)
DESCRIPTIONS = {
    ZYGOTE: "forked from a warm zygote into namespaces of its own, in bubblewrap",
    BUBBLEWRAPPED: "started cold in bubblewrap",
    NONE: "separate process, no sandbox",
}
# Owns nothing on any machine by custom; for where larger numbers cannot be had.
NOBODY = 65534
_FIRST_FRESH, _FRESH = 1_000_000_000, 2**30
_CAP_SYS_ADMIN = 21
_PROBE_SECONDS = 60


@dataclass(frozen=True)
class Abilities:
    """What this machine can do.

    Attributes:
        why_not: for each level that it cannot reach, the reason.
        landlock: the kernel's version of Landlock; 0 if it has none.
        seccomp: whether system calls can be refused.

    """

    why_not: dict[str, str] = field(default_factory=dict)
    landlock: int = 0
    seccomp: bool = False

    @property
    def strongest(self) -> str:
        """The strongest level that it reaches."""
        return next(level for level in LEVELS if level not in self.why_not)


def real_root() -> bool:
    """Return whether we may make namespaces by right, without a user namespace."""
    if os.getuid() or not sys.platform.startswith("linux") or _alone():
        return False
    status = Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    return bool(effective >> _CAP_SYS_ADMIN & 1)


def _alone() -> bool:
    """Whether we are the only user of a namespace: a root that can become nobody else."""
    users = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return not any(int(first) <= NOBODY < int(first) + int(many) for first, _, many in users)


def fresh_owner() -> int:
    """Return the user id for a kernel: one of its own if we are root, otherwise ours."""
    if os.getuid():
        return os.getuid()
    first, _, count = Path("/proc/self/uid_map").read_text().split()[:3]
    if not real_root() or int(first) + int(count) < _FIRST_FRESH + _FRESH:
        return NOBODY
    return _FIRST_FRESH + secrets.randbelow(_FRESH)


def start_sandbox(
    kind: str, line: socket.socket, *words: str, errors: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start bubblewrap with the entrance in it.

    Args:
        kind: what the entrance is to be.
        line: the entrance's end of a connection.
        words: what else it is told.
        errors: where its standard error goes.

    """
    root = real_root()
    told = bubblewrap_arguments(own_users=not root)
    dropped: dict[str, Any] = {}
    if os.getuid() == 0 and not root:
        if _alone():
            # Outside it is an ordinary user; inside it is named so.
            told += ["--uid", str(NOBODY), "--gid", str(NOBODY)]
        else:
            # Root without root's rights becomes an ordinary user first.
            dropped = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    arguments = "\0".join(told) + "\0"
    program = shutil.which(BUBBLEWRAP) or BUBBLEWRAP
    entrance = ["-m", "coursekit.sandbox.inside.entrance", kind, str(line.fileno()), *words]
    with tempfile.TemporaryFile() as file:
        # In a file: a command line can be read inside.
        file.write(arguments.encode())
        file.seek(0)
        return subprocess.Popen(
            [program, "--args", str(file.fileno()), "--", sys.executable, *entrance],
            pass_fds=[file.fileno(), line.fileno()],
            env=first_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            **dropped,
        )


def read_news(line: socket.socket) -> dict[str, Any]:
    """Wait for one line of news from a sandbox; "error" stands in it if none comes."""
    try:
        with line.makefile() as stream:
            said = stream.readline()
    except OSError as error:
        return {"error": str(error)}
    news: dict[str, Any] = json.loads(said) if said else {"error": "it ended without a word"}
    return news


@functools.cache
def probe() -> Abilities:
    """Return what this machine can do."""
    if not sys.platform.startswith("linux"):
        why = "it needs Linux"
        return Abilities({ZYGOTE: why, BUBBLEWRAPPED: why})
    if shutil.which(BUBBLEWRAP) is None:
        why = "bubblewrap is not installed"
        return Abilities({ZYGOTE: why, BUBBLEWRAPPED: why})
    if folder := shown_course():
        why = f"the course lies in {folder}, which Python needs; move it out of there"
        return Abilities({ZYGOTE: why, BUBBLEWRAPPED: why})
    found = _try_sandbox()
    if not found.get("confined"):
        why = str(found.get("error", "the attempt ended without a word"))
        return Abilities({ZYGOTE: why, BUBBLEWRAPPED: why})
    why = str(found["why_not_nested"])
    return Abilities({ZYGOTE: why} if why else {}, int(found["landlock"]), bool(found["seccomp"]))


def _try_sandbox() -> dict[str, Any]:
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile() as errors:
        ours.settimeout(_PROBE_SECONDS)
        try:
            with theirs:
                process = start_sandbox("probe", theirs, str(fresh_owner()), errors=errors)
        except OSError as error:
            # Such as a container's root who may not become an ordinary user.
            why = f"root cannot become an ordinary user: {error.strerror}"
            return {"error": f"{BUBBLEWRAP} cannot be started: {why}"}
        try:
            with ours.makefile() as answers:
                answer = answers.readline()
        except TimeoutError:
            return {"error": f"no sandbox within {_PROBE_SECONDS} s"}
        finally:
            process.kill()
            process.wait()
        if answer:
            news: dict[str, Any] = json.loads(answer)
            return news
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
        return {"error": said[-1]} if said else {}
