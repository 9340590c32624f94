"""Find out which sandbox this machine supports, by starting one."""

from __future__ import annotations

import functools
import shutil
import socket
import sys
from dataclasses import dataclass
from typing import Any

from coursekit.sandbox.entrance_process import SILENT, memory_file, read_news, start_sandbox
from coursekit.sandbox.owners import fresh_owner
from coursekit.sandbox.view import BUBBLEWRAP, shown_course

_SECONDS = 60


@dataclass(frozen=True)
class Abilities:
    """What this machine supports.

    Attributes:
        why_not: why it has no sandbox; "" if it has one.
        why_not_nested: why a sandbox cannot hold further ones; "" if it can.
        landlock: the kernel's version of Landlock; 0 if it has none.
        seccomp: whether system calls can be refused.

    """

    why_not: str = ""
    why_not_nested: str = ""
    landlock: int = 0
    seccomp: bool = False


@functools.cache
def probe() -> Abilities:
    """Return what this machine supports."""
    if not sys.platform.startswith("linux"):
        return Abilities("it needs Linux")
    if shutil.which(BUBBLEWRAP) is None:
        return Abilities("bubblewrap is not installed")
    if folder := shown_course():
        return Abilities(f"the course is in {folder}, which Python needs; move it out of there")
    found = _try_sandbox()
    if "error" in found:
        return Abilities(found["error"])
    return Abilities("", found["why_not_nested"], found["landlock"], found["seccomp"])


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
