"""``coursekit collect``: made-up downloads in each platform's manner, and what becomes of them."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from coursekit.cli import main
from coursekit.collecting.download import MAX_ENTRIES
from coursekit.collecting.platforms import (
    BLACKBOARD,
    BRIGHTSPACE,
    CANVAS,
    FOLDERS,
    GRADESCOPE,
    MOODLE,
    PLATFORMS,
    Platform,
    Who,
    read_name,
)
from coursekit.collecting.roster import Roster, name_keys, read_roster
from coursekit.gradebook.database import database_url
from coursekit.gradebook.students import Student, read_students, remember_students
from coursekit.processes import plain_files

NAME = "numbers-v1"
NOTEBOOK = "Numbers_v1.ipynb"
Files = Mapping[str, str | bytes]
ADA, BOB = "Ada Lovelace", "Bob O'Brien"
ROSTER = f'student,lms_id,name\nada,11,{ADA}\nbob,22,"O\'Brien, Bob"\n'
# Downloads of two people: Ada's notebook is "A", Bob's "B".
ORDINARY: dict[str, Files] = {
    "canvas": {
        f"lovelaceada_LATE_11_901_{NOTEBOOK}": "A",
        f"obrienbob_22_902_{NOTEBOOK}": "B",
    },
    "canvas, anonymous": {
        f"LATE_anon_a1B2c_901_{NOTEBOOK}": "A",
        f"anon_zZ9yX_902_{NOTEBOOK}": "B",
    },
    "moodle": {
        f"{ADA}_11_assignsubmission_file/{NOTEBOOK}": "A",
        f"{BOB}_22_assignsubmission_file/{NOTEBOOK}": "B",
    },
    "moodle before 4.1": {
        f"{ADA}_11_assignsubmission_file_/{NOTEBOOK}": "A",
        f"{BOB}_22_assignsubmission_file_/{NOTEBOOK}": "B",
    },
    "moodle, not in folders": {
        f"{ADA}_11_assignsubmission_file_{NOTEBOOK}": "A",
        f"{BOB}_22_assignsubmission_file_{NOTEBOOK}": "B",
    },
    "moodle, blind": {
        f"Participant_11_assignsubmission_file/{NOTEBOOK}": "A",
        f"Teilnehmer_22_assignsubmission_file/{NOTEBOOK}": "B",
    },
    "blackboard": {
        f"Home_work 1_11_attempt_2026-10-10-10-22-33_{NOTEBOOK}": "A",
        "Home_work 1_11_attempt_2026-10-10-10-22-33.txt": f"Name: {ADA} (11)\n\nComments:\n(22)",
        f"Home_work 1_22_attempt_2026-10-11-10-22-33_{NOTEBOOK}": "B",
        "Home_work 1_22_attempt_2026-10-11-10-22-33.txt": f"Name: {BOB} (22)\nComments:\n(11)",
    },
    "brightspace": {
        "index.html": "<html>",
        f"11-700 - {ADA} - Oct 10, 2026 1022 AM/{NOTEBOOK}": "A",
        f"22-701 - {BOB} - Oct 11, 2026 922 PM/{NOTEBOOK}": "B",
    },
    "brightspace, not in folders": {
        f"11-700 - {ADA} - Oct 10, 2026 1022 AM - {NOTEBOOK}": "A",
        f"22-701 - {BOB} - Oct 11, 2026 922 PM - {NOTEBOOK}": "B",
    },
    "gradescope": {
        "assignment_5_export/submission_metadata.yml": (
            f"submission_71:\n  :submitters:\n  - :name: {ADA}\n    :sid: '11'\n"
            "    :email: a@x.edu\n  :created_at: 2026-10-10 10:22:33.123456789 Z\n"
            f"submission_72.ipynb:\n  :submitters:\n  - :name: {BOB}\n    :sid: '22'\n"
        ),
        f"assignment_5_export/submission_71/{NOTEBOOK}": "A",
        "assignment_5_export/submission_72.ipynb": "B",
    },
    "folders": {f"ada/{NOTEBOOK}": "A", f"bob/{NOTEBOOK}": "B", f"bob/__MACOSX/{NOTEBOOK}": "!"},
    "notebooks": {"ada.ipynb": "A", "bob.ipynb": "B"},
    "folders in one called like the archive": {
        f"all/ada/{NOTEBOOK}": "A",
        f"all/bob/{NOTEBOOK}": "B",
        "all/.DS_Store": "!",
    },
}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Kurs [1]"
    (folder / "source" / NAME).mkdir(parents=True)
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    return folder


def packed(place: Path, files: Files) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return place


def collect(course: Path, *arguments: str | Path) -> int:
    return main(["--course", str(course), "collect", NAME, *map(str, arguments)])


def submitted(course: Path) -> dict[str, str]:
    """What everybody has handed in, without times."""
    place = course / "submitted"
    return {
        path.relative_to(place).as_posix().replace(f"/{NAME}/", ": "): path.read_text()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != "timestamp.txt"
    }


@pytest.mark.parametrize("case", ORDINARY)
def test_what_platforms_hand_out_is_collected(
    course: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "anonymous" in case:
        (course / "roster.csv").write_text("student,lms_id\nada,anon_a1B2c\nbob,anon_zZ9yX\n")
    download = packed(course.parent / "all.zip", ORDINARY[case])
    assert collect(course, download, "--dry-run") == 0
    assert not (course / "submitted").exists() and not (course / "gradebook.db").exists()
    assert collect(course, download) == 0
    said = capsys.readouterr().out
    found = submitted(course)
    assert {key.partition(":")[0]: text for key, text in found.items()} == {"ada": "A", "bob": "B"}
    assert ("late" in said.replace("late  ", "", 2)) == case.startswith("canvas")
    known = {one.id: one.lms_user_id for one in read_students(database_url(course / "gradebook.db"))}
    platform_knows = not case.startswith(("folders", "notebooks"))
    ada, bob = ("anon_a1B2c", "anon_zZ9yX") if "anonymous" in case else ("11", "22")
    assert known == ({"ada": ada, "bob": bob} if platform_knows else {"ada": "", "bob": ""})
    # The folder that it was unpacked into, once more: nothing changes.
    folder = course.parent / "unpacked" / "all"
    with zipfile.ZipFile(download) as archive:
        archive.extractall(folder)
    if "called like" in case:
        folder /= "all"
    before = {path: path.stat().st_mtime_ns for path in (course / "submitted").rglob("*")}
    assert collect(course, folder) == 0
    assert "2 unchanged" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (course / "submitted").rglob("*")} == before
