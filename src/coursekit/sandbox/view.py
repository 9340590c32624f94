"""The part of this machine that a sandbox shows: what Python needs, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import site
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

import coursekit
import resnets_utils
from coursekit.processes.temporary_files import temporary_place
from coursekit.sandbox.inside.confinement import DEVICES, DISK, PYTHON_SETTINGS
from coursekit.sandbox.inside.landlock import AT_MOST
from coursekit.sandbox.inside.requests import Places

BUBBLEWRAP = "bwrap"
PACKAGES = "/packages"
_LINKED = ("/bin", "/sbin", "/lib", "/lib64", "/lib32")
# Fonts and certificates are shown; users, hosts and secrets are not.
_SETTINGS = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/var/cache/fontconfig",
)
# The entrance makes the private disk with them, and then gives them up.
_CAPABILITIES = ("SYS_ADMIN", "SETUID", "SETGID", "CHOWN", "SETPCAP")
# What runs inside, and what that imports.
_IMPORTED = ("ipykernel", "zmq", "numpy", "keras", "tensorflow", "matplotlib")
_SHOWN_OF_THE_KIT = ("__init__.py", "sandbox/__init__.py", "sandbox/inside", "sandbox/limits.py")


def bubblewrap_arguments(*, own_users: bool) -> list[str]:
    """Return bubblewrap's arguments, up to the command to run.

    Args:
        own_users: whether to make a user namespace. Real root makes the other
            namespaces without one, and the entrance changes to a user that owns
            nothing.

    """
    return [
        "--die-with-parent",
        "--new-session",
        *(["--unshare-user"] if own_users else []),
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
        *("--cap-drop", "ALL"),
        *(word for name in _CAPABILITIES for word in ("--cap-add", f"CAP_{name}")),
        *_files(),
        "--proc",
        "/proc",
        *(word for device in DEVICES for word in ("--dev-bind", device, device)),
        *("--symlink", "/proc/self/fd", "/dev/fd"),
        *("--symlink", "/proc/self/fd/0", "/dev/stdin"),
        *("--symlink", "/proc/self/fd/1", "/dev/stdout"),
        *("--symlink", "/proc/self/fd/2", "/dev/stderr"),
        *(word for folder in ("/dev/shm", "/tmp", DISK) for word in ("--dir", folder)),
        "--remount-ro",
        "/",
        "--chdir",
        "/",
    ]


def _files() -> list[str]:
    shown = {path: path for path in _python_folders()} | _package_folders()
    arguments = ["--ro-bind", "/usr", "/usr"]
    # bubblewrap itself would close them to other users.
    places = map(Path, (*DEVICES, *_SETTINGS, *shown.values()))
    for folder in sorted({str(parent) for place in places for parent in place.parents} - {"/"}):
        arguments += ["--dir", folder]
    for link in _LINKED:
        if os.path.islink(link):
            arguments += ["--symlink", os.readlink(link), link]
        elif os.path.isdir(link):
            arguments += ["--ro-bind", link, link]
    for path in _SETTINGS:
        arguments += ["--ro-bind-try", path, path]
    for source, place in shown.items():
        arguments += ["--ro-bind", source, place]
    for place in _covered(shown):
        arguments += ["--tmpfs", place, "--remount-ro", place]
    return arguments


def _covered(shown: dict[str, str]) -> list[str]:
    """Where what is hidden would appear in what is shown."""
    folders = [(Path(os.path.realpath(source)), Path(place)) for source, place in shown.items()]
    return [
        str(place / hidden.relative_to(folder))
        for hidden in _hidden()
        for folder, place in [(Path("/usr"), Path("/usr")), *folders]
        if hidden.is_relative_to(folder)
    ]


def _hidden() -> set[Path]:
    """The kit's folder, where it is installed: it has solutions, hidden tests and the judge."""
    # The Python below a virtual environment may have a kit of its own.
    packages = site.getsitepackages([sys.prefix, sys.base_prefix])
    kit = Path(coursekit.__file__).parent
    # Of a checkout in the virtual environment, the template's links lead to the rest.
    linked = [kit / "new_course" / "template" / name for name in ("source", "grader_tests")]
    places = [kit, *linked, *(Path(path, "coursekit") for path in packages)]
    found = {Path(os.path.realpath(place)) for place in places if place.is_dir()}
    return {place for place in found if found.isdisjoint(place.parents)}


def _python_folders() -> list[str]:
    """The virtual environment, the Python below it and packages elsewhere, outer ones first."""
    folders = {*_prefixes(), *_packages_elsewhere()}
    return sorted(path for path in folders if not path.startswith("/usr/") and path != "/usr")


def _prefixes() -> set[str]:
    """The virtual environment and the Python below it."""
    return {sys.prefix, sys.base_prefix, str(Path(os.path.realpath(sys.executable)).parent.parent)}


def _packages_elsewhere() -> list[str]:
    """Folders of what a kernel imports that are not in those: pip may install for one user."""
    shown = [os.path.realpath(path) for path in ("/usr", *_prefixes())]
    specs = [importlib.util.find_spec(name) for name in _IMPORTED]
    found = [Path(spec.origin).parents[1] for spec in specs if spec and spec.origin]
    return [
        str(folder)
        for folder in dict.fromkeys(found)
        if not any(Path(os.path.realpath(folder)).is_relative_to(path) for path in shown)
    ]


def shown_course(course: Path | None = None) -> str:
    """Return the folder that would show a course, or the current one, to a student's code, or "".

    The virtual environment may be the course folder itself.
    """
    here = (course or Path.cwd()).resolve()
    folders = map(Path.resolve, map(Path, ["/usr", *_python_folders()]))
    return next((str(folder) for folder in folders if here.is_relative_to(folder)), "")


def _package_folders() -> dict[str, str]:
    """Where our own packages are, as far as a kernel needs them, and where they are shown.

    The folder that contains them is not shown: in a checkout, hidden tests,
    solutions and the gradebook are beside it.
    """
    kit, library = Path(coursekit.__file__).parent, Path(resnets_utils.__file__).parent
    shown = {str(kit / name): f"{PACKAGES}/coursekit/{name}" for name in _SHOWN_OF_THE_KIT}
    return shown | {str(library): f"{PACKAGES}/resnets_utils"}


def readable_places() -> Places:
    """Return what a kernel may read that has no namespaces: the same, where it lies."""
    kit = Path(coursekit.__file__).parent
    shown = ["/usr", *_LINKED, *_SETTINGS, *_python_folders()]
    readable, listable = _all_but(_hidden(), [path for path in shown if os.path.exists(path)])
    # Python finds a package only in a folder that it can list.
    return Places((*readable, *_package_folders()), (*listable, str(kit.parent)))


def _all_but(hidden: Collection[Path], shown: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split folders, for Landlock cannot take from a folder what it gives of it.

    Args:
        hidden: what may not be read.
        shown: files and folders that may be read.

    Returns:
        The largest files and folders of them in which nothing is hidden, and the
        folders that were split.

    """
    whole, split = [], []
    waiting = [Path(os.path.realpath(path)) for path in shown]
    while waiting:
        path = waiting.pop()
        if any(each.is_relative_to(path) for each in hidden):
            split.append(str(path))
            # A link, such as lib64, would lead to what is hidden; its target is shown itself.
            waiting += [
                each for each in path.iterdir() if each not in hidden and not each.is_symlink()
            ]
        else:
            whole.append(str(path))
    return whole, split


def first_environment() -> dict[str, str]:
    """Return the environment of the first process in a sandbox."""
    return {
        "LANG": "C.UTF-8",
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/",
        "PYTHONPATH": os.pathsep.join([PACKAGES, *_packages_elsewhere()]),
        **PYTHON_SETTINGS,
    }


def environment_beside() -> dict[str, str]:
    """Return the environment of an entrance that is in no sandbox yet."""
    names = ("LANG", "PATH", "TZ", AT_MOST)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    packages = [str(Path(coursekit.__file__).parent.parent), *_packages_elsewhere()]
    path = os.pathsep.join(packages)
    return kept | PYTHON_SETTINGS | {"PYTHONPATH": path, "TMPDIR": temporary_place()}
