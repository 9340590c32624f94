"""The warm judge: it has imported everything, and forks a judge for each submission.

It reads nothing from students. Forking is safe only while the process has one
thread and has run no TensorFlow operation.

It may also have a process prepared for it what all judges of one run of grading need (see
`preparation`). That process has nothing of a submission, and it alone has a way to tell the
warm judge something: no judge has one.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection, Pipe, wait

from coursekit.judge.judge_server import limit_this_process, serve
from coursekit.processes.line import receive, send
from coursekit.sandbox.inside.system_calls import PR_SET_PDEATHSIG, prctl

# What makes it take over nothing that was prepared.
LEARNS_NOTHING = "learns-nothing"
_MAX_PREPARING = 8
_MAX_PREPARING_SECONDS = 600  # of processor time
_MAX_WAITING_SECONDS = 60


def serve_forks(line: socket.socket, *, learns: bool = True) -> None:
    """Fork a judge for each connection that arrives on ``line``, until that closes.

    A forked judge first sends the file descriptor of its own process. A connection
    that closes without one means that forking is not safe here. If two files arrive, the
    first holds test cells to prepare, and the second is closed when that is done. A judge
    that is asked for meanwhile is forked afterwards: it would find the same once more.

    Args:
        line: from the conductor.
        learns: whether it takes over what is prepared.

    """
    gc.disable()  # nothing of what is imported goes
    # The checks of networks load Keras and TensorFlow; the forks then do not wait for them.
    for module in ("coursekit.judge.cell", "coursekit.judge.preparation"):
        importlib.import_module(module)
    safe = _has_one_thread()
    gc.collect()
    gc.freeze()
    gc.enable()
    # The system then removes judges that have ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ours = os.getpid()
    preparing: dict[Connection, socket.socket] = {}
    waiting: list[socket.socket] = []

    def fork(work: Callable[[], None]) -> None:
        if os.fork():
            return
        try:
            line.close()
            for result in preparing:
                result.close()
            for other in (*preparing.values(), *waiting):
                other.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == ours:
                work()
        finally:
            os._exit(0)

    def fork_judge(connection: socket.socket) -> None:
        with connection:
            if safe:
                fork(partial(_be_judge, connection))

    while True:
        ready = wait([line, *preparing], _MAX_WAITING_SECONDS if waiting else None)
        for result in preparing.keys() & set(ready):
            with preparing.pop(result), result:
                _learn(result)
                if not _has_one_thread():
                    _start_again(line)
        while waiting and not (preparing and ready):
            fork_judge(waiting.pop())
        if line not in ready:
            continue
        _, files, _, _ = socket.recv_fds(line, 1, 2)
        for file in files:
            os.set_inheritable(file, False)  # `_start_again` closes them
        if not files:
            return
        if len(files) == 1:
            connection = socket.socket(fileno=files[0])
            if preparing:
                waiting.append(connection)
            else:
                fork_judge(connection)
            continue
        asker = socket.socket(fileno=files[1])
        with open(files[0], "rb") as cells:
            if not (safe and learns and len(preparing) < _MAX_PREPARING):
                asker.close()
                continue
            result, theirs = Pipe(duplex=False)
            preparing[result] = asker
            with theirs:
                fork(partial(_prepare, cells.read(), theirs))


def _has_one_thread() -> bool:
    return len(os.listdir("/proc/self/task")) == 1


def _be_judge(connection: socket.socket) -> None:
    """Judge one submission in this forked process, which ends with its parent."""
    own = os.pidfd_open(os.getpid())
    socket.send_fds(connection, [b"j"], [own])
    os.close(own)
    serve(Connection(connection.detach()))


def _prepare(request: bytes, result: Connection) -> None:
    """Send the warm judge what it needs, from this forked process."""
    from coursekit.judge.preparation import prepared

    limit_this_process()
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_PREPARING_SECONDS,) * 2)
    asked = json.loads(request)
    send(result, prepared(asked["cells"], asked["salt"]))


def _learn(result: Connection) -> None:
    """Take over what was prepared, if that worked."""
    from coursekit.judge.preparation import learn

    with contextlib.suppress(Exception):
        learn(receive(result))
        gc.collect()
        gc.freeze()


def _start_again(line: socket.socket) -> None:
    """Become a new warm judge with one thread, on the same line; judges that run go on."""
    number = str(line.fileno())
    os.execv(sys.executable, [
        sys.executable, "-P", "-m", "coursekit.judge", number, "forks", LEARNS_NOTHING,
    ])  # fmt: skip
