"""The warm zygote: a process that has imported everything forks a ready kernel for each request.

It never runs a student's code. Forking is safe only while it has one thread and
has made no TensorFlow operation, no event loop and no ZMQ context.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
import signal
import socket
from collections.abc import Callable
from typing import Never

from coursekit.sandbox.inside import confinement, kernel_start
from coursekit.sandbox.inside.requests import ReceivedRequest

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


def warm_up(home: str) -> None:
    """Import what kernels need.

    Args:
        home: a folder for what libraries save when they are imported.

    """
    os.environ.update(confinement.environment(home, home))
    for name in _MODULES:
        importlib.import_module(name)


def serve_forks(line: socket.socket, fork: Callable[[socket.socket], None]) -> None:
    """Fork a process for each connection that arrives on ``line``, until that closes.

    Args:
        line: the conductor's line; it hears that this process is ready.
        fork: what a forked process does with its connection.

    """
    threads = os.listdir("/proc/self/task")
    if len(threads) != 1:
        kernel_start.tell(line, error=f"the zygote has {len(threads)} threads instead of one")
        return
    gc.collect()
    gc.freeze()
    kernel_start.tell(line, ready=True)
    while True:
        _, files, _, _ = socket.recv_fds(line, 1, 1)
        _forget_ended()
        if not files:
            return
        with socket.socket(fileno=files[0]) as connection:
            if not os.fork():
                line.close()
                exit_after(functools.partial(fork, connection))


def _forget_ended() -> None:
    """Wait for those children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG):
            pass


def exit_after(work: Callable[[], None]) -> Never:
    """Do the work of a forked process, and end it: it must never return to the zygote's loop."""
    try:
        work()
    finally:
        os._exit(0)


def be_forked_kernel(received: ReceivedRequest) -> None:
    """Be the kernel, in a process that the zygote forked."""
    import random

    import numpy

    # A fork inherits the random state that a process draws when it starts.
    random.seed()
    numpy.random.seed()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernel_start.become_kernel(received)
