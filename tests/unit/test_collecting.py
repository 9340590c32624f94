"""``coursekit collect``: made-up downloads in each platform's manner, and what becomes of them."""

from __future__ import annotations

import csv
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
from nbgrader.utils import parse_utc

from coursekit.cli import main
from coursekit.collecting import download as downloaded
from coursekit.collecting import placing
from coursekit.collecting.platforms import (
    CANVAS,
    GRADESCOPE,
    PLATFORMS,
    Platform,
    Who,
    read_name,
)
from coursekit.collecting.roster import name_keys, read_roster
from coursekit.gradebook.address import database_url
from coursekit.gradebook.students import Student, read_students, remember_students

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


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty gradebook: to make one takes seconds."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    assert read_students(database_url(path)) == []
    assert not path.exists()
    remember_students(database_url(path), [])
    return path


@pytest.fixture
def course(tmp_path: Path, gradebook: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Kurs [1]"
    (folder / "source" / NAME).mkdir(parents=True)
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    shutil.copy(gradebook, folder)
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


def record(course: Path) -> list[dict[str, str]]:
    with (course / "collected" / f"{NAME}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("case", ORDINARY)
def test_what_platforms_hand_out_is_collected(
    course: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "anonymous" in case:
        (course / "roster.csv").write_text("student,lms_id\nada,anon_a1B2c\nbob,anon_zZ9yX\n")
    download = packed(course.parent / "all.zip", ORDINARY[case])
    assert collect(course, download, "--dry-run") == 0
    assert not (course / "submitted").exists() and not (course / "collected").exists()
    assert read_students(database_url(course / "gradebook.db")) == []
    assert collect(course, download) == 0
    found = submitted(course)
    assert {key.partition(":")[0]: text for key, text in found.items()} == {"ada": "A", "bob": "B"}
    late = {row["student"]: row["late"] for row in record(course)}
    assert late == {"ada": "late" if case.startswith("canvas") else "", "bob": ""}
    known = {
        one.id: one.lms_user_id for one in read_students(database_url(course / "gradebook.db"))
    }
    # Brightspace's files of grades have other ids than its downloads.
    platform_knows = not case.startswith(("folders", "notebooks", "brightspace"))
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


def test_whose_it_was_is_known_without_a_roster(course: Path) -> None:
    download = packed(course.parent / "all.zip", ORDINARY["brightspace"])
    assert collect(course, download) == 0
    (course / "roster.csv").unlink()
    shutil.rmtree(course / "submitted")
    assert collect(course, download) == 0
    assert set(submitted(course)) == {f"ada: {NOTEBOOK}", f"bob: {NOTEBOOK}"}


def test_what_was_handed_in_for_another_assignment_is_left_there(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "source" / "words-v1").mkdir()
    files = {
        f"ada/{NAME}/{NOTEBOOK}": "A",
        "ada/words-v1/w.ipynb": "!",
        "bob/words-v1/w.ipynb": "!",
    }
    assert collect(course, packed(course.parent / "submitted.zip", files)) == 0
    assert submitted(course) == {f"ada: {NOTEBOOK}": "A"}
    assert "left out, handed in for another assignment: bob\n" in capsys.readouterr().out


def blackboard(*attempts: tuple[str, str, str]) -> dict[str, str]:
    return {f"hw_{who}_attempt_{time}_{NOTEBOOK}": text for who, time, text in attempts}


DAY, NEXT, THIRD = (f"2026-10-1{day}-10-22-33" for day in range(3))


def test_a_newer_submission_takes_the_place_of_an_older_one_which_is_kept(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download = course.parent / "x.zip"
    packed(download, blackboard(("11", NEXT, "A"), ("22", NEXT, "B")))
    assert collect(course, download, "--timezone", "Asia/Tokyo") == 0
    place = course / "submitted" / "ada" / NAME
    assert parse_utc((place / "timestamp.txt").read_text()) == datetime(2026, 10, 11, 1, 22, 33)
    assert stat.S_IMODE((course / "collected").stat().st_mode) == 0o700
    packed(download, blackboard(("11", THIRD, "A2"), ("22", DAY, "B0")))
    # What was changed here by hand is kept as well.
    (place / NOTEBOOK).write_text("A, by hand")
    assert collect(course, download, "--timezone", "Asia/Tokyo", "--dry-run") == 1
    assert submitted(course)[f"ada: {NOTEBOOK}"] == "A, by hand"
    assert collect(course, download, "--timezone", "Asia/Tokyo") == 1
    said = capsys.readouterr().out
    assert "not collected: bob: there is a submission already, and a newer one" in said
    assert "collect with: --force" in said
    assert submitted(course) == {f"ada: {NOTEBOOK}": "A2", f"bob: {NOTEBOOK}": "B"}
    kept = course / "collected" / "replaced" / NAME
    assert (kept / "ada" / "1" / NOTEBOOK).read_text() == "A, by hand"
    assert collect(course, download, "--force") == 0
    assert submitted(course)[f"bob: {NOTEBOOK}"] == "B0"
    assert (kept / "bob" / "1" / NOTEBOOK).read_text() == "B"


def test_canvas_numbers_tell_which_is_newer_and_moodle_does_not(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canvas = course.parent / "canvas.zip"
    for number, text in (("5", "A"), ("10", "A2"), ("9", "A")):
        packed(canvas, {f"lovelaceada_11_{number}_{NOTEBOOK}": text})
        assert collect(course, canvas) == (number == "9")
    assert submitted(course) == {f"ada: {NOTEBOOK}": "A2"}
    moodle = packed(course.parent / "m.zip", {f"{ADA}_11_assignsubmission_file/x.ipynb": "A3"})
    assert collect(course, moodle) == 1
    assert "no time says which is newer" in capsys.readouterr().out
    assert submitted(course) == {f"ada: {NOTEBOOK}": "A2"}
    # The row of what is in place stays beside the refused one's.
    assert {row["order"] for row in record(course) if row["result"] != "not collected"} == {"10"}
    assert collect(course, moodle, "--force") == 0
    # Nothing of the earlier submission stays among the files of the new one.
    assert submitted(course) == {"ada: x.ipynb": "A3"}


def test_of_several_hand_ins_the_newest_is_taken(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = blackboard(("11", DAY, "old"), ("11", THIRD, "A"), ("11", NEXT, "older"))
    first = packed(course.parent / "b.zip", {**tries, **blackboard(("22", DAY, "B"))})
    assert collect(course, first) == 0
    assert submitted(course) == {f"ada: {NOTEBOOK}": "A", f"bob: {NOTEBOOK}": "B"}
    assert [row["result"] for row in record(course)] == [
        "an older one",
        "an older one",
        "new",
        "new",
    ]
    shutil.rmtree(course / "submitted")
    one, other = (f"{who}_assignsubmission_file/x.ipynb" for who in (f"{ADA}_11", f"{BOB}_22"))
    today = packed(course.parent / "1.zip", {one: "A", other: "B"})
    tomorrow = packed(course.parent / "2.zip", {one: "A2", other: "B"})
    capsys.readouterr()
    assert collect(course, today, tomorrow, today) == 1
    assert submitted(course) == {"bob: x.ipynb": "B"}
    assert "no time says which is the newest" in capsys.readouterr().out


def test_a_file_uploaded_twice_and_several_files_of_one_hand_in(course: Path) -> None:
    names = {"lovelaceada_11_31_x.ipynb": "A", "lovelaceada_11_30_x.ipynb": "old"}
    more = {"lovelaceada_11_32_x-1.ipynb": "too", "lovelaceada_11_33_data_1_2.csv": "1"}
    assert collect(course, packed(course.parent / "x.zip", names | more)) == 0
    found = {"x.ipynb": "A", "x-1.ipynb": "too", "data_1_2.csv": "1"}
    assert submitted(course) == {f"ada: {name}": text for name, text in found.items()}


def flagged(content: bytes, name: str, flag: int) -> bytes:
    """An archive in which a flag of one file is the other way round."""
    changed = bytearray(content)
    for mark, flags, length in ((b"PK\3\4", 6, 30), (b"PK\1\2", 8, 46)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            if content[start + length :].startswith(name.encode()):
                value = int.from_bytes(changed[start + flags : start + flags + 2], "little")
                changed[start + flags : start + flags + 2] = (value ^ flag).to_bytes(2, "little")
            start += 4
    return bytes(changed)


# What stands in Ada's part of a download, and what is said of it; nobody else loses anything.
ODD: dict[str, tuple[Files, str, dict[str, str]]] = {
    "leads out": ({"../../eve/x.ipynb": "!"}, "leads out of its folder", {}),
    "an absolute name inside": ({"/etc/x.ipynb": "A"}, "", {"etc/x.ipynb": "A"}),
    "a text file that leads out": (
        {"x.ipynb": "A", "../x.txt": "!"},
        "leads out of its folder, and is left out",
        {"x.ipynb": "A"},
    ),
    "backslashes": ({"a\\..\\x.ipynb": "A"}, "", {"a\\..\\x.ipynb": "A"}),
    "a line end": ({"x\n\x1b[2J.ipynb": "A"}, "", {"x__[2J.ipynb": "A"}),
    "a long name": ({"ü" * 200 + ".ipynb": "A"}, "", {"ü" * 97 + ".ipynb": "A"}),
    "deep": ({"x.ipynb": "A", "d/" * 501 + "y": "!"}, "lies too deep", {"x.ipynb": "A"}),
    "its own time": ({"x.ipynb": "A", "timestamp.txt": "1990"}, "is left out", {"x.ipynb": "A"}),
    "hidden": ({"x.ipynb": "A", ".git/x.ipynb": "!"}, "", {"x.ipynb": "A"}),
    "an archive": ({"all.zip": "PK"}, "", {"all.zip": "PK"}),
    "no notebook": ({"x.pdf": "A"}, "none of its files is a notebook", {"x.pdf": "A"}),
    "a file and a folder": ({"x": "1", "x/y.ipynb": "A"}, "two of its files have one path", {}),
    "twice": ({"x\t.ipynb": "old", "x\n.ipynb": "A"}, "is there twice", {"x_.ipynb": "A"}),
    "too large": ({"x.ipynb": "A", "x.csv": "1" * 600}, "x.csv is too large", {"x.ipynb": "A"}),
    "a bomb": ({"x.ipynb": "1" * 2_000}, "x.ipynb is too large", {}),
    "too large together": (
        {f"{number}.ipynb": "1" * 400 for number in range(3)},
        "2.ipynb goes beyond",
        {},
    ),
    "encrypted": ({"x.ipynb": "A"}, "x.ipynb is encrypted", {}),
    "damaged": ({"x.ipynb": "A" * 99, "y.ipynb": "A"}, "x.ipynb is damaged", {}),
    "a link": ({"x.ipynb": "A", "y.txt": "-> x"}, "y.txt is a link", {"x.ipynb": "A"}),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_files_are_told_and_cost_nobody_else_anything(
    course: Path, case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (downloaded, placing):
        monkeypatch.setattr(module, "MAX_BYTES", 1_000)
    monkeypatch.setattr(downloaded, "LARGEST_FILE", 500)
    files, said, expected = ODD[case]
    download = course.parent / "x.zip"
    top = f"{ADA}_11_assignsubmission_file/"
    with zipfile.ZipFile(download, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(top + name)
            if str(content).startswith("-> "):
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, content)
        archive.writestr(f"{BOB}_22_assignsubmission_file/x.ipynb", "B")
    if case == "encrypted":
        download.write_bytes(flagged(download.read_bytes(), top + "x.ipynb", 1))
    if case == "damaged":
        download.write_bytes(download.read_bytes().replace(b"A" * 99, b"B" * 99))
    code = collect(course, download)
    told = capsys.readouterr().out
    assert submitted(course) == {f"ada: {name}": text for name, text in expected.items()} | {
        "bob: x.ipynb": "B"
    }, told
    assert said in told and code == (not expected)
    assert not [path for path in course.rglob("*") if "draft" in path.name]
    assert not list(course.parent.rglob("eve"))


def test_archives_that_cannot_be_read_are_told(
    course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = course.parent
    good = packed(place / "good.zip", blackboard(("22", DAY, "B"), ("22", NEXT, "B")))
    (place / "damaged.zip").write_bytes(good.read_bytes()[40:-60])
    (place / "other.rar").write_bytes(b"Rar!")
    packed(place / "empty.zip", {})
    (place / "folder").mkdir()
    packed(place / "many.zip", {f"{number}": "" for number in range(9)})
    monkeypatch.setattr(downloaded, "MAX_ENTRIES", 8)
    names = ("damaged.zip", "other.rar", "empty.zip", "folder", "many.zip", "missing.zip")
    assert collect(course, *(place / name for name in names), good) == 1
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "damaged.zip is no zip archive",
        "other.rar is no zip archive",
        "empty.zip is empty",
        "folder is empty",
        "holds more than 8 files",
        "missing.zip: there is no such file",
    ):
        assert words in said
    assert submitted(course) == {f"bob: {NOTEBOOK}": "B"}


def test_names_in_other_encodings(course: Path) -> None:
    """Programs write UTF-8 without saying so, decomposed letters, and backslashes."""
    (course / "roster.csv").write_text("student,name\njurgen,Jürgen Groß\nann,Ann D'Arc\n")
    download = course.parent / "x.zip"
    name = unicodedata.normalize("NFD", "Jürgen GROSS") + "_1_assignsubmission_file/x.ipynb"
    packed(download, {name: "J", "D’Arc, Ann_2_assignsubmission_file\\x.ipynb": "A"})
    download.write_bytes(flagged(download.read_bytes(), name, 0x800))
    assert collect(course, download) == 0
    assert submitted(course) == {"ann: x.ipynb": "A", "jurgen: x.ipynb": "J"}


def test_links_in_folders_are_not_followed(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = course.parent / "all"
    (folder / "ada").mkdir(parents=True)
    (folder / "ada" / "x.ipynb").write_text("A")
    secret = course.parent / "secret"
    secret.mkdir()
    (secret / "x.ipynb").write_text("!")
    (folder / "bob").symlink_to(secret)
    (folder / "ada" / "y.ipynb").symlink_to(secret / "x.ipynb")
    os.mkfifo(folder / "ada" / "pipe")
    assert collect(course, folder) == 1
    (folder / "ada" / "y.ipynb").unlink()
    (course / "submitted").mkdir()
    (course / "submitted" / "ada").symlink_to(secret)
    assert collect(course, folder) == 1
    assert "is a link, which is not followed" in capsys.readouterr().out
    (course / "submitted" / "ada").unlink()
    assert collect(course, folder) == 1
    assert submitted(course) == {"ada: x.ipynb": "A"}
    assert sorted(path.name for path in secret.iterdir()) == ["x.ipynb"]


# Who is in the roster, what is handed in, and what is said of whom nobody knows.
WHO: dict[str, tuple[str, Files, str, set[str]]] = {
    "one id of two students": (
        "student,lms_id\nada,11\nbob,11\neve,22\n",
        {"ada_11_1_x.ipynb": "A", "b_22_2_x.ipynb": "B"},
        "roster.csv has 2 students for ada (11): ada, bob",
        {"eve"},
    ),
    "one student of two people": (
        "student,lms_id\nada,11\nada,12\neve,22\n",
        {"a_11_1_x.ipynb": "A", "b_12_1_x.ipynb": "A", "c_22_2_x.ipynb": "B"},
        "ada is more than one person of the download: a (11), b (12)",
        {"eve"},
    ),
    "two of one name": (
        'student,name\nada,Ada Lovelace\nbob,"Lovelace, Ada"\neve,Eve\n',
        {"lovelaceada_11_1_x.ipynb": "A", "eve_22_2_x.ipynb": "B"},
        "roster.csv has 2 students for lovelaceada (11): ada, bob",
        {"eve"},
    ),
    "an id counts before a name": (
        "student,lms_id,name\nada,11,Ada\nbob,12,Bob\n",
        {"bob_11_1_x.ipynb": "A"},
        "",
        {"ada"},
    ),
    "the name of somebody with another id": (
        "student,lms_id,name\nada,11,Ada Lovelace\nbob,22,Bob\neve,,Eve\n",
        {"lovelaceada_55_1_x.ipynb": "!", "bob_22_2_x.ipynb": "B", "eve_33_3_x.ipynb": "E"},
        "lovelaceada (55) has the name of ada, whose id is 11 in roster.csv",
        {"bob", "eve"},
    ),
    "nobody": (
        "student,lms_id\neve,22\n",
        {"a_11_1_x.ipynb": "A", "c_22_2_x.ipynb": "B"},
        "a (11) is not in roster.csv",
        {"eve"},
    ),
    "another name": (
        "student,lms_id\neve,22\n",
        {"c_22_2_x.ipynb": "B", "readme.pdf": "!"},
        "no name of Canvas's: readme.pdf",
        {"eve"},
    ),
    "a text": (
        "student,lms_id\neve,22\nada,11\n",
        {"c_22_2_x.ipynb": "B", "a_11_text.html": "!"},
        "a text was handed in (text), and no file",
        {"eve"},
    ),
    "a group": (
        "student,name,group\nada,Ada,Team 7\nbob,Bob,team 7\neve,Eve,Team 8\n",
        {"Team 7_345_assignsubmission_file/x.ipynb": "AB"},
        "",
        {"ada", "bob"},
    ),
    "a group on Canvas": (
        "student,lms_id,group\nada,11,Team 7\nbob,22,Team 7\neve,33,Team 8\nkim,44,Team 8\n",
        {"team7_22_1_x.ipynb": "AB", "eve_33_2_x.ipynb": "E"},
        "",
        {"ada", "bob", "eve"},
    ),
    "a roster's column": (
        "",
        {
            "submission_metadata.yml": "submission_1:\n  :submitters:\n  - {':sid': ada}\n"
            "  - {':email': b@x}\nsubmission_2: 7\nsubmission_3: {':submitters': [1]}\n",
            "submission_1/x.ipynb": "A",
            "submission_2/x.ipynb": "!",
            "submission_3/x.ipynb": "!",
        },
        "submission_metadata.yml does not say whose it is",
        {"ada", "b@x"},
    ),
    "Moodle's numbers": (
        "",
        {"Ada_11_assignsubmission_file/x.ipynb": "A"},
        "Ada (11) has another number in every assignment",
        set(),
    ),
    "no roster": ("", {"a_11_1_x.ipynb": "A"}, "", {"11"}),
    "a username with signs": (
        "student\nada_l\nl.b@x.edu\n",
        {
            f"hw_1_ada_l_attempt_{DAY}_a_attempt_{DAY}_x.ipynb": "A",
            f"hw_1_l.b@x.edu_attempt_{DAY}_x.ipynb": "B",
        },
        "",
        {"ada_l", "l.b@x.edu"},
    ),
    "two usernames that fit": (
        "student\nada_l\nl\nb\n",
        {f"hw_ada_l_attempt_{DAY}_x.ipynb": "A", f"hw_b_attempt_{DAY}_x.ipynb": "B"},
        "roster.csv has 2 students for (l): ada_l, l",
        {"b"},
    ),
    "a name in brackets": (
        "student,lms_id\nada,11\neve,22\n",
        {f"hw_11_attempt_{DAY}_x.ipynb": "A", f"hw_11_attempt_{DAY}.txt": "Name: Ada (22)\n"},
        "",
        {"ada"},
    ),
    "one folder": ("", {"ada/x.ipynb": "A"}, "", {"ada"}),
    "an impossible id": ("", {"'ada'/x.ipynb": "A", "b/x.ipynb": "B"}, "quotation marks", {"b"}),
    "no list": ("", {"submission_1/x.ipynb": "A"}, "submission_metadata.yml is missing", set()),
    "a broken list": (
        "",
        {"submission_1/x.ipynb": "A", "submission_metadata.yml": "a: [&x"},
        "submission_metadata.yml cannot be read",
        set(),
    ),
    "unclear": (
        "",
        {"a_1_2_x.ipynb": "A", "b/x.ipynb": "B", "c/x.ipynb": "C"},
        "say where, with: --from canvas",
        set(),
    ),
}


@pytest.mark.parametrize("case", WHO)
def test_whose_it_is(course: Path, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    roster, files, words, students = WHO[case]
    (course / "roster.csv").unlink()
    if roster:
        (course / "roster.csv").write_text(roster)
    if case == "one id of two students":
        # What a roster leaves open, the gradebook does not decide.
        known_before = [Student("ada", lms_user_id="11")]
        remember_students(database_url(course / "gradebook.db"), known_before)
    code = collect(course, packed(course.parent / "x.zip", files))
    said = capsys.readouterr().out
    assert {name.partition(":")[0] for name in submitted(course)} == students, said
    assert words in said and code == bool(words)
    known = read_students(database_url(course / "gradebook.db"))
    ids = {one.id: one.lms_user_id for one in known}
    if case == "a username with signs":
        assert ids == {"ada_l": "ada_l", "l.b@x.edu": "l.b@x.edu"}
    if "group" in case:
        # A group's number is nobody's own.
        assert ids == {"ada": "", "bob": ""} | ({"eve": "33"} if "Canvas" in case else {})


def test_the_record_is_a_roster_once_its_students_are_filled_in(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "roster.csv").unlink()
    names = {"=1+1;-2": "7", "李 小龙": "8", "\u202eאדה לאבלייס": "9"}
    files = {f"{name}_{id_}_assignsubmission_file/x.ipynb": id_ for name, id_ in names.items()}
    download = packed(course.parent / "x.zip", files)
    assert collect(course, download) == 1
    said = capsys.readouterr().out
    assert f"--roster {course}/collected/{NAME}.csv" in said
    assert "\u202e" not in said
    path = course / "collected" / f"{NAME}.csv"
    assert "\n=" not in path.read_text() and ",=" not in path.read_text()
    rows = path.read_text().splitlines()
    filled = [rows[0], *(f"s{number}{row}" for number, row in enumerate(rows[1:]))]
    path.write_text("\n".join(filled))
    assert collect(course, download, "--roster", path) == 0
    assert sorted(submitted(course).values()) == ["7", "8", "9"]
    # The gradebook knows them now, without any roster.
    shutil.rmtree(course / "submitted")
    shutil.rmtree(course / "collected")
    assert collect(course, download) == 0
    assert sorted(submitted(course)) == ["s0: x.ipynb", "s1: x.ipynb", "s2: x.ipynb"]
    # Another platform's number is another person's.
    other = packed(course.parent / "c.zip", {"eve_7_1_x.ipynb": "E"})
    assert collect(course, other) == 0
    assert submitted(course)["7: x.ipynb"] == "E"


ROSTERS = {
    "ours": "student,lms_id,name,email\nada,11,Ada Lovelace,ada@x.edu\n",
    "Canvas": "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"
    '"Lovelace, Ada",11,S5,ada,A\n',
    "Moodle's worksheet": "Identifier,Full name,ID number,Email address,Grade\n"
    "Participant 11,Ada Lovelace,ada,ada@x.edu,\n",
    "Moodle's participants": "First name,Last name,ID number,Email address\n"
    "Ada,Lovelace,ada,ada@x.edu\n",
    "Brightspace": "OrgDefinedId,Username,Last Name,First Name,Email,End-of-Line Indicator\n"
    "#11,ada,Lovelace,Ada,ada@x.edu,#\n",
    "Gradescope": "Name,SID,Email,Role\nAda Lovelace,ada,ada@x.edu,Student\n",
    "semicolons": "\ufeffStudent_ID;Name;Email\nada;Ada Lovelace;ada@x.edu\n",
}


@pytest.mark.parametrize("case", ROSTERS)
def test_rosters_that_platforms_write(tmp_path: Path, case: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(ROSTERS[case], encoding="utf-8")
    roster = read_roster(path)
    assert list(roster.people) == ["ada"]
    for who in (Who(("ada",)), Who(("x",), "Lovelace, ADA"), Who((), "lovelaceada")):
        assert roster.find(who).students == ("ada",), who
    knows = "11" in ROSTERS[case]
    assert roster.find(Who(("11",))).students == (("ada",) if knows else ())


def test_a_roster_that_is_none(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    download = packed(course.parent / "x.zip", ORDINARY["folders"])
    for content in (b"", b"name,lms_id\nada,1\n", b"student\n../x\n", b"\xff\0"):
        (course / "roster.csv").write_bytes(content)
        assert collect(course, download) == 1
        assert "roster.csv" in capsys.readouterr().err
    (course / "roster.csv").write_bytes("student;name\nada;Zoë\nbob;ß\n".encode("cp1252"))
    assert collect(course, download) == 0
    assert collect(course, download, "--timezone", "Mars") == 1
    assert collect(course, download, "--roster", course / "missing.csv") == 1


LETTERS = "abzßüñçøł李小龍王אדהعليक्षि̈'’,.- ()&1"


def made_name(rng: random.Random) -> str:
    while True:
        name = "".join(rng.choice(LETTERS) for _ in range(rng.choice((3, 8, 30, 90)))).strip()
        if any(unicodedata.category(sign)[0] == "L" for sign in name) and " - " not in name:
            return name


def called(platform: Platform, name: str, number: int, file: str) -> str:
    """What a platform calls a file."""
    match platform.name:
        case "canvas":
            kept = "".join(s for s in name if unicodedata.category(s)[0] in "LMN").lower()
            return f"{kept}_{number}_{number + 1}_{file}"
        case "moodle":
            return f"{name}_{number}_assignsubmission_file/{file}"
        case "blackboard":
            return f"Week 1_{number}_attempt_2026-02-28-23-59-59_{file}"
        case "brightspace":
            return f"{number}-{number + 1} - {name} - Feb 28, 2026 1159 PM/{file}"
        case "gradescope":
            return f"submission_{number}/{file}"
    return f"{number}/{file}"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_any_name_is_read_back(platform: Platform) -> None:
    """A file may be called like a file of any platform: what is outermost decides."""
    rng = random.Random(platform.name)
    for _ in range(300):
        name, number = made_name(rng), rng.randrange(1, 10**14)
        inner = called(rng.choice(PLATFORMS), made_name(rng), rng.randrange(99), "x.ipynb")
        file = rng.choice((inner.replace("/", "_"), "x.ipynb", f"{made_name(rng)}.ipynb"))
        path = called(platform, name, number, file)
        claim = read_name(platform, path, None)
        assert claim and claim.inside == file, path
        if platform is not GRADESCOPE:
            assert claim.who.ids[0] == str(number), path
        if claim.who.name:
            assert name_keys(claim.who.name) & name_keys(name) or platform is CANVAS, path


def test_names_in_any_order() -> None:
    for one, other in (
        ("Ada Lovelace", "Lovelace, Ada"),
        ("Anna Maria O'Neill", "o’neill, ANNA Maria"),
        ("李 小龙", "小龙李"),
        ("Jürgen", "Ju\u0308rgen"),
    ):
        assert name_keys(one) & name_keys(other), one
    for one, other in (("Ada", "Adam"), ("कि", "की"), ("", " "), ("!", "?")):
        assert not name_keys(one) & name_keys(other), one


def test_what_the_gradebook_knows_stays(gradebook: Path, tmp_path: Path) -> None:
    url = database_url(Path(shutil.copy(gradebook, tmp_path)))
    bob = Student("bob")
    remember_students(url, [Student("ada", first_name="Ada", lms_user_id="1"), bob])
    remember_students(url, [Student("ada", "X", "Lovelace", lms_user_id="2"), bob])
    remember_students(url, [Student("ada")])
    ada = Student("ada", "Ada", "Lovelace", lms_user_id="2")
    assert sorted(read_students(url), key=str) == [ada, bob]
