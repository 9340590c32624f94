"""What the watchdog counts of a real process: each kind of memory that no limit counts.

A process takes something, and the difference must be what this machine keeps for it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import PAGESIZE
from pathlib import Path

import pytest

from coursekit.sandbox.limits import KILOBYTE, MEGABYTE
from coursekit.sandbox.measured_use import Measuring, Use, socket_bytes
from coursekit.sandbox.watched_files import watched_files

# It takes one thing after another, each when it is asked to.
TAKER = """
import ctypes, mmap, os, select, socket, sys, threading
kept, libc = [], ctypes.CDLL(None)
def files():
    kept.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(900))
def mappings():
    libc.mmap.restype = ctypes.c_void_p
    pages = 40_000
    start = libc.mmap(None, ctypes.c_size_t(pages * mmap.PAGESIZE), 0, 0x22, -1, 0)
    for page in range(0, pages, 2):
        place = ctypes.c_void_p(start + page * mmap.PAGESIZE)
        libc.mprotect(place, ctypes.c_size_t(mmap.PAGESIZE), 1)
def sockets():
    for _ in range(200):
        kept.extend(socket.socketpair())
def watches():
    lines = [os.pipe()[0] for _ in range(100)]
    kept.extend(select.epoll() for _ in range(100))
    for each in kept:
        for line in lines:
            each.register(line, select.EPOLLIN)
def tables():
    parts, each = 4_000, 2 * 2**20
    room = mmap.mmap(-1, parts * each, 0x4022)  # private, and nothing set aside for it
    room.madvise(mmap.MADV_NOHUGEPAGE)
    for part in range(parts):
        room[part * each] = 1
    kept.append(room)
def end_first_thread():
    kept.append(bytearray(b"1") * (64 * 2**20))
    threading.Thread(target=go_on, args=[True]).start()
    libc.syscall(93 if os.uname().machine == "aarch64" else 60, 0)
def threads():
    for _ in range(5):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    for _ in range(3):
        child = os.posix_spawn("/bin/true", ["true"], {})
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
def go_on(asked=False):
    while True:
        print("taken" if asked else "begun", flush=True)
        asked = sys.stdin.readline().strip()
        globals()[asked]()
go_on()
"""
NEW_NETWORK = ["unshare", *(["--user", "--map-root-user"] if os.getuid() else []), "--net"]
# What Python itself may take meanwhile.
SLACK = 4 * MEGABYTE


@contextmanager
def taker(*before: str) -> Iterator[subprocess.Popen[str]]:
    command = [*before, sys.executable, "-c", TAKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "begun\n"
        try:
            yield one
        finally:
            one.kill()


def measured(one: subprocess.Popen[str], *, closely: bool = False) -> Use:
    """What it uses: with as many mappings as one can have, or with a closer look at them."""
    at_first_sight = Measuring(one.pid, 10**15).measure()
    closer = Measuring(one.pid, at_first_sight.memory - SLACK)
    return closer.measure() if closely else at_first_sight


def taken(one: subprocess.Popen[str], what: str, *, closely: bool = False) -> tuple[Use, Use]:
    """What it uses before it takes something, and afterwards."""
    assert one.stdin is not None and one.stdout is not None
    before = measured(one, closely=closely)
    print(what, file=one.stdin, flush=True)
    assert one.stdout.readline() == "taken\n"
    return before, measured(one, closely=closely)


def table(process: int) -> int:
    """The bytes for a process's table of files, and for files that wait for others."""
    size = re.search(r"^FDSize:\s+(\d+)", Path(f"/proc/{process}/status").read_text(), re.M)
    assert size
    files = int(size[1])
    watches = int(Path("/proc/sys/fs/epoll/max_user_watches").read_text())
    return 8192 * files + 192 * min(files**2, watches)


def test_open_files_count_and_what_can_wait_for_them() -> None:
    with taker() as one:
        bytes_before = table(one.pid)
        before, after = taken(one, "files")
        wanted = table(one.pid) - bytes_before
    assert wanted > 900 * 8192
    assert abs(after.memory - before.memory - wanted) < SLACK


def test_mappings_count_as_many_as_there_are_where_it_matters() -> None:
    with taker() as one:
        before, after = taken(one, "mappings", closely=True)
        lines = Path(f"/proc/{one.pid}/maps").read_bytes().count(b"\n")
        assert lines > 40_000
        assert abs(after.memory - before.memory - 280 * lines) < SLACK
        # At first sight there are as many as one process can have.
        largest = int(Path("/proc/sys/vm/max_map_count").read_text())
        assert measured(one).memory > 280 * largest


def test_each_socket_counts_as_the_most_that_it_can_hold() -> None:
    settings = (Path(f"/proc/sys/net/core/{name}_default") for name in ("wmem", "rmem"))
    largest = max(int(path.read_text()) for path in settings)
    # Twice as much, for the system counts what it keeps around the bytes; and the socket itself.
    assert 0 < socket_bytes() - 2 * largest < 64 * KILOBYTE
    if subprocess.run([*NEW_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let its users make a network")
    with taker(*NEW_NETWORK) as one:
        bytes_before = table(one.pid)
        before, after = taken(one, "sockets")
        wanted = 400 * socket_bytes() + table(one.pid) - bytes_before
    assert abs(after.memory - before.memory - wanted) < SLACK


def test_sockets_of_our_own_network_are_not_the_kernels() -> None:
    with taker() as one:
        bytes_before = table(one.pid)
        before, after = taken(one, "sockets")
        wanted = table(one.pid) - bytes_before
    assert abs(after.memory - before.memory - wanted) < SLACK


def test_the_tables_of_memory_count() -> None:
    with taker() as one:
        bytes_before = held(one.pid)
        before, after = taken(one, "tables")
        wanted = held(one.pid) - bytes_before
    # A page in each part, and a page of the table for it.
    assert wanted > 2 * 4_000 * PAGESIZE
    assert abs(after.memory - before.memory - wanted) < SLACK


def held(process: int) -> int:
    """The bytes of a process's memory and of its tables, as the system tells."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.findall(r"^(?:VmRSS|VmPTE):\s+(\d+) kB", status, re.M)
    assert len(found) == 2
    return sum(map(int, found)) * KILOBYTE


def test_memory_counts_when_the_first_thread_has_ended() -> None:
    with taker() as one:
        before, after = taken(one, "end_first_thread")
    # An ended first thread shows no memory, while the others still use it.
    assert after.memory - before.memory > 64 * MEGABYTE - SLACK


def test_sockets_count_when_the_first_thread_has_ended() -> None:
    def guarded() -> Use:
        return Measuring(os.getpid(), 10**15, guarded=True).measure()

    with taker() as one:
        taken(one, "end_first_thread")
        before = guarded()
        taken(one, "sockets")
        after = guarded()
    assert after.memory - before.memory > 400 * socket_bytes()


def test_what_epoll_watches_is_counted() -> None:
    with taker() as one:
        assert watched_files(one.pid, 256, 10**6) == 0
        taken(one, "watches")
        assert watched_files(one.pid, 256, 10**6) == 100 * 100
        # No further than needed: it may be very many.
        assert 500 < watched_files(one.pid, 256, 500) < 100 * 100
    assert watched_files(one.pid, 256, 500) == 0  # it has ended


def test_threads_count_and_processes_that_nobody_has_waited_for() -> None:
    with taker() as one:
        before, after = taken(one, "threads")
    assert (before.threads, after.threads) == (1, 9)
