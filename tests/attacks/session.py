"""Run the attacks in one kernel: ``python session.py LEVEL``; prints JSON.

A process of its own, so that the conductor under attack can be an ordinary
user's, and can hold a secret without harm.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from attacks import ATTACKS, PREPARATION, Attack
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from coursekit.kernels.manager import student_kernel
from coursekit.sandbox.levels import LEVELS, Level
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.settings import Confinement

WORD = "attacked-conductor"
NOT_TRIED = "not tried without a sandbox"


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
        "except BaseException as error:\n    print(type(error).__name__, error)\n"
    )


def attack(level: Level, course: Path, home: Path) -> dict[str, Any]:
    """Try every attack; return what each printed, and what was seen afterwards."""
    word = secrets.token_hex(8)
    abstract, path, port = (
        socket.socket(socket.AF_UNIX),
        socket.socket(socket.AF_UNIX),
        socket.socket(),
    )
    with abstract, path, port:
        abstract.bind(f"\0{word}")
        path.bind(str(course / "socket"))
        port.bind(("127.0.0.1", 0))
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
            "left": f"/tmp/coursekit-{word}/tempfile.py",
            "left in memory": f"/dev/shm/coursekit-{word}/x",
            "nap": f"6{secrets.randbelow(10**6):06}",
        }
        head = f"T = {targets!r}\n{PREPARATION}"
        printed = run([head, *(cell(each, level) for each in ATTACKS.values())], level)
    found = dict(zip(ATTACKS, (text.strip() for text in printed[1:]), strict=True))
    naps = [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if targets["nap"].encode() in _command(folder).split(b"\0")
    ]
    found["a daemon"] = str(bool(naps))
    for number in naps:
        os.kill(number, 9)
    for name, each in ATTACKS.items():
        if each.path:
            written = Path(each.path.format(**targets))
            # What the sandbox took for the file may have been one of its own.
            found[name] = str(written.is_file() and written.read_bytes().endswith(b"x"))
    for name in ("left", "left in memory"):
        left = Path(str(targets[name]))
        if left.exists():
            left.unlink()
            left.parent.rmdir()
    return found


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


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
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        course, home = victim(folder)
        results = attack(level, course, home)
        print(json.dumps({"user": os.getuid(), "results": results}))


if __name__ == "__main__":
    main()
