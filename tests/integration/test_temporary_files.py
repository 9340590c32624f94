"""Real nbgrader where temporary files cannot be written: told in words, nothing in the course."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_in_process import generate
from small_course import NAME, small_course

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import released, submit
from coursekit.errors import InfrastructureError
from coursekit.nbgrader_run import run_nbgrader

pytestmark = pytest.mark.slow

# Makes folders read-only, but not the course in one of them, then runs a command.
NO_PLACE = """
for folder in /tmp /var/tmp; do
    mount --bind $folder $folder && mount -o remount,ro,bind $folder || exit 99
done
mount --bind "$1" "$1" && mount -o remount,rw,bind "$1" || exit 99
cd "$1" && shift && exec "$@"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Assignment:
    """A course with one submission."""
    made = small_course(tmp_path_factory.mktemp("temporary"), assignment)
    generate(made)
    notebook = released(made)
    # Larger than a page of memory, the room of the smallest folder.
    notebook.cells[0].source += " word" * 5000
    submit(made, "one", notebook)
    return made


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """Mount a small file system in memory, for root."""
    if os.getuid():
        pytest.skip("only root can mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets root mount nothing")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def files_of(course: Path) -> set[Path]:
    """The course's files, but not those that nbgrader writes, and what says why it failed."""
    inside = (path.relative_to(course) for path in course.rglob("*") if path.is_file())
    told = ("gradebook.db", "nbgrader.log", "build")
    return {path for path in inside if path.parts[0] not in told}


def room_for_half_the_files(small: Assignment) -> int:
    """Half the kilobytes that the released files take in memory, page by page.

    They are copied into the working folder, and from there into an archive.
    """
    files = [path for path in small.release.parent.rglob("*") if path.suffix != ".ipynb"]
    sizes = [path.stat().st_size for path in files if path.is_file()]
    return 8 + sum(4 * (size // 4096 + 1) for size in sizes) // 2


def refusal(small: Assignment) -> str:
    """What nbgrader says when it cannot grade; it must leave no file in the course."""
    before = files_of(small.course)
    with pytest.raises(InfrastructureError) as caught:
        run_nbgrader(small.course, "autograde", NAME, "--force")
    assert files_of(small.course) == before
    return " ".join(str(caught.value).split())


def test_a_folder_that_is_missing(
    small: Assignment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    said = refusal(small)
    assert f"temporary files cannot be written to {tmp_path}/gone: No such file" in said
    assert "hint: choose another folder with room in it, with: export TMPDIR=/var/tmp" in said


# What mount is told, and what is said; where files fit in part, each step has its turn to fail.
SMALL = {
    "read-only": ("ro", "Read-only file system"),
    "too small for the reading process": ("size=4k", "No space left on device"),
    "too small for the working folder": ("size=64k", "No space left on device"),
    "too small for folder and archive": ("size={room}k", "No space left on device"),
    "room for few files": ("nr_inodes=4", "No space left on device"),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_folder_without_room(
    small: Assignment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    options, reason = SMALL[name]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with mounted(tmp_path, options.format(room=room_for_half_the_files(small))):
        said = refusal(small)
        assert list(tmp_path.iterdir()) == []
    assert f"temporary files cannot be written to {tmp_path}: {reason}" in said
    assert "hint: choose another folder with room in it, with: export TMPDIR=" in said


def test_no_folder_at_all_does_not_lead_to_the_course(
    small: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid():
        pytest.skip("only root can make folders read-only for one process")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    before = files_of(small.course)
    command = [sys.executable, "-m", "nbgrader", "autograde", NAME, "--force"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", NO_PLACE, "sh", str(small.course), *command],
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or done.returncode == 99:
        pytest.skip("this machine lets root mount nothing")
    assert "temporary files cannot be written to /tmp: Read-only" in " ".join(done.stderr.split())
    assert files_of(small.course) == before
