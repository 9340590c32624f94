"""Run the attacks in one kernel: ``python session.py LEVEL``; prints JSON.

A process of its own, so that the conductor under attack can be an ordinary
user's, and can hold a secret without harm.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import resource
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from attacks import ALWAYS, ATTACKS, NOTHING_OUTSIDE, PREPARATION, Attack
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from coursekit.kernels.manager import student_kernel
from coursekit.sandbox.levels import LEVELS, ZYGOTE, Level
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.measured_use import descendants
from coursekit.sandbox.settings import Confinement

WORD = "attacked-conductor"
_ENDING_SECONDS = 20
NOT_TRIED = "not tried without a sandbox"
# What the kernel itself finds about its rights and limits.
STATE = """
import json, os, resource
with open("/proc/self/mountinfo") as stream:
    mounts = [(row.split()[4], row.split()[5].split(",")) for row in stream]
print(json.dumps({
    "user": os.getuid(),
    "groups": os.getgroups(),
    "namespaces": {
        name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")
    },
    "limits": {
        name: resource.getrlimit(getattr(resource, name))
        for name in dir(resource) if name.startswith("RLIMIT_")
    },
    "mounts": mounts,
}))
"""


def run(cells: list[str], level: Level) -> list[str]:
    """What each cell printed, in a kernel of this level."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    with (
        tempfile.TemporaryDirectory() as folder,
        student_kernel(Confinement(level, Limits())) as manager,
    ):
        client = NotebookClient(
            notebook, km=manager, resources={"metadata": {"path": folder}}, timeout=60
        )
        client.owns_km = False
        client.allow_errors = True
        client.execute()
        assert client.kc is not None
        client.kc.stop_channels()
    return [
        "".join(each.get("text", "") or each.get("evalue", "") for each in cell.outputs)
        for cell in notebook.cells
    ]


def cell(attack: Attack, level: Level) -> str:
    """An attack as a cell that prints "True", or what came of it instead."""
    if attack.harmful and not level.sandboxed:
        return f"print({NOT_TRIED!r})"
    return _guarded(attack.code)


def _guarded(code: str) -> str:
    *lines, last = code.strip().split("\n")
    body = "".join(f"    {line}\n" for line in lines)
    return (
        f"try:\n{body}    print(bool({last}))\n"
        "except BaseException as error:\n    print(outcome(error))\n"
    )


def attack(level: Level, course: Path, home: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Try every attack; return what came of each, and what the kernel found about itself."""
    word = secrets.token_hex(8)
    abstract, path, port, datagrams = (
        socket.socket(socket.AF_UNIX),
        socket.socket(socket.AF_UNIX),
        socket.socket(),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    )
    with abstract, path, port, datagrams, _segment() as segment:
        abstract.bind(f"\0{word}")
        path.bind(str(course / "socket"))
        port.bind(("127.0.0.1", 0))
        datagrams.bind(str(course / "datagrams"))
        for line in (abstract, path, port):
            line.listen(8)
        targets = {
            "course": str(course),
            "home": str(home),
            "temporary": str(course.parent),
            "machine": os.uname().nodename,
            "pid": os.getpid(),
            "word": WORD,
            "port": port.getsockname()[1],
            "abstract": word,
            "socket": str(course / "socket"),
            "datagrams": str(course / "datagrams"),
            "segment": segment,
            "left": f"/tmp/coursekit-{word}/tempfile.py",
            "left in memory": f"/dev/shm/coursekit-{word}/x",
            "nap": f"6{secrets.randbelow(10**6):06}",
        }
        head = f"T = {targets!r}\n{PREPARATION}"
        cells = (cell(each, level) for each in ATTACKS.values())
        _, state, *printed = run([head, STATE, *cells], level)
    found = dict(zip(ATTACKS, (text.strip() for text in printed), strict=True))
    naps = [
        process
        for process in psutil.process_iter(["cmdline"])
        if targets["nap"] in (process.info["cmdline"] or [])
    ]
    # The system may still be ending what it was told to end.
    _, living = psutil.wait_procs(naps, timeout=_ENDING_SECONDS)
    _look_outside(found, "a daemon", succeeded=bool(living))
    for each in living:
        each.kill()
    for name, each in ATTACKS.items():
        if each.path:
            written = Path(each.path.format(**targets))
            # What the sandbox took for the file may have been one of its own.
            done = written.is_file() and written.read_bytes().endswith(b"x")
            _look_outside(found, name, succeeded=done)
    for name in ("left", "left in memory"):
        left = Path(str(targets[name]))
        if left.exists():
            left.unlink()
            left.parent.rmdir()
    return found, json.loads(state)


@contextlib.contextmanager
def _segment() -> Iterator[int]:
    """A segment of System V's shared memory, which everybody may use."""
    system = ctypes.CDLL(None)
    number: int = system.shmget(0, 4096, 0o1666)
    try:
        yield number
    finally:
        system.shmctl(number, 0, None)


def _look_outside(found: dict[str, str], name: str, *, succeeded: bool) -> None:
    """Correct what came of an attack by what was seen outside; its own errors stay."""
    if succeeded:
        found[name] = "True"
    elif found[name] == "True":
        found[name] = NOTHING_OUTSIDE


def _namespaces(process: int | str) -> dict[str, str]:
    """A process's namespaces, by their kind."""
    return {path.name: os.readlink(path) for path in Path(f"/proc/{process}/ns").iterdir()}


def _others() -> list[dict[str, str]]:
    """The namespaces of this process, and of the zygote if one runs."""
    server = ZYGOTE.warm.server
    zygote = descendants(server.process.pid) if server else []
    return [_namespaces(process) for process in (os.getpid(), *zygote)]


def _tried_here() -> dict[str, str]:
    """What comes in this process, which has a secret and open files, of what no kernel can do."""
    found = {}
    for name, each in ATTACKS.items():
        if each.no_control == ALWAYS:
            printed = io.StringIO()
            with open(__file__), contextlib.redirect_stdout(printed):
                exec(PREPARATION + _guarded(each.code), {})
            found[name] = printed.getvalue().strip()
    return found


def victim(folder: Path) -> tuple[Path, Path]:
    """Make a course and a home to attack."""
    course, home = folder / "course", folder / "home"
    for name in (
        "gradebook.db",
        "grader_tests/a/hidden.py",
        "source/a/a.ipynb",
        "submitted/bob/a/a.ipynb",
        "autograded/eve/a/a.verdict.json",
    ):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("kept from students\n")
    home.mkdir()
    (home / ".netrc").write_text("password\n")
    return course, home


def main() -> None:
    """Attack, and print what came of it."""
    level = next(level for level in LEVELS if level.name == sys.argv[1])
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
        _, most = resource.getrlimit(kind)
        # What a kernel has less of, it was given by the sandbox.
        resource.setrlimit(kind, (most, most))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        course, home = victim(folder)
        results, state = attack(level, course, home)
        told = {"user": os.getuid(), "results": results, "state": state}
        print(json.dumps(told | {"others": _others(), "here": _tried_here()}))


if __name__ == "__main__":
    main()
