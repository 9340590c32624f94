"""Repair finds a submission's notebook, and outlives what it finds."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from broken_notebooks import Notebook, as_bytes, code

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import solution_cells
from coursekit.errors import BeyondRepair, InfrastructureError
from coursekit.processes.plain_files import (
    LARGEST_FILE,
    MAX_FOLDERS,
    copy_plain_files,
    look_into,
    open_folder,
    open_plain,
)
from coursekit.repair.finding.archives import entries, unpack
from coursekit.repair.finding.candidate_files import MAX_CANDIDATES, find_candidates
from coursekit.repair.finding.timestamp import read_timestamp
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt
from coursekit.repair.repair_process import RepairProcess
from coursekit.repair.submission import repair
from resnets_utils.notebooks.notebook_reader import MAX_FILE_BYTES

NAME = "Residual_Networks_v2a.ipynb"


@pytest.fixture
def handed_in(assignment: Assignment) -> Notebook:
    """A right answer, as Python data."""
    filled = fill_in(released(assignment), solution_cells(assignment), graded_only=True)
    return dict(json.loads(json.dumps(filled)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "submitted"
    found.mkdir()
    return found


def found_in(folder: Path, assignment: Assignment) -> Rebuilt:
    release = str(assignment.release)
    with open_folder(folder) as opened:
        return repair(opened, NAME, release, lambda stamp: release)


PLACES = {
    "renamed": "My answer (1).ipynb",
    "in small letters": NAME.lower(),
    "with a second ending": f"{NAME}.txt",
    "with another ending": "Residual_Networks_v2a.json",
    "in a folder": f"week 4/answers/{NAME}",
    "by a name that says nothing": "homework",
    "as a text": "homework.txt",
    "Jupyter's own copy": ".ipynb_checkpoints/Residual_Networks_v2a-checkpoint.ipynb",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_notebook_is_found_wherever_it_lies(
    folder: Path, handed_in: Notebook, assignment: Assignment, place: str
) -> None:
    path = folder / PLACES[place]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(handed_in))
    assert found_in(folder, assignment).repairs == (
        f"{NAME} is not there; {PLACES[place]} was graded instead",
    )


def test_a_notebook_of_any_name_is_found_and_named_as_it_can_be_shown(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    names = {"\udcff[1]*\n.ipynb": "?[1]*?.ipynb", "x" * 249 + ".ipynb": "x" * 79 + "…"}
    for name, shown in names.items():
        (folder / name).write_bytes(as_bytes(handed_in))
        said = found_in(folder, assignment).repairs
        assert said == (f"{NAME} is not there; {shown} was graded instead",)
        (folder / name).unlink()


@pytest.mark.parametrize("name", ["handed_in.zip", NAME])
def test_a_notebook_is_found_in_a_zip_whatever_its_name(
    folder: Path, handed_in: Notebook, assignment: Assignment, name: str
) -> None:
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("../../week 4/Mine.ipynb", as_bytes(handed_in))
        archive.writestr("__MACOSX/._Mine.ipynb", b"\0")
    said = found_in(folder, assignment).repairs
    why = "is an archive" if name == NAME else "is not there"
    assert said == (f"{NAME} {why}; ../../week 4/Mine.ipynb in {name} was graded instead",)
    assert [path.name for path in folder.parent.rglob("*")] == ["submitted", name]


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def in_a_tar(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def odd_zip(method: int = 0, flags: int = 0, name: str = "a.ipynb") -> bytes:
    """A zip whose entry says that it is packed by a method, or encrypted, in both its headers."""
    made = bytearray(zipped(name, b"{}"))
    directory = made.index(b"PK\x01\x02")
    for place in (6, directory + 8):
        made[place] |= flags
        made[place + 2] = method
    return bytes(made)


ARCHIVES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "work.zip": (lambda it: zipped("w/in.zip", zipped("a.ipynb", it)), "a.ipynb in w/in.zip in"),
    "work.tar": (lambda it: in_a_tar("../a.ipynb", it), "../a.ipynb in"),
    "work.tar.gz": (lambda it: gzip.compress(in_a_tar("a.ipynb", it)), "a.ipynb in"),
    "a.ipynb.gz": (gzip.compress, "a.ipynb in"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_notebook_is_found_in_other_archives(
    folder: Path, handed_in: Notebook, assignment: Assignment, name: str
) -> None:
    pack, where = ARCHIVES[name]
    (folder / name).write_bytes(pack(as_bytes(handed_in)))
    said = found_in(folder, assignment).repairs
    assert said == (f"{NAME} is not there; {where} {name} was graded instead",)


def test_archives_that_unpack_to_too_much_or_hold_no_notebook_have_a_reason(
    folder: Path, assignment: Assignment
) -> None:
    (folder / "bomb.gz").write_bytes(gzip.compress(bytes(MAX_FILE_BYTES + 1), 1))
    (folder / NAME).write_bytes(zipped("word/document.xml", b"<x/>"))
    with pytest.raises(BeyondRepair) as caught:
        found_in(folder, assignment)
    assert caught.value.message == (
        f"no notebook was handed in; {NAME} is an archive without a notebook; "
        "bomb.gz cannot be unpacked (it unpacks to more than 256 MB)"
    )


CLOSED_ARCHIVES: dict[str, tuple[bytes, str]] = {
    "work.rar": (b"Rar!\x1a\x07\x01\0", "work.rar cannot be unpacked (it is RAR)"),
    NAME: (b"7z\xbc\xaf\x27\x1c\0\4", f"{NAME} cannot be unpacked (it is 7z)"),
    "a.ipynb.xz": (lzma.compress(b"{}"), "a.ipynb.xz cannot be unpacked (it is xz)"),
    "work.tar.bz2": (bz2.compress(b"{}"), "work.tar.bz2 cannot be unpacked (it is bzip2)"),
    "work.tar.zst": (b"\x28\xb5\x2f\xfd\4", "work.tar.zst cannot be unpacked (it is Zstandard)"),
    "none.zip": (
        b"<html>Log in</html>",
        "none.zip cannot be unpacked (it is no archive of a known",
    ),
    "void.zip": (b"PK\x05\x06" + bytes(18), "void.zip cannot be unpacked (it is an empty zip)"),
    "in.zip": (zipped("a/b.rar", b"Rar!"), "a/b.rar in in.zip cannot be unpacked"),
    "deep.zip": (
        zipped("1.zip", zipped("2.zip", zipped("3.ipynb", b"{}"))),
        "2.zip in 1.zip in deep.zip cannot be unpacked",
    ),
    "method.zip": (odd_zip(method=9), "a.ipynb in method.zip cannot be unpacked: That compression"),
    "secret.zip": (odd_zip(flags=1), "a.ipynb in secret.zip cannot be unpacked: File"),
    "inner.zip": (odd_zip(flags=1, name="in.zip"), "inner.zip cannot be unpacked (File 'in.zip'"),
    "cut.tar.gz": (
        gzip.compress(b"x" * 999)[:20],
        "cut.tar.gz cannot be unpacked (Compressed file",
    ),
}


@pytest.mark.parametrize("name", CLOSED_ARCHIVES)
def test_an_archive_that_stays_closed_is_told_with_what_to_do(
    folder: Path, handed_in: Notebook, assignment: Assignment, name: str
) -> None:
    content, said = CLOSED_ARCHIVES[name]
    (folder / name).write_bytes(content)
    with pytest.raises(BeyondRepair) as caught:
        found_in(folder, assignment)
    assert said in caught.value.message
    assert re.search("unpack the archive|without an archive", caught.value.hint)
    # Also beside another notebook: the answers may be in the archive.
    (folder / "copy.ipynb").write_bytes(as_bytes(handed_in))
    assert said in "\n".join(found_in(folder, assignment).repairs)


def test_packed_files_of_the_library_are_no_archives_of_the_students(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    (folder / NAME).write_bytes(as_bytes(handed_in))
    model = folder / "resnets_utils" / "hands" / "model.h5.xz"
    model.parent.mkdir(parents=True)
    model.write_bytes(lzma.compress(b"1"))
    assert found_in(folder, assignment).repairs == ()


def test_no_more_than_a_notebooks_bytes_are_unpacked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coursekit.repair.finding.archives.MAX_FILE_BYTES", 20_000)
    for name, pack in (("a.zip", zipped), ("a.tar", in_a_tar)):
        (folder / name).write_bytes(pack("a.ipynb", bytes(10**6)))
        (found,) = entries(Path(name), opened := open_folder(folder))
        assert len(unpack(Path(name), opened, found.inside)) == 20_001
    # It breaks off behind the bound, where nothing is read any more.
    (folder / "a.gz").write_bytes(gzip.compress(os.urandom(200_000))[:100_000])
    with pytest.raises(ValueError, match="it unpacks to more than"):
        entries(Path("a.gz"), open_folder(folder))


def zip_of(names: list[str], content: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(names: list[str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("made", "most", "said"),
    [
        (zip_of, 7, "it holds 8 files"),
        (tar_of, 7, "it holds more than 7 files"),
        (lambda names: zip_of([f"{name}.zip" for name in names], zip_of(["a"])), 5, "5 archives"),
    ],
    ids=["zip", "tar", "archives within"],
)
def test_one_more_than_an_archive_may_hold_is_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[list[str]], bytes],
    most: int,
    said: str,
) -> None:
    monkeypatch.setattr("coursekit.repair.finding.archives.MAX_ENTRIES", 7)
    packed = folder / "work"
    with open_folder(folder) as opened:
        packed.write_bytes(made([str(number) for number in range(most)]))
        assert len(entries(Path("work"), opened)) == most
        packed.write_bytes(made([str(number) for number in range(most + 1)]))
        with pytest.raises(ValueError, match=said):
            entries(Path("work"), opened)


def test_one_more_notebook_than_are_read_is_told(folder: Path) -> None:
    for number in range(MAX_CANDIDATES - 1):
        (folder / f"{number}.ipynb").touch()
    (folder / NAME).touch()
    with open_folder(folder) as opened:
        assert find_candidates(opened, NAME)[1] == ()
        (folder / "last.ipynb").touch()
        found, left_out = find_candidates(opened, NAME)
    assert left_out == (f"only {MAX_CANDIDATES} of {MAX_CANDIDATES + 1} notebooks were read",)
    assert found[0].expected and len(found) == MAX_CANDIDATES


def test_a_file_of_just_the_bytes_allowed_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coursekit.repair.finding.candidate_files.MAX_FILE_BYTES", 7)
    with open_folder(folder) as opened:
        for content in (b"1234567", b"12345678"):
            (folder / NAME).write_bytes(content)
            [found] = find_candidates(opened, NAME)[0]
            if len(content) == 7:
                assert found.content() == content
        with pytest.raises(BeyondRepair, match="is larger than"):
            found.content()


def test_links_in_a_tar_are_not_taken_for_files(folder: Path, assignment: Assignment) -> None:
    with tarfile.open(folder / "work.tar", mode="w") as archive:
        for name, kind in ((NAME, tarfile.SYMTYPE), ("b.ipynb", tarfile.LNKTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "notes.md"
            archive.addfile(entry)
        archive.addfile(tarfile.TarInfo("notes.md"))
    with pytest.raises(BeyondRepair, match=r"work\.tar is an archive without a notebook"):
        found_in(folder, assignment)


def test_a_broken_notebook_gives_way_to_a_whole_one(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    (folder / NAME).write_bytes(b"{ broken")
    (folder / "copy.ipynb").write_bytes(as_bytes(handed_in))
    said = found_in(folder, assignment).repairs
    assert said[0] == (
        f"of 2 notebooks copy.ipynb was graded, because no other can be graded; {NAME} was not"
    )
    assert f"{NAME} cannot be read as a notebook" in said[1]


def test_an_empty_folder_and_a_foreign_notebook_have_a_reason(
    folder: Path, assignment: Assignment
) -> None:
    with pytest.raises(BeyondRepair, match="no notebook was handed in"):
        found_in(folder, assignment)
    (folder / "notes.pdf").touch()
    with pytest.raises(BeyondRepair, match=r"the folder holds notes\.pdf"):
        found_in(folder, assignment)
    (folder / "other.ipynb").write_bytes(as_bytes({"cells": [code("1")]}))
    with pytest.raises(BeyondRepair, match=r"other\.ipynb holds none of the graded functions"):
        found_in(folder, assignment)


def test_links_pipes_and_folders_are_not_opened(
    folder: Path, tmp_path: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    others = tmp_path / "others.ipynb"
    others.write_bytes(as_bytes(handed_in))
    (folder / NAME).symlink_to(others)
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "a.ipynb").mkdir()
    (folder / ".ipynb_checkpoints").symlink_to(tmp_path)
    with pytest.raises(BeyondRepair) as caught:
        found_in(folder, assignment)
    for said in (f"{NAME} is a link", "folder is a link", "pipe.ipynb is no plain file"):
        assert said in caught.value.message
    assert look_into(open_folder(folder)).files == ()


def a_link(path: Path, elsewhere: Path) -> None:
    path.unlink()
    path.symlink_to(elsewhere / path.name)


def a_pipe(path: Path, elsewhere: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_for_its_folder(path: Path, elsewhere: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(elsewhere)


@pytest.mark.parametrize("change", [a_link, a_pipe, a_link_for_its_folder])
def test_what_takes_a_files_place_while_files_are_copied_is_not_read(
    folder: Path, tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    elsewhere, target = tmp_path / "elsewhere", tmp_path / "target"
    for place, text in ((elsewhere, "another student's"), (folder / "inner", "mine")):
        place.mkdir()
        (place / "notes.txt").write_text(text)
    (folder / "last.txt").write_text("mine, too")

    def wanted(inside: Path) -> bool:
        if inside.name == "notes.txt":
            change(folder / inside, elsewhere)
        return True

    opened = open_folder(folder)
    copy_plain_files(opened, target, wanted)
    assert [path.name for path in target.rglob("*") if path.is_file()] == ["last.txt"]
    with pytest.raises(OSError, match=r"inner|notes\.txt|plain"):
        open_plain(Path("inner", "notes.txt"), opened)


def test_a_tree_of_empty_folders_is_not_walked_to_its_end(folder: Path) -> None:
    for number in range(MAX_FOLDERS + 1):
        (folder / str(number)).mkdir()
    assert look_into(open_folder(folder)).left_out == (
        f"only the first {MAX_FOLDERS} folders were looked into",
    )


def test_huge_files_are_left_out(folder: Path) -> None:
    with (folder / "film.png").open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)  # a hole: it takes no room
    (folder / "small.png").write_bytes(b"1")
    contents = look_into(open_folder(folder))
    assert [path.name for path in contents.files] == ["small.png"]
    assert contents.left_out == ("film.png is larger than 100 MB",)


def test_a_notebook_larger_than_any_is_refused(folder: Path, assignment: Assignment) -> None:
    with (folder / NAME).open("wb") as stream:
        stream.truncate(300 * 2**20)
    with pytest.raises(BeyondRepair, match="is larger than 256 MB"):
        found_in(folder, assignment)


def test_a_zip_that_is_none_has_a_reason(folder: Path, assignment: Assignment) -> None:
    (folder / "work.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(BeyondRepair, match=r"work\.zip cannot be unpacked"):
        found_in(folder, assignment)
    assert find_candidates(open_folder(folder), NAME)[0] == []


@pytest.mark.parametrize(
    ("text", "year", "said"),
    [
        (b"2026-11-02 10:00:00 UTC", 2026, ""),
        (b"2026-11-02 10:00:00 Mars/Phobos", 2026, ""),
        (b"", None, "is empty"),
        (b"yesterday", None, "no time that can be read"),
        (b"99999999999999999999", None, "no time that can be read"),
        (b"\xff\x00\xfe", None, "no time that can be read"),
        (b"2026-11-02 " * 1000, None, "no time that can be read"),
    ],
)
def test_a_timestamp_that_is_none_counts_as_none(
    folder: Path, text: bytes, year: int | None, said: str
) -> None:
    (folder / "timestamp.txt").write_bytes(text)
    found, problem = read_timestamp(open_folder(folder))
    assert (found.year if found else None) == year
    assert said in problem
    assert bool(said) == bool(problem)


def test_the_process_outlives_a_submission_that_ends_it(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    process = RepairProcess()
    try:
        (folder / NAME).write_bytes(as_bytes(handed_in))
        release = assignment.release

        def end_it(stamp: dict[str, Any]) -> str:
            assert process._server is not None
            process._server.process.kill()
            process._server.process.wait()
            return str(release)

        with pytest.raises(InfrastructureError, match="the process that reads it stopped"):
            process.repair(open_folder(folder), NAME, release, end_it)
        # A fault of its own does not end it, and is told.
        with pytest.raises(InfrastructureError, match="cannot be repaired"):
            no_name: Any = None
            process.repair(open_folder(folder), no_name, release, lambda stamp: str(release))
        # It is sent the folder itself: another may have its path by now.
        opened = open_folder(folder)
        folder.rename(folder.with_name("away"))
        folder.mkdir()
        made = process.repair(opened, NAME, release, lambda stamp: str(release))
        assert made.repairs == ()
        (folder / NAME).write_bytes(b"{ broken")
        with pytest.raises(InfrastructureError, match="cannot be read as a notebook"):
            process.repair(open_folder(folder), NAME, release, lambda stamp: str(release))
    finally:
        process.close()


@pytest.mark.slow
def test_a_file_that_keeps_its_reader_busy_or_takes_its_memory_is_refused(
    folder: Path, assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    process, release = RepairProcess(timeout=5), assignment.release
    endless = "def identity_block(:\n" + "x = '''\n" * 20_000
    bombs = [as_bytes({"cells": [code(endless)]}), b'{"cells": [' + b"[]," * 60_000_000 + b"{}]}"]
    try:
        for content in bombs:
            (folder / NAME).write_bytes(content)
            with pytest.raises(InfrastructureError, match="cannot be read as a notebook"):
                process.repair(open_folder(folder), NAME, release, lambda stamp: str(release))
            assert not list(scratch.iterdir())
    finally:
        process.close()


def test_a_reader_that_is_ended_leaves_no_file(
    folder: Path,
    assignment: Assignment,
    handed_in: Notebook,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that is killed while it writes: what lies there is cleared away with it."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    (folder / NAME).write_bytes(as_bytes(handed_in))
    process, release, seen = RepairProcess(), assignment.release, []

    def choose(stamp: dict[str, Any]) -> str:
        for place in scratch.iterdir():
            (place / "half a notebook").write_text("x")
            seen.append(place)
        raise InfrastructureError("ended", "")

    with pytest.raises(InfrastructureError, match="ended"):
        process.repair(open_folder(folder), NAME, release, choose)
    assert len(seen) == 1
    assert not list(scratch.iterdir())
