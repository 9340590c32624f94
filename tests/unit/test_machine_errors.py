"""What the machine refuses is told in words, with what to do next, and nothing is lost by it."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from permissions import folder_for_all, held_back
from traitlets import TraitError
from traitlets.config import Config

from coursekit.errors import GradebookInUse, InfrastructureError
from coursekit.gradebook.database import try_to_write
from coursekit.kernels.manager import MAX_PLACE_BYTES, _place_for_lines
from coursekit.machine_errors import in_words
from coursekit.nbgrader_seam.failures import _ended_in_order
from coursekit.processes.plain_files import open_folder
from coursekit.sandbox.settings import StudentKernel


def lock(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


GRADEBOOKS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "locked": (lock, "is in use by another program"),
    "no database": (lambda path: path.write_text("scores: 6" * 99), "is damaged"),
    "a folder": (replace_by_folder, "cannot be opened"),
}


@pytest.mark.parametrize("name", GRADEBOOKS)
def test_a_gradebook_that_cannot_be_used_is_told_of(tmp_path: Path, name: str) -> None:
    change, said = GRADEBOOKS[name]
    path = tmp_path / "gradebook.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE grade (auto_score)")
    connection.close()
    try_to_write(f"sqlite:///{path}")
    held = change(path)
    with pytest.raises(sqlite3.Error) as caught:
        try_to_write(f"sqlite:///{path}", patience=0)
    told = in_words(caught.value)
    assert told is not None
    assert said in told.message
    assert isinstance(told, GradebookInUse) == (name == "locked")
    assert told.hint
    if isinstance(held, sqlite3.Connection):
        held.close()
        try_to_write(f"sqlite:///{path}", patience=0)


def test_a_gradebook_that_may_not_be_written_to_is_told_of() -> None:
    with folder_for_all() as folder:
        path = folder / "gradebook.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE grade (auto_score)")
        connection.close()
        with held_back(), pytest.raises(sqlite3.OperationalError) as caught:
            try_to_write(f"sqlite:///{path}")
        assert "may not be written to" in str(in_words(caught.value))


def test_errors_of_the_system_are_told_and_faults_of_ours_are_not() -> None:
    with pytest.raises(OSError, match="space") as caught, open("/dev/full", "w") as full:
        full.write("x" * 100_000)
    assert "no room left on the disk" in str(in_words(caught.value))
    closed = in_words(PermissionError(errno.EACCES, "Permission denied", "autograded/s0"))
    assert str(closed).startswith("autograded/s0: you may not read or write there")
    assert in_words(FileNotFoundError(errno.ENOENT, "No such file")) is None
    assert in_words(KeyError("ours")) is None
    kept = InfrastructureError("as it is")
    assert in_words(kept) is kept


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_ends_grading_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), _ended_in_order():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_sockets_lie_where_paths_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * MAX_PLACE_BYTES)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    assert len(_place_for_lines()) <= MAX_PLACE_BYTES


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"cell_seconds": 0}, "c.StudentKernel.cell_seconds is 0"),
    "less than none": ({"total_megabytes": -5}, "c.StudentKernel.total_megabytes is -5"),
    "endless": ({"cell_seconds": float("inf")}, "cell_seconds is inf"),
    "a text": ({"by_assignment": {"a": {"files": "ten"}}}, "by_assignment['a']['files'] is 'ten'"),
    "half a process": ({"by_assignment": {"a": {"processes": 0.5}}}, "['processes'] is 0.5"),
    "yes": ({"by_assignment": {"a": {"messages": True}}}, "['messages'] is True"),
    "no mapping": ({"by_assignment": {"a": 7}}, "by_assignment['a'] is 7"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_limit_that_is_none_is_refused(name: str) -> None:
    settings, said = WRONG[name]
    with pytest.raises(InfrastructureError) as caught:
        StudentKernel(config=Config(StudentKernel=settings)).confinement("a")
    assert said in caught.value.message
    assert caught.value.hint


def test_a_setting_of_another_type_is_told_of() -> None:
    with pytest.raises(TraitError) as caught:
        StudentKernel(config=Config(StudentKernel={"cell_seconds": "ten"}))
    assert "the 'cell_seconds' trait" in str(in_words(caught.value)).lower()


@pytest.mark.parametrize("mode", [0o700, 0o744], ids=["nothing", "its names alone"])
def test_a_folder_that_may_not_be_read_is_not_taken_for_empty(mode: int) -> None:
    with folder_for_all() as folder:
        closed = folder / "submitted"
        closed.mkdir()
        closed.chmod(mode)
        with held_back(), pytest.raises(InfrastructureError, match="may not be read") as caught:
            open_folder(folder, closed.name)
    assert "chmod" in caught.value.hint
