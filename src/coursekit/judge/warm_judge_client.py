"""The conductor's side of the warm judge: keep one, and ask it for the judge of a submission."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection

from coursekit.processes.forking import ForkedProcess, ForkingProcess
from coursekit.processes.line import Server, encoded, start_process

MAX_START_SECONDS = 120
# What a run of grading prepares; see `prepare`.
MAX_PREPARED = 8
_MODULE = "coursekit.judge"

WARM_JUDGE = ForkingProcess(lambda: start_process(_MODULE, "forks"))
# By a digest of what was to be prepared, the latest last: the warm judge that was asked for
# it; None if it was to be prepared once only.
_asked_for: dict[bytes, Server | None] = {}


def prepare(
    cells: Mapping[str, tuple[str, float]],
    salt: int,
    *,
    at_once: bool = True,
    wait: bool = False,
) -> None:
    """Have what follows from test cells and salt alone found once, for all judges from now on.

    This is only quicker: a judge finds by itself what was not prepared. The work is done in
    another process, while this one goes on.

    Args:
        cells: by grade id, the text from the gradebook and the points of a notebook's test
            cells, in order.
        salt: the salt of this run of grading.
        at_once: prepare when first asked; otherwise when asked for the second time, since a
            run of one submission gains nothing.
        wait: return when it is done.

    """
    if sys.platform != "linux":
        return
    request = encoded({"cells": [source for source, _ in cells.values()], "salt": salt})
    with contextlib.suppress(OSError):  # it has just ended
        done = _ask_to_prepare(request, at_once=at_once)
        if done is not None:
            with done:
                if wait:
                    done.recv(1)  # nothing comes; the other side closes it


def _ask_to_prepare(request: bytes, *, at_once: bool) -> socket.socket | None:
    """Hand a request over, unless that was done; return what is closed when it is answered."""
    digest = hashlib.sha256(request).digest()
    with WARM_JUDGE.lock:
        first = digest not in _asked_for
        asked = _asked_for.pop(digest, None)
        _asked_for[digest] = asked
        for old in list(_asked_for)[:-MAX_PREPARED]:
            del _asked_for[old]
        if (first and not at_once) or (asked is not None and asked is WARM_JUDGE.server):
            return None
        ours, theirs = socket.socketpair()
        with theirs, open(os.memfd_create("test cells"), "wb") as file:
            file.write(request)
            file.seek(0)
            try:
                _asked_for[digest] = WARM_JUDGE.hand_over(file.fileno(), theirs.fileno())
            except OSError:
                ours.close()
                raise
        return ours


def ask_for_judge() -> socket.socket | None:
    """Ask this process's warm judge for another; start a warm one if there is not one.

    Returns:
        The line for `take_over`, at once, while the judge gets ready. None if
        no judge can be forked.

    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it has just ended
            return WARM_JUDGE.ask()
    return None


def take_over(asked: socket.socket | None) -> Server:
    """Return the judge that was asked for; start it cold if need be."""
    if asked is not None:
        with asked, contextlib.suppress(OSError):
            asked.settimeout(MAX_START_SECONDS)
            _, files, _, _ = socket.recv_fds(asked, 1, 1)
            if files:
                asked.settimeout(None)
                return Server(ForkedProcess(files[0]), Connection(asked.detach()))
    return start_process(_MODULE)
