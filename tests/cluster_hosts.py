"""Several hosts on one machine, joined by a switch, to try a cluster on.

Each host has a network namespace with an address and a loopback of its own, a name, and folders
for homes and temporary files. There is no way from there to the machine's own network or
back. The namespaces have no names: they go when the last process in them ends, which
`host_keeper` sees to, even where the tests themselves are ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

_KEEPER = Path(__file__).resolve().parent / "host_keeper.py"
_TOOLS = ("ip", "unshare", "nsenter", "hostname")
_SWITCH = "switch"
# Where a program's folders are if not at home; each host has a home.
_OWN_FOLDERS = ("XDG_", "JUPYTER", "IPYTHON", "MPL", "KERAS", "DASK", "TMP", "TEMP")


class Host:
    """A machine of a cluster.

    Attributes:
        name: its host name.
        address: its IPv4 address.
        folder: its own folder, with ``home/`` and ``tmp/``.

    """

    def __init__(self, name: str, address: str, folder: Path, namespaces: _Namespaces) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self._namespaces = namespaces
        for part in ("home", "tmp"):
            (folder / part).mkdir(parents=True)
        self._environment = {
            key: value for key, value in os.environ.items() if not key.startswith(_OWN_FOLDERS)
        } | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}

    def start(self, command: Sequence[str | Path], **settings: Any) -> subprocess.Popen[str]:
        """Start a program on this host; it ends with the host at the latest."""
        usual: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": self.folder / "home"}
        settings = usual | settings | {"env": self._environment | settings.get("env", {})}
        words = [*self._namespaces.enter(self.name), *map(str, command)]
        process: subprocess.Popen[str] = subprocess.Popen(words, text=True, **settings)
        self._namespaces.started.append(process)
        return process

    def run(self, command: Sequence[str | Path], **settings: Any) -> tuple[int, str]:
        """Run a program on this host; return its exit status and all that it said."""
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **settings)
        said, _ = process.communicate()
        return process.returncode, said

    def cut_off(self) -> None:
        """Let nothing through any more, in either direction, without a word to anybody."""
        self._namespaces.ip(_SWITCH, f"link set {self.name} nomaster")

    def join_again(self) -> None:
        """Let everything through again."""
        self._namespaces.ip(_SWITCH, f"link set {self.name} master {_SWITCH}")

    def end_programs(self) -> None:
        """End every program on this host at once, as a power cut does; the host stays."""
        self._namespaces.end_programs(self.name)


@contextlib.contextmanager
def cluster_hosts(number: int) -> Iterator[list[Host]]:
    """Make hosts, and remove all of them and their programs afterwards.

    The test is skipped where there can be none.
    """
    if reason := why_no_hosts():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="hosts-") as place, _Namespaces() as namespaces:
        namespaces.make(_SWITCH)
        namespaces.ip(_SWITCH, f"link add {_SWITCH} type bridge", f"link set {_SWITCH} up")
        hosts = []
        for index in range(1, number + 1):
            name, address = f"lab-{index}", f"10.77.0.{index}"
            keeper = namespaces.make(name)
            namespaces.ip(
                _SWITCH,
                f"link add {name} type veth peer name eth0 netns {keeper}",
                f"link set {name} master {_SWITCH} up",
            )
            namespaces.ip(
                name, "link set lo up", f"addr add {address}/24 dev eth0", "link set eth0 up"
            )
            hosts.append(Host(name, address, Path(place, name), namespaces))
        yield hosts


def why_no_hosts() -> str:
    """Return why this machine can have no hosts of that kind, or ""."""
    if missing := [tool for tool in _TOOLS if not shutil.which(tool, path=_PATH)]:
        return f"no {', '.join(missing)} here, so no hosts in namespaces; apt install iproute2"
    needed = f"hostname x && ip link add {_SWITCH} type bridge && ip link add x type veth"
    tried = subprocess.run(
        [*_unshare(), "sh", "-c", needed],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": _PATH},
    )
    return f"no hosts in namespaces: {tried.stderr.strip()}" if tried.returncode else ""


# Debian gives an ordinary user no folder for administrators.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _unshare() -> list[str]:
    """What makes the first namespaces: root needs no user namespace."""
    users = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *users, "--net", "--uts"]


class _Namespaces:
    """The namespaces of some hosts and their switch, each with the process that keeps it."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []
        self._keepers: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> _Namespaces:
        return self

    def __exit__(self, *error: object) -> None:
        # The switch was first: its user namespace contains the others.
        for keeper in reversed(self._keepers.values()):
            assert keeper.stdin
            keeper.stdin.close()
            keeper.wait()
            assert keeper.stdout
            keeper.stdout.close()
        for process in self.started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()

    def make(self, name: str) -> int:
        """Make a namespace; return the id of the process that keeps it."""
        if self._keepers:
            command = [*self._as_its_root(), "unshare", "--net", "--uts"]
        else:
            command = _unshare()
        program = 'hostname "$1" && exec "$2" -S -E "$3"'
        keeper = subprocess.Popen(
            [*command, "sh", "-c", program, "sh", name, sys.executable, str(_KEEPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PATH": _PATH},
        )
        self._keepers[name] = keeper
        self._hear(keeper, "ready")
        return keeper.pid

    def ip(self, name: str, *commands: str) -> None:
        """Run commands of ip's in a namespace."""
        subprocess.run(
            [*self._as_its_root(), *self._networks(name), "ip", "-batch", "-"],
            input="\n".join(commands),
            text=True,
            check=True,
            env=os.environ | {"PATH": _PATH},
        )

    def enter(self, name: str) -> list[str]:
        """What lets the user who runs the tests run a program on a host."""
        words = [*self._as_its_root(), *self._networks(name)]
        if words and os.getuid():
            # Whoever runs a worker is an ordinary user there, too.
            words += ["unshare", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"]
        return [*words, "--"]

    def end_programs(self, name: str) -> None:
        """End what runs on a host."""
        keeper = self._keepers[name]
        assert keeper.stdin
        print(file=keeper.stdin, flush=True)
        self._hear(keeper, "ended")

    def _networks(self, name: str) -> list[str]:
        return ["nsenter", "--target", str(self._keepers[name].pid), "--net", "--uts"]

    def _as_its_root(self) -> list[str]:
        """What makes an ordinary user root of the user namespace that all hosts are in."""
        if os.getuid() == 0:
            return []
        first = str(self._keepers[_SWITCH].pid)
        return ["nsenter", "--target", first, "--user", "--preserve-credentials"]

    def _hear(self, keeper: subprocess.Popen[str], word: str) -> None:
        assert keeper.stdout
        assert keeper.stdout.readline() == f"{word}\n"
