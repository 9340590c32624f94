"""A student's own files reach the kernel's folder, and nothing there is taken for another."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path

import pytest

from coursekit.kernels.manager import working_folder
from coursekit.kernels.own_files import put_own_files
from coursekit.processes.plain_files import open_folder, shown
from coursekit.repair.finding import files_beside as beside
from coursekit.repair.finding.candidate_files import Candidate, find_candidates
from coursekit.repair.finding.files_beside import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_NAMED,
    MAX_PATH_BYTES,
    MAX_TOTAL_BYTES,
    files_beside,
)

NAME = "a.ipynb"
# Each would be taken for a module, a package or a file of somebody else's.
FORBIDDEN = [
    *("resnets_utils.py", "resnets_utils/extra.py", "resnets_utils/data.csv", "expected.json"),
    *("Resnets_Utils.py", "images.py", "resnets_utils.v2.py"),
    *("numpy.py", "numpy/__init__.py", "tensorflow/keras.py", "keras.py", "google/x.py"),
    *(
        "json.py",
        "JSON.py",
        "json.PY",
        "random.py",
        "tempfile.py",
        "encodings/utf_8.py",
        "_pytest/x.py",
    ),
    *("ipykernel_launcher.py", "coursekit/sandbox/inside/student_kernel.py", "torch.py"),
    *("sitecustomize.py", "deep/usercustomize.py", "conftest.py", "__init__.py", "__main__.py"),
    *("../out.py", "/etc/out.py", "images/hand.png/x.txt", "IPython/__init__.py"),
    *("\uff4eumpy.py", "\ud800.py", "x" * 300 + ".py"),
]
ALLOWED = ["my_blocks.py", "helpers/__init__.py", "helpers/types.py", "random.csv", "images/x.txt"]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    found = tmp_path / "release"
    for name in ("resnets_utils/__init__.py", "expected.json", "images/hand.png"):
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text("the release's")
    return found


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    found = tmp_path / "submitted"
    found.mkdir()
    (found / NAME).write_text('{"cells": []}')
    return found


def notebook_in(submitted: Path) -> Candidate:
    found, _ = find_candidates(open_folder(submitted), NAME)
    assert len(found) == 1
    return found[0]


def test_a_students_own_files_stand_in_the_place_of_nothing(release: Path, submitted: Path) -> None:
    files = dict.fromkeys([*FORBIDDEN, *ALLOWED], b"x")
    with working_folder(release, open_folder(submitted), files) as folder:
        written = {
            str(path.relative_to(folder.path))
            for path in folder.path.rglob("*")
            if path.is_file() and path.read_bytes() == b"x"
        }
        assert written == set(ALLOWED)
        assert set(folder.left_out) == {shown(name) for name in FORBIDDEN}
        assert not any((folder.path.parent / name).exists() for name in ("out.py",))
    assert put_own_files({"json.py": b""}, release) == {
        "json.py": "it has the name of a module of Python or of an installed package"
    }


def test_small_files_are_taken_as_they_are_seen_from_the_notebook(
    submitted: Path, release: Path
) -> None:
    deep = submitted / "week 4"
    (deep / "pictures").mkdir(parents=True)
    (submitted / NAME).rename(deep / NAME)
    for name in ("blocks.py", "pictures/hand.png", "compiled.pyc", "lib.so", "x.pth"):
        (deep / name).write_text("near")
    for name in ("blocks.py", "above.py"):
        (submitted / name).write_text("far")
    (submitted / "link.py").symlink_to("/etc/passwd")
    os.mkfifo(submitted / "pipe.py")
    found = files_beside(notebook_in(submitted), release)
    assert found.contents == {
        "blocks.py": b"near",
        "pictures/hand.png": b"near",
        "above.py": b"far",
    }
    assert set(found.left_out) == {"compiled.pyc", "lib.so", "x.pth"}


def test_small_files_are_taken_out_of_the_notebooks_archive(submitted: Path, release: Path) -> None:
    (submitted / NAME).unlink()
    with zipfile.ZipFile(submitted / "work.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/a.ipynb", '{"cells": []}')
        archive.writestr("w/blocks.py", "right")
        archive.writestr("../w/inner/beside.py", "inner")
        archive.writestr("w/.hidden.py", "hidden")
        archive.writestr("elsewhere.py", "elsewhere")
        archive.writestr("w/bomb.py", bytes(2**20))
    found = files_beside(notebook_in(submitted), release)
    assert found.contents == {"blocks.py": b"right", "inner/beside.py": b"inner"}
    assert set(found.left_out) == {"bomb.py"}


def test_own_files_have_bounds(
    submitted: Path, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (submitted / "b0.py").write_bytes(bytes(MAX_FILE_BYTES))
    (submitted / "b1.py").write_bytes(bytes(MAX_FILE_BYTES + 1))
    for number in range(2, 7):
        (submitted / f"b{number}.py").write_bytes(bytes(MAX_FILE_BYTES))
    found = files_beside(notebook_in(submitted), release)
    assert sum(map(len, found.contents.values())) == MAX_TOTAL_BYTES
    assert found.left_out["b1.py"] == "it is larger than 500 KB"
    assert found.left_out["b6.py"] == "all files together are larger than 2 MB"
    for path in submitted.glob("*.py"):
        path.unlink()
    for number in range(MAX_FILES + 1):
        (submitted / f"c{number:03}.py").touch()
    found = files_beside(notebook_in(submitted), release)
    assert len(found.contents) == MAX_FILES
    assert found.left_out == {f"c{MAX_FILES}.py": f"only {MAX_FILES} files are used"}
    monkeypatch.setattr(beside, "MAX_READ_BYTES", 0)
    (submitted / "c000.py").write_text("1")
    found = files_beside(notebook_in(submitted), release)
    assert list(found.contents) == ["c000.py"]
    assert found.left_out["c001.py"] == "too much was handed in to look at it"


def test_what_is_left_out_is_named_within_bounds(submitted: Path, release: Path) -> None:
    for number in range(MAX_NAMED + 1):
        (submitted / f"{number}.bin").touch()
    assert len(files_beside(notebook_in(submitted), release).left_out) == MAX_NAMED


def test_a_path_that_cannot_be_written_everywhere_is_left_out(
    submitted: Path, release: Path
) -> None:
    longest = "x" * (MAX_PATH_BYTES - 3) + ".py"
    (submitted / longest).touch()
    (submitted / f"x{longest}").touch()
    found = files_beside(notebook_in(submitted), release)
    assert list(found.contents) == [longest]
    assert list(found.left_out.values()) == ["its path is too long"]


def test_a_disk_without_room_is_no_fault_of_a_file(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        put_own_files({"blocks.py": b""}, release)


def test_a_folder_handed_in_as_fetched_has_room_for_own_files(
    submitted: Path, release: Path
) -> None:
    for number in range(MAX_FILES + 1):
        name = f"resnets_utils/part{number}.py"
        (release / name).touch()
        (submitted / name).parent.mkdir(exist_ok=True)
        (submitted / name).touch()
    (submitted / "resnets_utils" / "mine.py").touch()
    (submitted / "week 4").mkdir()
    (submitted / "week 4" / "blocks.py").touch()
    # The kernel's folder gets it from beside the notebook as it is.
    (submitted / "photo.png").touch()
    found = files_beside(notebook_in(submitted), release)
    assert list(found.contents) == ["week 4/blocks.py"]
    assert set(found.left_out) == {"resnets_utils/mine.py", "photo.png"}
