"""The hosts that a cluster is tried on: joined, cut off, joined again, and gone afterwards."""

from __future__ import annotations

import socket
import subprocess
import sys

import psutil
import pytest
from cluster_hosts import Host, cluster_hosts

# Says where it listens, and then sends back what it hears.
ECHO = """
import socket
with socket.create_server(("", 0)) as server:
    print(server.getsockname()[1], flush=True)
    line, _ = server.accept()
    while heard := line.recv(1):
        line.sendall(heard)
"""
# For each line that it reads, sends a byte, and says what came back in time.
CALL = """
import socket, sys
line = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
for seconds in sys.stdin:
    line.settimeout(float(seconds))
    line.send(b"x")
    try:
        print(line.recv(1).decode(), flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
except OSError as error:
    print(error.strerror)
"""
# Leaves its parent and its session, as a daemon does.
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
"""


def python(host: Host, program: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-S", "-E", "-c", program, *map(str, words)]
    return host.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    print(line, file=process.stdin, flush=True)


def running(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_hosts_are_joined_cut_off_and_joined_again() -> None:
    before = psutil.net_if_addrs().keys()
    with cluster_hosts(3) as (first, second, third):
        assert len({host.address for host in (first, second, third)}) == 3
        assert second.run(["hostname"]) == (0, "lab-2\n")
        echo = python(first, ECHO)
        call = python(second, CALL, first.address, line_of(echo))
        say(call, "10")
        assert line_of(call) == "x"
        second.cut_off()
        say(call, "0.2")
        # No answer, but no word of a broken connection either.
        assert line_of(call) == "TimeoutError"
        third.cut_off()
        third.join_again()
        second.join_again()
        say(call, "10")
        assert line_of(call) == "x"
        # No host has the machine's network, and the machine none of theirs.
        assert psutil.net_if_addrs().keys() == before
        with socket.create_server(("", 0)) as server:
            port = server.getsockname()[1]
            ours = [
                address.address
                for addresses in psutil.net_if_addrs().values()
                for address in addresses
                if address.family == socket.AF_INET
            ]
            for address in (*ours, "192.0.2.1"):
                said = line_of(python(third, CONNECT, address, port))
                assert said in {"Network is unreachable", "Connection refused"}, address


def test_nothing_is_left_of_a_host() -> None:
    folders = []
    with pytest.raises(ZeroDivisionError), cluster_hosts(2) as hosts:
        daemons = [int(line_of(python(host, DAEMON))) for host in hosts]
        assert all(map(running, daemons))
        hosts[1].end_programs()
        assert list(map(running, daemons)) == [True, False]
        shown = [host.run(["sh", "-c", 'echo "$HOME $TMPDIR"; touch ~/x'])[1] for host in hosts]
        assert shown[0] != shown[1]
        folders = [host.folder for host in hosts]
        assert all((folder / "home" / "x").exists() for folder in folders)
        _ = 1 / 0
    assert not any(map(running, daemons))
    assert len(folders) == 2 and not any(folder.exists() for folder in folders)
