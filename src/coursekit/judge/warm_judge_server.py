"""The warm judge: it has imported everything, and forks a judge for each submission.

It reads nothing from students. Forking is safe only while the process has one
thread and has run no TensorFlow operation.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
from multiprocessing.connection import Connection

from coursekit.judge.judge_server import serve
from coursekit.sandbox.inside.system_calls import PR_SET_PDEATHSIG, prctl


def serve_forks(line: socket.socket) -> None:
    """Fork a judge for each connection that arrives on ``line``, until that closes.

    A forked judge first sends the file descriptor of its own process. A connection
    that closes without one means that forking is not safe here.
    """
    # The checks of networks load Keras and TensorFlow; the forks then do not wait for them.
    for module in ("coursekit.judge.cell", "resnets_utils.checks.network_calls"):
        importlib.import_module(module)
    safe = len(os.listdir("/proc/self/task")) == 1
    gc.collect()
    gc.freeze()
    # The system then removes judges that have ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ours = os.getpid()
    while True:
        _, files, _, _ = socket.recv_fds(line, 1, 1)
        if not files:
            return
        with socket.socket(fileno=files[0]) as connection:
            if safe and not os.fork():
                try:
                    line.close()
                    _be_judge(connection, ours)
                finally:
                    os._exit(0)


def _be_judge(connection: socket.socket, parent: int) -> None:
    """Judge one submission in this forked process, which ends with its parent."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    own = os.pidfd_open(os.getpid())
    socket.send_fds(connection, [b"j"], [own])
    os.close(own)
    serve(Connection(connection.detach()))
