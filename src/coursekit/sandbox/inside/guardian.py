"""A kernel without namespaces: its guardian forks it, and ends all that descends from it.

The guardian stays outside of what confines the kernel. Every process that loses its
parent becomes the guardian's, and none can leave the kernel's group of processes, so
that the guardian ends them all and knows when there are no more.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque

from coursekit.sandbox.inside import confinement, kernel_start, landlock, seccomp
from coursekit.sandbox.inside.kernel_forks import (
    be_forked_kernel,
    exit_after,
    serve_forks,
    warm_up,
)
from coursekit.sandbox.inside.requests import KernelRequest, Places, ReceivedRequest, receive
from coursekit.sandbox.inside.system_calls import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    prctl,
)
from coursekit.sandbox.inside.unconfined_calls import refuse_further_calls
from coursekit.sandbox.limits import most_threads

# For each processor, threads of the same user's other programs, kernels among them, which may
# start while a kernel runs.
_OTHERS_THREADS = 64
_MOST_THREADS = 2**20  # that the search for their number expects
_JUST_BEFORE = 1.0  # seconds
# Of all that /proc tells: what this process is, and what NumPy and TensorFlow ask for.
_SHOWN_OF_PROC = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version")


def serve_kernels(line: socket.socket, places: Places) -> None:
    """Fork a guardian and its kernel for each connection, until the line closes."""
    # Kernels of the same user must not read this process's memory.
    prctl(PR_SET_DUMPABLE, 0)
    with tempfile.TemporaryDirectory(prefix="coursekit-zygote-") as home:
        warm_up(home)
    serve_forks(line, functools.partial(_guard, places), lasting=True)


def _guard(places: Places, connection: socket.socket) -> None:
    """Fork a kernel, wait until it ends or the conductor wants its end, and tidy up."""
    received = receive(connection)
    if received is None:
        return
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    woken = _wake_when_a_child_ends()
    # The conductor watches this process by a descriptor.
    own = os.pidfd_open(os.getpid())
    home = received.request.home
    try:
        make_home(received.request)
    except OSError as error:
        kernel_start.tell_error(connection, error)
        return
    try:
        ready, done = os.pipe()
        kernel = os.fork()
        if not kernel:
            exit_after(lambda: _be_kernel(places, connection, done, received))
        for number in (done, received.archive, *received.listening.values()):
            os.close(number)
        try:
            # The kernel itself may send no open file any more.
            if os.read(ready, 1):
                news = json.dumps({"started": True}).encode() + b"\n"
                socket.send_fds(connection, [news], [own])
            code, left = _wait(connection, woken, kernel)
        except OSError as error:
            kernel_start.tell_error(connection, error)
            code, left = None, 0
        left += _end_all(kernel)
    finally:
        _remove(home)
    if code is not None:
        kernel_start.tell(connection, ended=128 - code if code < 0 else code, left=left)


def make_home(request: KernelRequest) -> None:
    """Make a kernel's folder, its user's alone.

    Raises:
        OSError: if it cannot be made.

    """
    os.mkdir(request.home, 0o700)
    if os.getuid() != request.owner:
        os.chown(request.home, request.owner, request.owner)


def _wake_when_a_child_ends() -> int:
    """Return a descriptor that can be read when a child has ended."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read


def _wait(connection: socket.socket, woken: int, kernel: int) -> tuple[int | None, int]:
    """Wait until the kernel has ended, or the conductor hangs up.

    Returns:
        The kernel's exit status; None if it still runs. And how many processes nobody
        has waited for that ended just before.

    """
    waited_for: deque[float] = deque(maxlen=1000)
    while True:
        ready, _, _ = select.select([connection.fileno(), woken], [], [])
        if connection.fileno() in ready:
            return None, 0
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 4096)
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == kernel:
                just = sum(each > time.monotonic() - _JUST_BEFORE for each in waited_for)
                return os.waitstatus_to_exitcode(ended[1]), just
            waited_for.append(time.monotonic())


def _end_all(group: int) -> int:
    """End every process that descends from this one; return how many there were."""
    ended = 0
    with contextlib.suppress(ChildProcessError):
        while True:
            # It raises if no child is left. One that has ended still keeps the group's number.
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            os.waitpid(-1, 0)
            ended += 1
    return ended


def _remove(home: str) -> None:
    """Remove a kernel's folder, however deep its own folders are."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(home, ignore_errors=True)
    if os.path.exists(home):
        subprocess.run(["rm", "-rf", "--", home], check=False, stderr=subprocess.DEVNULL)


def _be_kernel(
    places: Places, connection: socket.socket, done: int, received: ReceivedRequest
) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    try:
        _close_all_but({connection.fileno(), done, received.archive, *received.listening.values()})
        confine(received.request, places)
        kernel_start.prepare(received)
    except OSError as error:
        kernel_start.tell_error(connection, error)
        return
    connection.close()
    os.write(done, b"y")
    os.close(done)
    be_forked_kernel(received)


def _close_all_but(kept: set[int]) -> None:
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number not in kept:
            with contextlib.suppress(OSError):  # the folder's own, which is closed already
                os.close(number)


def confine(request: KernelRequest, places: Places) -> None:
    """Confine this process without namespaces.

    Raises:
        OSError: if the kernel refuses a step; then no student's code may run.

    """
    own_user = os.getuid() != request.owner
    # As with any process, its own files in /proc belong to it, and again as another user.
    prctl(PR_SET_DUMPABLE, 1)
    confinement.go_first_when_memory_runs_out()
    confinement.become(request.owner)
    prctl(PR_SET_DUMPABLE, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.umask(0o022)
    os.chdir(request.home)
    threads = most_threads(request.limits["processes"])
    if not own_user:
        threads += _threads_of_this_user() + _OTHERS_THREADS * (os.cpu_count() or 1)
    confinement.limit_resources(request.limits, threads)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(
        # Its own number, for a rule for /proc/self would be one for the guardian's.
        [*places.readable, f"/proc/{os.getpid()}", *filter(os.path.exists, _SHOWN_OF_PROC)],
        [request.home],
        confinement.DEVICES,
        places.listable,
    )
    refuse_further_calls()
    seccomp.refuse_calls()


def _threads_of_this_user() -> int:
    """Return how many threads the system counts for this user, also where we cannot see them."""
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    low, high = 0, _MOST_THREADS if most == resource.RLIM_INFINITY else most
    while low < high:
        middle = (low + high) // 2
        resource.setrlimit(resource.RLIMIT_NPROC, (middle, most))
        if _a_thread_starts():
            high = middle
        else:
            low = middle + 1
    return low


def _a_thread_starts() -> bool:
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True
