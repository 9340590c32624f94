"""A submitted folder as bytes: on another machine, grading finds what lies here."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from permissions import folder_for_all, held_back

from coursekit.cluster.packing import pack_files, pack_folder, unpack
from coursekit.cluster.wire import Message, from_bytes, to_bytes
from coursekit.processes.plain_files import (
    CHECKPOINTS,
    LARGEST_FILE,
    MAX_BYTES,
    MAX_FILES,
    FolderContents,
    look_into,
    open_folder,
)
from coursekit.repair.finding.submission_digest import submission_digest

COPY = f"{CHECKPOINTS}/a-checkpoint.ipynb"


def found(folder: Path) -> tuple[str, dict[str, FolderContents], dict[Path, bytes]]:
    """All that grading can see of a folder."""
    with open_folder(folder) as opened:
        places = ["", CHECKPOINTS, f"inner/{CHECKPOINTS}"]
        contents = {place: look_into(opened, place) for place in places}
        files = [path for one in contents.values() for path in one.files]
        # What is read is bounded, and holes are not read.
        read = {path: (folder / path).open("rb").read(100) for path in files}
        return submission_digest(opened), contents, read


def elsewhere(folder: Path, target: Path) -> Path:
    """The folder as another machine has it."""
    with open_folder(folder) as opened:
        sent = to_bytes(pack_folder(opened))
    assert len(sent) < 10**6
    unpack(from_bytes(sent), target)
    return target


@contextlib.contextmanager
def real_user_too() -> Iterator[None]:
    """Also be that user whose rights are asked for before a file is opened."""
    was, now = os.getuid(), os.geteuid()
    os.setresuid(now, now, -1)
    try:
        yield
    finally:
        os.setresuid(was, now, -1)


def everything(folder: Path) -> None:
    for name in ("a.ipynb", COPY, "inner/b.py", f"inner/{COPY}", "inner/c.txt", "empty.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("" if name == "empty.txt" else f"text of {name}")
    (folder / "nothing in it").mkdir()
    os.utime(folder / "a.ipynb", ns=(1, 1_700_000_000_123_456_789))
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "inner" / "linked").symlink_to(folder)
    os.mkfifo(folder / "pipe.ipynb")
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(os.path.relpath(folder / "socket"))
    for name, size in (("large.bin", LARGEST_FILE + 1), ("large.ipynb", LARGEST_FILE + 1)):
        (folder / name).touch()
        os.truncate(folder / name, size if name == "large.bin" else MAX_BYTES + 1)
    (folder / os.fsdecode(b"caf\xe9\n.py")).write_bytes(b"\xff\x00")
    deep = folder / "/".join(["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / "e.py").write_text("too deep")


def test_the_other_machine_finds_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    everything(folder)
    here = found(folder)
    left_out = "\n".join(here[1][""].left_out)
    for words in ("a link", "no plain file", "larger than", "beyond the"):
        assert words in left_out
    assert len(here[2]) == 7
    assert found(elsewhere(folder, tmp_path / "there")) == here


def test_what_may_not_be_read_may_not_be_read_there_either() -> None:
    with folder_for_all() as place:
        (place / "there").mkdir()
        (place / "there").chmod(0o777)
        folder = place / "here"
        (folder / "closed").mkdir(parents=True)
        (folder / "closed" / "a.ipynb").write_text("{}")
        (folder / "secret.py").write_text("x = 1")
        (folder / "closed").chmod(0)
        (folder / "secret.py").chmod(0)
        with held_back(), real_user_too():
            here = found(folder)
            assert len(here[1][""].left_out) == 2
            assert found(elsewhere(folder, place / "there" / "folder")) == here


def test_very_many_files(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for number in range(MAX_FILES + 2):
        (folder / f"{number}.py").touch()
    here = found(folder)
    assert "only the first" in here[1][""].left_out[-1]
    assert found(elsewhere(folder, tmp_path / "there")) == here


def test_what_changes_meanwhile_is_the_student_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "b.py").write_text("y = 2")

    def gone(inside: Path, folder: object) -> None:
        raise FileNotFoundError(inside)

    monkeypatch.setattr("coursekit.cluster.packing.open_plain", gone)
    with open_folder(tmp_path) as folder:
        packed = pack_folder(folder)
    # Nothing is made up in the place of what could not be read.
    unpack(packed, tmp_path / "there")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "there").iterdir()] == [0, 0]


def test_releases(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    unpack(pack_files([(Path("v1", "lib", "a.py"), tmp_path / "a.py")]), tmp_path / "there")
    assert (tmp_path / "there" / "v1" / "lib" / "a.py").read_text() == "x = 1"


@pytest.mark.parametrize("inside", ["../out.py", "/tmp/out.py", "a/../../out.py"])
def test_nothing_is_written_elsewhere(tmp_path: Path, inside: str) -> None:
    packed = Message({"entries": [[inside, "file", 1, 0]]}, b"x")
    with pytest.raises(ValueError, match="leads elsewhere"):
        unpack(packed, tmp_path / "there")
    assert list(tmp_path.iterdir()) == [tmp_path / "there"]


@pytest.mark.parametrize(
    "sent", [b"", b"\xff" * 99, to_bytes(Message({}))[:-1], b"\0" * 7 + b"\4null", b"\0" * 8]
)
def test_what_is_no_message(sent: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(sent)


def test_a_message_that_is_nested_deeply() -> None:
    deep = b"[" * 200_000
    with pytest.raises(ValueError, match="nested"):
        from_bytes(len(deep).to_bytes(8, "big") + deep)
