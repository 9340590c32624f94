"""A kernel with namespaces of its own, which the warm zygote forks in bubblewrap."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import deque

from coursekit.sandbox.inside import confinement, kernel_start
from coursekit.sandbox.inside.kernel_forks import be_forked_kernel, exit_after, serve_forks, warm_up
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
_JUST_BEFORE = 1.0  # seconds
_DISK = {"disk_megabytes": 64, "files": 1000}


def serve_kernels(line: socket.socket) -> None:
    """Fork a kernel in namespaces of its own for each connection, until the line closes."""
    # Libraries save their settings when they are imported. The kernels' own disks
    # cover this one.
    confinement.make_disk(_DISK, os.getuid())
    warm_up(confinement.HOME)
    serve_forks(line, _fork_first)


def _fork_first(connection: socket.socket) -> None:
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
        exit_after(lambda: _be_first(connection, received))


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
        exit_after(lambda: be_forked_kernel(received))
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


def try_nesting(owner: int) -> str:
    """Return why kernels cannot be forked into namespaces of their own; "" if they can."""
    read, write = os.pipe()
    if not os.fork():
        os.close(read)
        exit_after(lambda: _try_leaving(owner, write))
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
