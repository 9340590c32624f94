"""Say what this machine can do to shut students' code in, and what would give more."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from rich.console import Console

from coursekit.errors import CourseKitError
from coursekit.sandbox.probing import (
    DESCRIPTIONS,
    LEVELS,
    NONE,
    Abilities,
    probe,
    real_root,
)
from coursekit.sandbox.settings import UNSAFE_VARIABLE
from coursekit.sandbox.view import BUBBLEWRAP

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_DEBIAN = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MOST_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
_INSTALLERS = {
    "apt-get": "apt install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "zypper": "zypper install bubblewrap",
    "apk": "apk add bubblewrap",
}


def doctor(console: Console) -> None:
    """Print what this machine can do, and the commands that would give more.

    Raises:
        CourseKitError: if it has no sandbox at all.

    """

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    found = probe()
    say(f"system       {platform.system()} {platform.release()}, {platform.machine()}")
    for level in LEVELS:
        reached = level not in found.why_not
        why = "" if reached else f": {found.why_not[level]}"
        sign = "yes" if reached else "no "
        words = "only if asked for" if level == NONE else f"{sign}{why}"
        say(f"{level:<12} {DESCRIPTIONS[level]}: {words}")
    if found.strongest == NONE:
        raise CourseKitError(
            "students' code would run without a sandbox here, so it is not run",
            "\n      ".join([*remedies(found), f"or, with your own rights: {UNSAFE_VARIABLE}=1"]),
        )
    users = "a user id of their own" if real_root() else "your user id, in a namespace of users"
    say(f"users        kernels run as {users}")
    layers = [
        f"Landlock {found.landlock}" if found.landlock else "no Landlock in this kernel",
        "seccomp" if found.seccomp else f"no seccomp list for {platform.machine()}",
    ]
    say(f"besides      {', '.join(layers)}")
    say(f"grading uses {found.strongest}")
    for remedy in remedies(found):
        say(f"for more     {remedy}")


def remedies(found: Abilities) -> list[str]:
    """Return what would give a stronger level, as commands where there are any."""
    if not sys.platform.startswith("linux"):
        return [
            "grade in a Linux virtual machine; or in a container:",
            "docker run --rm -it --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
            '--security-opt apparmor=unconfined -v "$PWD":/course -w /course python:3.11 '
            "sh -c 'apt update && apt install -y bubblewrap graphviz make && bash'",
        ]
    if not found.why_not:
        return []
    if shutil.which(BUBBLEWRAP) is None:
        known = [words for name, words in _INSTALLERS.items() if shutil.which(name)]
        return known or ["install bubblewrap"]
    said = []
    if _value(_APPARMOR) == "1" and not real_root():
        said += [
            "Ubuntu's AppArmor keeps programs from making namespaces; allow bubblewrap:",
            "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap "
            "flags=(unconfined) { userns, }\\n' | sudo tee /etc/apparmor.d/bwrap "
            "&& sudo apparmor_parser -r /etc/apparmor.d/bwrap",
            "or everything: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ]
    if _value(_DEBIAN) == "0":
        said.append("sudo sysctl kernel.unprivileged_userns_clone=1")
    if _value(_MOST_NAMESPACES) == "0":
        said.append("sudo sysctl user.max_user_namespaces=10000")
    return said or [
        "in Docker, start the container with: --cap-add SYS_ADMIN "
        "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    ]


def _value(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
