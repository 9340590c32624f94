"""The warm zygote: a process that has imported everything forks a ready kernel for each request.

It never runs a student's code. Forking is safe only while it has one thread and
has made no TensorFlow operation, no event loop and no ZMQ context.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Never

from coursekit.sandbox.inside import confinement, kernel_start
from coursekit.sandbox.inside.requests import ReceivedRequest, receive
from coursekit.sandbox.inside.system_calls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    PR_SET_DUMPABLE,
    mount,
    prctl,
    unshare,
)

_ALL_NAMESPACES = (
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS
)
# What a notebook needs, and what a kernel imports when it starts. The student's library is left
# out: each working folder has the version that counts.
_MODULES = (
    "IPython.extensions.storemagic",
    "coursekit.sandbox.inside.student_kernel",
    "h5py",
    "ipywidgets",
    "keras",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "numpy.random",
    "PIL.Image",
    "pydot",
    "sqlite3",
    "tensorflow",
)
_JUST_BEFORE = 1.0  # seconds
_DISK = {"disk_megabytes": 64, "files": 1000}


def serve_forks(line: socket.socket) -> None:
    """Fork a kernel for each connection that arrives on ``line``, until that closes."""
    # Libraries save their settings when they are imported. The kernels' own disks
    # cover this one.
    confinement.make_disk(_DISK, os.getuid())
    os.environ.update(confinement.environment(confinement.HOME, confinement.TEMPORARY))
    for name in _MODULES:
        importlib.import_module(name)
    threads = os.listdir("/proc/self/task")
    if len(threads) != 1:
        kernel_start.tell(line, error=f"the zygote has {len(threads)} threads instead of one")
        return
    gc.collect()
    gc.freeze()
    kernel_start.tell(line, ready=True)
    while True:
        _, files, _, _ = socket.recv_fds(line, 1, 1)
        if not files:
            return
        with socket.socket(fileno=files[0]) as connection:
            child = os.fork()
            if not child:
                line.close()
                _exit_after(functools.partial(_fork_kernel, connection))
            os.waitpid(child, 0)


def _exit_after(work: Callable[[], None]) -> Never:
    """Do the work of a forked process, and end it: it must never return to the zygote's loop."""
    try:
        work()
    finally:
        os._exit(0)


def _fork_kernel(connection: socket.socket) -> None:
    """Fork the first process of new namespaces."""
    received = receive(connection)
    if received is None:
        return
    try:
        leave_namespaces(received.request.owner)
    except OSError as error:
        kernel_start.tell_error(connection, error)
        return
    if not os.fork():
        _exit_after(lambda: _be_first(connection, received))


def leave_namespaces(owner: int) -> None:
    """Leave every namespace for a new one; the next forked process is the first in them.

    Raises:
        OSError: if the kernel refuses.

    """
    if os.getuid() == 0:
        # Root changes to a user that owns nothing later.
        unshare(_ALL_NAMESPACES)
        return
    group = os.getgid()
    unshare(_ALL_NAMESPACES | CLONE_NEWUSER)
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{owner} {owner} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{file}", "w") as stream:
            stream.write(text)


def furnish() -> None:
    """Give the new namespaces their own /proc.

    Raises:
        OSError: if the kernel refuses.

    """
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _be_first(connection: socket.socket, received: ReceivedRequest) -> None:
    """Sandbox this process, fork the kernel, and end after it."""
    os.setsid()
    try:
        furnish()
        kernel_start.confine(received.request)
        kernel_start.prepare(received)
    except OSError as error:
        kernel_start.tell_error(connection, error)
        return
    # Student code must not read this process's memory.
    prctl(PR_SET_DUMPABLE, 0)
    # The conductor watches this process, and ends it, by a descriptor.
    own = os.pidfd_open(os.getpid())
    socket.send_fds(connection, [json.dumps({"started": True}).encode() + b"\n"], [own])
    os.close(own)
    kernel = os.fork()
    if not kernel:
        connection.close()
        _exit_after(lambda: _be_kernel(received))
    for number in received.listening.values():
        os.close(number)
    # Those of a kernel that ends can be waited for just before the kernel itself.
    waited_for: deque[float] = deque(maxlen=1000)
    while True:
        child, status = os.wait()
        if child == kernel:
            break
        waited_for.append(time.monotonic())
    code = os.waitstatus_to_exitcode(status)
    # Processes that nobody has waited for are among them; this one is not.
    left = sum(map(str.isdigit, os.listdir("/proc"))) - 1
    left += sum(each > time.monotonic() - _JUST_BEFORE for each in waited_for)
    kernel_start.tell(connection, ended=128 - code if code < 0 else code, left=left)


def _be_kernel(received: ReceivedRequest) -> None:
    import random

    import numpy

    # A fork inherits the random state that a process draws when it starts.
    random.seed()
    numpy.random.seed()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernel_start.become_kernel(received)


def try_nesting(owner: int) -> str:
    """Return why kernels cannot be forked into namespaces of their own; "" if they can."""
    read, write = os.pipe()
    if not os.fork():
        os.close(read)
        _exit_after(lambda: _try_leaving(owner, write))
    os.close(write)
    with os.fdopen(read) as stream:
        found = stream.read()
    os.wait()
    return "" if found == "yes" else found or "the attempt ended without a message"


def _try_leaving(owner: int, write: int) -> None:
    try:
        leave_namespaces(owner)
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            return
        furnish()
        os.write(write, b"yes")
    except OSError as error:
        os.write(write, str(error).encode())
