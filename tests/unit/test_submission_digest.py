"""A digest changes with whatever can decide a submission's grade, and with nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coursekit.processes.plain_files import open_folder
from coursekit.repair.finding.submission_digest import submission_digest

COPY = Path(".ipynb_checkpoints", "a-checkpoint.ipynb")


def digest(folder: Path) -> str:
    with open_folder(folder) as opened:
        return submission_digest(opened)


def a_link(folder: Path) -> None:
    (folder / "b.py").symlink_to("a.ipynb")


CHANGES: dict[str, Callable[[Path], object]] = {
    "its text": lambda folder: (folder / "a.ipynb").write_text("{} "),
    "a file's name": lambda folder: (folder / "a.ipynb").rename(folder / "b.ipynb"),
    "another file": lambda folder: (folder / "b.py").touch(),
    "no timestamp": lambda folder: (folder / "timestamp.txt").unlink(),
    "Jupyter's own copy": lambda folder: (folder / COPY).write_text("{} "),
    "no copy": lambda folder: (folder / COPY).unlink(),
    "what is left out": a_link,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "submitted"
    (found / COPY).parent.mkdir(parents=True)
    for name in ("a.ipynb", COPY):
        (found / name).write_text("{}")
    (found / "timestamp.txt").write_text("2026-11-20 12:00:00 UTC\n")
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_what_can_decide_a_grade_changes_the_digest(folder: Path, change: str) -> None:
    before = digest(folder)
    CHANGES[change](folder)
    assert digest(folder) != before


def test_a_new_download_has_the_same_digest(folder: Path, tmp_path: Path) -> None:
    before = digest(folder)
    again = shutil.copytree(folder, tmp_path / "again")
    os.utime(again / "a.ipynb", (0, 0))
    (again / "__pycache__").mkdir()
    assert digest(again) == before
