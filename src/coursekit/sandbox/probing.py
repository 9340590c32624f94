"""Find out which sandbox this machine supports, by starting one."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.errors import InfrastructureError
from coursekit.processes.temporary_files import temporary_folder
from coursekit.sandbox.entrance_process import (
    SILENT,
    memory_file,
    read_news,
    start_beside,
    start_sandbox,
)
from coursekit.sandbox.inside import landlock, seccomp
from coursekit.sandbox.owners import (
    fresh_owner,
    has_own_owners,
    home_place,
    owner_without_namespaces,
)
from coursekit.sandbox.view import BUBBLEWRAP, readable_places, shown_course

_SECONDS = 60
# Version 3 of Landlock keeps files from being cut off. Version 6 keeps signals from processes
# of the same user.
_LEAST_LANDLOCK, _LEAST_FOR_ONE_USER = 3, 6


@dataclass(frozen=True)
class Abilities:
    """What this machine supports.

    Attributes:
        why_not: why it has no sandbox; "" if it has one.
        why_not_nested: why a sandbox cannot hold further ones; "" if it can.

    """

    why_not: str = ""
    why_not_nested: str = ""


@functools.cache
def probe() -> Abilities:
    """Return what this machine supports."""
    if not sys.platform.startswith("linux"):
        return Abilities("it needs Linux")
    if shutil.which(BUBBLEWRAP) is None:
        return Abilities("bubblewrap is not installed")
    if why := _why_shown():
        return Abilities(why)
    found = _try_sandbox()
    if "error" in found:
        return Abilities(found["error"])
    return Abilities("", found["why_not_nested"])


def _why_shown() -> str:
    folder = shown_course()
    return f"the course is in {folder}, which Python needs; move it out of there" if folder else ""


@functools.cache
def probe_guarding() -> str:
    """Return why this machine has no sandbox without namespaces; "" if it has one."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    if not seccomp.available():
        return f"no list of system calls is known for {platform.machine()}"
    own = has_own_owners()
    if os.getuid() == 0 and not own:
        return "root may not give a kernel another user id here; grade as an ordinary user"
    found, least = landlock.version(), least_landlock()
    if not found:
        return f"Linux {platform.release()} has no Landlock here"
    if found < least:
        whose = "a user id of its own" if own else "your user id"
        return f"it has Landlock {found}, and a kernel with {whose} needs Landlock {least}"
    if folder := closed_folder():
        return f"a kernel with a user id of its own cannot pass {folder} to Python or the kit"
    return _why_shown() or _try_guarding()


def least_landlock() -> int:
    """Return the version of Landlock that a kernel without namespaces needs."""
    return _LEAST_LANDLOCK if has_own_owners() else _LEAST_FOR_ONE_USER


def closed_folder() -> str:
    """Return a folder above Python or the kit that other users cannot pass, if kernels have to."""
    if not has_own_owners():
        return ""
    for place in readable_places().readable:
        for folder in reversed(Path(place).parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                return str(folder)
    return ""


def _try_guarding() -> str:
    """Why an entrance that tried every step is not confined; "" if it is."""
    ours, theirs = socket.socketpair()
    try:
        with ours, temporary_folder("coursekit-probe-", home_place()) as folder:
            # A kernel's folder has other folders than ours above it, and another owner.
            secret, home = folder / "secret", f"{folder}-home"
            secret.write_text("kept from students")
            if has_own_owners():
                folder.chmod(0o755)
            owner = owner_without_namespaces()
            try:
                with theirs:
                    words = (str(owner), home, str(secret))
                    process = start_beside("probe-guarding", theirs, *words)
                readable_places().send(ours)
                news, _ = read_news(ours, _SECONDS)
                process.kill()
                process.wait()
            finally:
                shutil.rmtree(home, ignore_errors=True)
    except (OSError, InfrastructureError) as error:
        return str(error)
    if reached := news.get("reached"):
        return f"what should be closed can be reached: {', '.join(reached)}"
    return str(news.get("error", ""))


def _try_sandbox() -> dict[str, Any]:
    """The news of a sandbox whose entrance tried every step."""
    ours, theirs = socket.socketpair()
    with ours, memory_file() as errors:
        try:
            with theirs:
                process = start_sandbox("probe", theirs, str(fresh_owner()), errors=errors)
        except OSError as error:
            # For example a container's root, who may not become an ordinary user.
            why = f"root cannot become an ordinary user: {error.strerror}"
            return {"error": f"{BUBBLEWRAP} cannot be started: {why}"}
        news, _ = read_news(ours, _SECONDS)
        process.kill()
        process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
        return {"error": said[-1]} if said and news.get("error") == SILENT else news
