"""A student's folder is opened once, and nothing that takes its place later is read."""

from __future__ import annotations

import copy
import ctypes
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from coursekit.errors import InfrastructureError
from coursekit.kernels.manager import working_folder
from coursekit.processes.plain_files import (
    MAX_FILES,
    MAX_FOLDERS,
    MAX_PATH_BYTES,
    OpenFolder,
    copy_plain_files,
    look_into,
    open_folder,
    open_plain,
)
from coursekit.repair.finding.archives import is_archive
from coursekit.repair.finding.timestamp import read_timestamp

_CURRENT, _EXCHANGE = -100, 2
_LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(one: Path, other: Path) -> None:
    """Let two paths change places, in one step."""
    paths = os.fsencode(one), os.fsencode(other)
    done = _LIBC.renameat2(_CURRENT, paths[0], _CURRENT, paths[1], _EXCHANGE)
    assert done == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    """What eve and ada handed in: the same names, other words."""
    for who, word in (("eve", "mine"), ("ada", "foreign")):
        inner = tmp_path / "submitted" / who / "hw" / "inner"
        inner.mkdir(parents=True)
        for place in (inner, inner.parent):
            (place / "notes.png").write_text(word)
        (inner.parent / "timestamp.txt").write_text("2026-11-02" if who == "eve" else "1999-01-01")
    return tmp_path / "submitted"


@contextmanager
def exchanged_all_the_time(path: Path, link: Path) -> Iterator[Counter[str]]:
    seen: Counter[str] = Counter()
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            exchange(path, link)
            seen["exchanges"] += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("which", ["eve", "eve/hw", "eve/hw/inner", "eve/hw/inner/notes.png"])
def test_a_race_between_a_folder_and_a_link_is_never_won(submitted: Path, which: str) -> None:
    link = submitted.parent / "link"
    link.symlink_to(submitted / which.replace("eve", "ada"))
    with exchanged_all_the_time(submitted / which, link) as seen:
        for _ in range(5_000):
            try:
                with open_folder(submitted, "eve", "hw") as folder:
                    (inside,) = (one for one in look_into(folder).files if one.parent.name)
                    with open_plain(inside, folder) as stream:
                        seen[stream.read().decode()] += 1
            except (InfrastructureError, OSError, ValueError):
                seen["refused"] += 1
    assert seen["foreign"] == 0
    # The path led to eve's own and to the link, and was exchanged again and again.
    assert min(seen["mine"], seen["refused"]) > 10
    assert seen["exchanges"] > 1_000


def read_everything(folder: OpenFolder, target: Path) -> list[str]:
    """Everything that grading reads of a submission."""
    copy_plain_files(folder, target / "copy")
    with working_folder(target / "no release", folder, {}) as work:
        copied = [*(target / "copy").rglob("*.png"), *work.path.rglob("*.png")]
        texts = [path.read_text() for path in copied]
    for inside in look_into(folder).files:
        assert not is_archive(inside, folder)
        with open_plain(inside, folder) as stream:
            texts.append(stream.read().decode())
    found, problem = read_timestamp(folder)
    assert found is not None
    return [*texts, f"{found.date()}{problem}"]


@pytest.mark.parametrize("which", ["eve", "eve/hw"])
@pytest.mark.parametrize("with_a_link", [True, False])
def test_what_takes_a_submissions_place_after_it_was_opened_is_not_read(
    submitted: Path, tmp_path: Path, which: str, with_a_link: bool
) -> None:
    other = submitted / which.replace("eve", "ada")
    link = tmp_path / "link"
    link.symlink_to(other)
    with open_folder(submitted, "eve", "hw") as folder:
        exchange(submitted / which, link if with_a_link else other)
        texts = read_everything(folder, tmp_path)
    assert Counter(texts) == {"mine": 6, "2026-11-02": 2}
    if with_a_link:
        with pytest.raises(InfrastructureError, match="is a link, which is not followed"):
            open_folder(submitted, "eve", "hw")


def test_the_submitted_folder_itself_may_be_a_link(submitted: Path, tmp_path: Path) -> None:
    """To a larger disk for example: it is the instructor's."""
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "submitted").symlink_to(submitted)
    with open_folder(tmp_path / "course" / "submitted", "eve", "hw") as folder:
        assert Path("notes.png") in look_into(folder).files


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("eve", "link"), "eve/link: the folder itself is a link, which is not followed"),
        (("link", "hw"), "link/hw: the folder link above it is a link, which is not followed"),
        (("eve", "dangling"), "the folder itself is a link"),
        (("eve", "loop"), "the folder itself is a link"),
        (("eve", "pipe"), "eve/pipe: it is not a folder"),
        (("eve", "hw", "notes.png"), "it is not a folder"),
        (("nobody", "hw"), "there is no such folder"),
    ],
)
def test_what_is_no_folder_is_refused_in_words(
    submitted: Path, names: tuple[str, ...], said: str
) -> None:
    (submitted / "link").symlink_to("ada")
    (submitted / "eve" / "link").symlink_to("hw")
    (submitted / "eve" / "dangling").symlink_to("nowhere")
    (submitted / "eve" / "loop").symlink_to("loop")
    os.mkfifo(submitted / "eve" / "pipe")
    with pytest.raises(InfrastructureError) as caught:
        open_folder(submitted, *names)
    assert said in caught.value.message
    assert caught.value.hint


def test_a_copy_of_an_open_folder_is_the_same_one(submitted: Path) -> None:
    """nbconvert copies what it hands on; a second one would close what is no longer its own."""
    with open_folder(submitted, "eve") as folder:
        assert copy.deepcopy({"folder": [folder]})["folder"][0] is folder
    folder.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        open_plain(Path("hw", "notes.png"), folder)


def test_nothing_above_a_folder_can_be_named(submitted: Path) -> None:
    with open_folder(submitted, "eve", "hw") as folder:
        for name in ("../../ada/hw/notes.png", str(submitted / "ada/hw/notes.png"), "inner/.."):
            with pytest.raises(OSError, match="not within its folder"):
                open_plain(Path(name), folder)
    with pytest.raises(InfrastructureError):
        open_folder(submitted, "eve", "..")


def test_one_file_past_each_bound_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "coursekit.processes.plain_files.MAX_BYTES"
    for number in range(MAX_FILES):
        (tmp_path / f"{number:04}.png").write_bytes(b"12")
    monkeypatch.setattr(name, 2 * MAX_FILES)
    contents = look_into(open_folder(tmp_path))
    assert (len(contents.files), contents.left_out) == (MAX_FILES, ())
    monkeypatch.setattr(name, 2 * MAX_FILES - 1)
    contents = look_into(open_folder(tmp_path))
    assert len(contents.files) == MAX_FILES - 1
    assert contents.left_out == ("0999.png is beyond the 0 MB that a submission may hold",)
    monkeypatch.undo()
    (tmp_path / "last.png").touch()
    contents = look_into(open_folder(tmp_path))
    assert len(contents.files) == MAX_FILES
    assert contents.left_out == ("only the first 1,000 files were looked at",)


def test_as_many_folders_as_allowed_are_looked_into(tmp_path: Path) -> None:
    for number in range(MAX_FOLDERS - 1):
        (tmp_path / str(number)).mkdir()
    assert look_into(open_folder(tmp_path)).left_out == ()
    (tmp_path / "one more").mkdir()
    (tmp_path / "one more" / "late.png").touch()
    contents = look_into(open_folder(tmp_path))
    assert contents.files == ()
    assert contents.left_out == (f"only the first {MAX_FOLDERS} folders were looked into",)


def test_a_path_that_is_too_long_to_be_copied_is_left_out(tmp_path: Path) -> None:
    """Made step by step: as a whole, the system would not take it."""
    before = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        Path("deep.png").touch()
    finally:
        os.chdir(before)
    (tmp_path / "small.png").touch()
    contents = look_into(open_folder(tmp_path))
    assert contents.files == (Path("small.png"),)
    assert contents.left_out == (f"{'d' * 79}… lies too deep in folders",)
    assert MAX_PATH_BYTES < 4 * 251
    with suppress(FileNotFoundError):
        copy_plain_files(open_folder(tmp_path), tmp_path.parent / "copied")


def test_copies_keep_their_age_and_stay_within_their_room(tmp_path: Path) -> None:
    """Grading again from a copy must choose the same one of several notebooks."""
    for name, size in (("a.png", 40), ("b.png", 70), ("c.png", 60)):
        (tmp_path / name).write_bytes(bytes(size))
        os.utime(tmp_path / name, ns=(1, 10**18 + size))
    copied = tmp_path / "copied"
    copy_plain_files(open_folder(tmp_path), copied, lambda inside: True, 100)
    found = {path.name: path.stat().st_mtime_ns for path in copied.iterdir()}
    assert found == {"a.png": 10**18 + 40, "c.png": 10**18 + 60}
    # Over what nbgrader has made unwritable, too.
    (copied / "a.png").chmod(0o400)
    (tmp_path / "a.png").write_bytes(b"new")
    copy_plain_files(open_folder(tmp_path), copied)
    assert (copied / "a.png").read_bytes() == b"new"


def test_a_file_that_has_grown_since_it_was_measured_stays_within_its_room(tmp_path: Path) -> None:
    # The system's own files hold more than the 0 bytes that they are said to have.
    with open_folder(Path("/proc/sys/kernel/random")) as folder:
        copy_plain_files(folder, tmp_path, lambda inside: inside.name == "uuid", 10)
    assert (tmp_path / "uuid").stat().st_size == 10
