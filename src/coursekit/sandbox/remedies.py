"""What gives this machine a sandbox, or a stronger one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from coursekit.sandbox.inside import landlock, seccomp
from coursekit.sandbox.levels import BUBBLEWRAP, LANDLOCK, ZYGOTE
from coursekit.sandbox.owners import has_own_owners, real_root
from coursekit.sandbox.probing import closed_folder, least_landlock
from coursekit.sandbox.view import BUBBLEWRAP as BWRAP
from coursekit.sandbox.view import shown_course

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_DEBIAN = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MAX_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
# Which security modules run; where none of its files is shown, nothing is known.
_MODULES = Path("/sys/kernel/security/lsm")
_DOCKERS, _PODMANS = Path("/.dockerenv"), Path("/run/.containerenv")
_INSTALLERS = {
    "apt-get": "apt install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "zypper": "zypper install bubblewrap",
    "apk": "apk add bubblewrap",
}
# Tried with a container's restrictions, as root and as a user, without any capability.
_FOR_DOCKER = "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
_FOR_PODMAN = "--security-opt seccomp=unconfined --security-opt unmask=ALL"


def remedies() -> list[str]:
    """Return what gives this machine the levels that it lacks, as commands where there are any."""
    if not sys.platform.startswith("linux"):
        return [
            "grade in a Linux virtual machine, or in the kit's container (docs/containers.md):",
            "docker build -t coursekit -f Containerfile . && "
            'docker run --rm -it -v "$PWD":/course coursekit doctor',
        ]
    if folder := shown_course():
        return [f"move the course out of {folder}, which Python needs"]
    said = _for_namespaces() if BUBBLEWRAP.why_not() or ZYGOTE.why_not() else []
    if BUBBLEWRAP.why_not() and LANDLOCK.why_not():
        said += _for_landlock()
    return said


def _for_namespaces() -> list[str]:
    if shutil.which(BWRAP) is None:
        known = [words for name, words in _INSTALLERS.items() if shutil.which(name)]
        return known or ["install bubblewrap"]
    if kind := _container():
        return [_for_container(kind)]
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
    return said or [_for_container("docker")]


def _for_container(kind: str) -> str:
    if kind == "kubernetes":
        return (
            'in Kubernetes, a pod of the standard "restricted" has no namespaces: the level '
            "landlock is the one to have (docs/containers.md)"
        )
    if kind == "podman":
        return f"start the container with: podman run {_FOR_PODMAN}"
    return (
        f"in Docker, start the container with: docker run {_FOR_DOCKER} "
        "(and, where there is AppArmor, --security-opt apparmor=unconfined)"
    )


def _for_landlock() -> list[str]:
    if not seccomp.available():
        return ["grade on a machine with x86_64 or aarch64"]
    found = landlock.version()
    if not found and _MODULES.exists() and "landlock" not in _value(_MODULES).split(","):
        return [f"let Linux start with Landlock, if it has it: lsm=landlock,{_value(_MODULES)}"]
    if not found:
        return ["use Linux 6.12 (as root: 6.2), and a container engine that allows Landlock"]
    if found < least_landlock():
        return ["use Linux 6.12, or grade as root, for whom Linux 6.2 is enough"]
    if os.getuid() == 0 and not has_own_owners():
        return ["grade as an ordinary user, for example with: docker run --user 1000"]
    if folder := closed_folder():
        return [
            f"let other users pass {folder}, with: chmod o+x {folder}",
            "or set up the kit with a Python that everybody can read",
        ]
    return []


def _container() -> str:
    """What runs the container that this is: "docker", "podman" or "kubernetes"; "" if none does."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if _PODMANS.exists():
        return "podman"
    # systemd's and Podman's way to tell; others leave it out.
    return "docker" if _DOCKERS.exists() else os.environ.get("container", "")  # noqa: SIM112


def _value(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
