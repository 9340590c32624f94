"""Shut this process in, before a student's code: private disk, limits, no rights."""

from __future__ import annotations

import contextlib
import os
import resource
import tarfile
from pathlib import Path
from typing import Any

from coursekit.sandbox.inside import landlock, seccomp
from coursekit.sandbox.inside.system_calls import (
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    PR_SET_NO_NEW_PRIVS,
    drop_capabilities,
    mount,
    prctl,
)

# The private disk, at a place of its own: under /home or /tmp may lie the Python that we run.
DISK = "/student"
HOME = "/student/home"
WORK = "/student/home/work"
TEMPORARY = "/student/tmp"
# Where its parts appear, too.
_PARTS = {TEMPORARY: "/tmp", "/student/shm": "/dev/shm"}
# What every Python is told that runs, or forks, a student's kernel. The zygote may
# have one thread only, and every level computes alike.
PYTHON_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# Not /dev/zero: mapped and shared, it is memory that no limit counts.
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
_SIGNALS_WAITING = 4096  # timers count as such, too


def make_disk(limits: dict[str, Any], owner: int) -> None:
    """Mount a private disk in memory, over /dev/shm too, and over /tmp if nothing lies there.

    Raises:
        OSError: if the kernel refuses.

    """
    flags = MS_NOSUID | MS_NODEV
    options = f"size={limits['disk_bytes']},nr_inodes={limits['files']},mode=755"
    mount("private", DISK, "tmpfs", flags, options)
    for folder in (HOME, *_PARTS):
        os.mkdir(folder, 0o700)
        os.chown(folder, owner, owner)
    for part, place in _PARTS.items():
        if not os.listdir(place):
            mount(part, place, "", MS_BIND)


def go_first_when_memory_runs_out() -> None:
    """Let the system end this process and its children before any other of the machine's.

    There is memory that no limit counts, as that of full sockets. Where the file
    cannot be written, nothing happens.
    """
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as stream:
        stream.write("1000")


def become(owner: int) -> None:
    """Take on a user id that owns nothing; root's rights go with it.

    Raises:
        OSError: if the kernel refuses.

    """
    if os.getuid() != owner:
        os.setgroups([])
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
    drop_capabilities()


def limit_resources(limits: dict[str, Any], *, own_user: bool) -> None:
    """Set this process's limits, which its children inherit.

    Args:
        limits: as `Limits.as_json` writes them.
        own_user: whether all processes of its user belong to the submission, so
            that they can be counted.

    """
    seconds = int(limits["processor_seconds"])
    wanted = {
        resource.RLIMIT_AS: limits["process_bytes"],
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_FSIZE: limits["disk_bytes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    # macOS, where nothing is confined, does not have them.
    for name, most in (("RLIMIT_MSGQUEUE", 0), ("RLIMIT_SIGPENDING", _SIGNALS_WAITING)):
        if hasattr(resource, name):
            wanted[getattr(resource, name)] = most
    if own_user:
        wanted[resource.RLIMIT_NPROC] = limits["processes"] + 8 * (os.cpu_count() or 1)
    for kind, value in wanted.items():
        _, most = resource.getrlimit(kind)
        value = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
        # The soft limit of processor time comes first: its signal tells the reason.
        resource.setrlimit(kind, (value, value + 5 if kind == resource.RLIMIT_CPU else value))


def give_up_rights() -> None:
    """Take Landlock's and seccomp's restrictions on; there is no way back.

    Raises:
        OSError: if the kernel refuses.

    """
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict([DISK, *filter(os.path.ismount, _PARTS.values())], list(DEVICES))
    seccomp.refuse_calls()


def unpack(archive: int, folder: str) -> None:
    """Lay the files that a student's notebook may read into a fresh folder.

    Raises:
        OSError: if they do not fit.

    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with os.fdopen(archive, "rb") as stream, tarfile.open(fileobj=stream) as files:
        # Python 3.11 knows the filter from 3.11.4 on. The archive is the conductor's own.
        if hasattr(tarfile, "data_filter"):
            files.extractall(folder, filter="data")
        else:
            files.extractall(folder)


def environment(home: str, temporary: str) -> dict[str, str]:
    """Return the environment of a student kernel whose private folder is ``home``."""
    return {
        "HOME": home,
        # getpass.getuser() would look the user id up in a file that is not there.
        "USER": "student",
        "IPYTHONDIR": f"{home}/.ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/.jupyter",
        "JUPYTER_DATA_DIR": f"{home}/.jupyter-data",
        "JUPYTER_RUNTIME_DIR": f"{home}/.jupyter-runtime",
        "KERAS_HOME": f"{home}/.keras",
        "KERAS_BACKEND": "tensorflow",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NBGRADER_EXECUTION": "autograde",
        "TMPDIR": temporary,
        **PYTHON_SETTINGS,
    }
