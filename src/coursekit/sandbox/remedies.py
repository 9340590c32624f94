"""What gives this machine namespaces, and so a stronger sandbox."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from coursekit.sandbox.owners import real_root
from coursekit.sandbox.view import BUBBLEWRAP, shown_course

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_DEBIAN = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MAX_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
_INSTALLERS = {
    "apt-get": "apt install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "zypper": "zypper install bubblewrap",
    "apk": "apk add bubblewrap",
}


def namespace_remedies() -> list[str]:
    """Return what lets bubblewrap make namespaces here, as commands where there are any."""
    if not sys.platform.startswith("linux"):
        return [
            "grade in a Linux virtual machine, or in a container:",
            "docker run --rm -it --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
            '--security-opt apparmor=unconfined -v "$PWD":/course -w /course python:3.11 '
            "sh -c 'apt update && apt install -y bubblewrap graphviz make && bash'",
        ]
    if folder := shown_course():
        return [f"move the course out of {folder}, which Python needs"]
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
            "or allow every program: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ]
    if _value(_DEBIAN) == "0":
        said.append("sudo sysctl kernel.unprivileged_userns_clone=1")
    if _value(_MAX_NAMESPACES) == "0":
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
