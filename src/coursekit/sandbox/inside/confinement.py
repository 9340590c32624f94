"""Sandbox this process before a student's code runs: private disk, limits, no rights.

Each step raises OSError if the kernel refuses it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
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
from coursekit.sandbox.limits import MEGABYTE

# The private disk has a place of its own: our Python may be below /home or /tmp.
DISK = "/student"
HOME = "/student/home"
TEMPORARY = "/student/tmp"
# Where its parts appear as well.
_PARTS = {TEMPORARY: "/tmp", "/student/shm": "/dev/shm"}
# The settings of every Python that runs, or forks, a student's kernel. The zygote may
# have only one thread, and every level computes the same. Each thread that allocates may
# take an address range of its own, and the ranges of training fill nearly all of a kernel's.
PYTHON_SETTINGS = {
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# Without /dev/zero: mapped and shared, it is memory that no limit counts.
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
COPIED_AT_ONCE = MEGABYTE  # of a file in the archive
_MAX_SIGNALS = 4096  # that wait, timers included


def make_disk(limits: dict[str, Any], owner: int) -> None:
    """Mount a private disk in memory, also over /dev/shm, and over /tmp if that is empty."""
    flags = MS_NOSUID | MS_NODEV
    options = f"size={limits['disk_megabytes']}m,nr_inodes={limits['files']},mode=755"
    mount("private", DISK, "tmpfs", flags, options)
    for folder in (HOME, *_PARTS):
        os.mkdir(folder, 0o700)
        # A user namespace may know no group of the user's number.
        os.chown(folder, owner, -1)
    for part, place in _PARTS.items():
        if not os.listdir(place):
            mount(part, place, "", MS_BIND)


def hide_name() -> None:
    """Give the namespace's machine a name of its own; a container may refuse that."""
    with contextlib.suppress(OSError):
        socket.sethostname("student")


def go_first_when_memory_runs_out() -> None:
    """Let the system end this process and its children before all others of the machine.

    No limit counts some memory, for example that of full sockets. Where the file
    cannot be written, nothing happens.
    """
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as stream:
        stream.write("1000")


def become(owner: int) -> None:
    """Change to a user id that owns nothing, and give up root's rights."""
    if os.getuid() != owner:
        os.setgroups([])
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
    drop_capabilities()


def limit_resources(limits: dict[str, Any], threads: int | None) -> None:
    """Set this process's limits, which its children inherit.

    Args:
        limits: the JSON data of `Limits`.
        threads: how many threads its user may have; None for no limit, where they cannot
            be told from others.

    """
    seconds = int(limits["processor_seconds"])
    wanted = {
        resource.RLIMIT_AS: limits["process_megabytes"] * MEGABYTE,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_FSIZE: limits["disk_megabytes"] * MEGABYTE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    # macOS, which has no sandbox, lacks them.
    for name, most in (("RLIMIT_MSGQUEUE", 0), ("RLIMIT_SIGPENDING", _MAX_SIGNALS)):
        if hasattr(resource, name):
            wanted[getattr(resource, name)] = most
    if threads is not None:
        wanted[resource.RLIMIT_NPROC] = threads
    for kind, value in wanted.items():
        _, most = resource.getrlimit(kind)
        value = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
        # The soft limit of processor time comes first: its signal names the reason.
        resource.setrlimit(kind, (value, value + 5 if kind == resource.RLIMIT_CPU else value))


def give_up_rights() -> None:
    """Accept the restrictions of Landlock and seccomp, which cannot be undone."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(["/"], [DISK, *filter(os.path.ismount, _PARTS.values())], DEVICES)
    seccomp.refuse_calls()


def unpack(archive: int, folder: str) -> None:
    """Unpack the files that a student's notebook may read into a new folder.

    Raises:
        OSError: if they do not fit.

    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with (
        os.fdopen(archive, "rb") as stream,
        tarfile.TarFile(fileobj=stream, copybufsize=COPIED_AT_ONCE) as files,
    ):
        # Python 3.11 has the filter since 3.11.4. The conductor made the archive.
        if hasattr(tarfile, "data_filter"):
            files.extractall(folder, filter="data")
        else:
            files.extractall(folder)


def environment(home: str, temporary: str) -> dict[str, str]:
    """Return the environment of a student kernel whose private folder is ``home``."""
    return {
        "HOME": home,
        # getpass.getuser() would look the user id up in a file that the sandbox lacks.
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
        # The sandbox refuses locks; nobody else opens these files.
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "TMPDIR": temporary,
        **PYTHON_SETTINGS,
    }
