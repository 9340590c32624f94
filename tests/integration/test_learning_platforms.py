"""From four platforms' downloads to four uploads, by the commands that the pages show."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_in_process import generate, run_command, run_nbgrader
from documented_commands import BY_SHELL, HOUSE, PASSED_OVER, documented_commands, where_run
from nbgrader.api import Gradebook
from one_core import one_core
from own_assignments import put_in_place

from coursekit.cli import main
from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import solution_cells
from coursekit.course.normal_form import notebook_text

NAME, FILE = "numbers-v1", "Numbers_v1.ipynb"
BY_HAND, MOST = 4, 40  # of 5, and of all
# Student, number on the platform, name, whether the answers are right.
CANVAS = [("ada", "1001", "Ada O'Hara", True), ("bo", "1002", "Bo Ng", False)]
MOODLE = [("cy", "21", "Cy Ärmel", True), ("dee", "22", "Dee Lee", False)]
BRIGHTSPACE = [("eve", "31", "Eve Fox", True), ("fay", "32", "Fay Roe", False)]
GRADESCOPE = [("gus", "41", "Gus Hill", True), ("hal", "42", "Hal Moss", False)]
EVERYBODY = [*CANVAS, *MOODLE, *BRIGHTSPACE, *GRADESCOPE]
GRADES = {
    "canvas": (
        f"Student,ID,SIS User ID,SIS Login ID,Section,{NAME} (8)\r\n"
        f"    Points Possible,,,,,{MOST}\r\n"
        '"O\'Hara, Ada",1001,s1,login1,A,\r\n'
        '"Ng, Bo",1002,s2,login2,A,\r\n'
    ),
    "moodle": (
        "Identifier,Full name,ID number,Status,Grade,Maximum grade,Grade can be changed,"
        "Last modified (submission),Last modified (grade),Feedback comments\n"
        f'Participant 21,"Cy Ärmel",,Submitted,,"{MOST}.00",Yes,-,-,\n'
        f'Participant 22,"Dee Lee",,Submitted,,"{MOST}.00",Yes,-,-,\n'
    ),
    "brightspace": (
        "OrgDefinedId,Username,Last Name,First Name,"
        f"{NAME} Points Grade <Numeric MaxPoints:{MOST}>,End-of-Line Indicator\r\n"
        "#S31,#eve,Fox,Eve,,#\r\n#S32,#fay,Roe,Fay,,#\r\n"
    ),
}
# What the pages call something, and what it is called here.
NAMES = {"residual-networks-v2a": NAME, "residual-networks-v2b": "numbers-v2", "averages-v1": NAME}


@dataclass
class Course:
    """A small class, and what became of each command that the pages show."""

    assignment: Assignment
    downloads: Path
    ran: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.assignment.course


def downloads(notebook: dict[bool, str]) -> dict[str, dict[str, str]]:
    """What each platform packs, by the names that it gives."""
    metadata = "".join(
        f"submission_{number}:\n  :submitters:\n  - :name: {name}\n    :sid: '{number}'\n"
        for _, number, name, _ in GRADESCOPE
    )
    return {
        "canvas": {
            f"{name.split()[1].lower()}_{number}_{place}_{FILE}": notebook[right]
            for place, (_, number, name, right) in enumerate(CANVAS, 700)
        },
        "moodle": {
            f"{name}_{number}_assignsubmission_file/{FILE}": notebook[right]
            for _, number, name, right in MOODLE
        },
        "brightspace": {
            f"{number}-700 - {name} - Oct 10, 2026 1022 AM/{FILE}": notebook[right]
            for _, number, name, right in BRIGHTSPACE
        },
        "gradescope": {"assignment_5_export/submission_metadata.yml": metadata}
        | {
            f"assignment_5_export/submission_{number}/{FILE}": notebook[right]
            for _, number, _, right in GRADESCOPE
        },
    }


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """A course whose class has handed in, after all commands of the pages were run in it."""
    place = tmp_path_factory.mktemp("platforms")
    folder, home = place / "course", place / "home"
    folder.mkdir()
    for settings in HOUSE.glob("nbgrader_config.*"):
        shutil.copy(settings, folder)
    assignment = put_in_place(NAME, folder)
    generate(assignment)
    assert f"{assignment.notebook}.ipynb" == FILE
    answers = solution_cells(assignment) | {"why_stable": "The largest number is taken away."}
    wrong = answers | {"softmax": "def softmax(x):\n    return x\n"}
    notebook = {
        right: notebook_text(fill_in(released(assignment), given))
        for right, given in ((True, answers), (False, wrong))
    }
    rows = [(who, id, name) for who, id, name, _ in EVERYBODY]
    rows = [("student", "lms_id", "name"), *rows, ("me", "me", "")]
    with (folder / "roster.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    for platform, files in downloads(notebook).items():
        packed = place / f"{platform}.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        assert main(["--course", str(folder), "collect", NAME, str(packed)]) == 0
    for platform, text in GRADES.items():
        (place / f"{platform}.csv").write_bytes(text.encode())
    # What the pages name, where they say that it is.
    (home / "Downloads").mkdir(parents=True)
    shutil.copy(place / "canvas.zip", home / "Downloads" / "submissions.zip")
    shutil.copy(place / "canvas.csv", home / "Downloads" / "grades.csv")
    for name in ("DOWNLOAD.zip", "submissions.zip"):
        shutil.copy(place / "moodle.zip", folder / name)
    shutil.copytree(folder / "submitted", place / "course-kit" / "build" / "demo" / "submitted")
    ran: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder), one_core():
        patch.setenv("HOME", str(home))
        for command in documented_commands():
            if command.text not in ran and not where_run(command):
                ran[command.text] = run(command.text)
    yield Course(assignment, place, ran)


def run(text: str) -> str:
    """Run a command of the pages; return what went wrong, or "" if nothing did."""
    words = shlex.split(text)
    if words[:2] != ["coursekit", "new-assignment"]:
        words = [NAMES.get(one) or one.replace(*next(iter(NAMES.items()))) for one in words]
    words = [os.path.expanduser(word) for word in words]
    if words[0] == "coursekit":
        return f"it ended with {status}" if (status := main(words[1:])) else ""
    if words[0] == "nbgrader":
        status, log = run_command(Path(), *words[1:])
        return log if status else ""
    if words[0] in PASSED_OVER:
        return ""
    assert words[0] in BY_SHELL, f"nobody runs {text}: tests/documented_commands.py"
    where = HOUSE if words[0] == "make" else Path()
    done = subprocess.run(" ".join(words), shell=True, cwd=where, capture_output=True, text=True)
    return done.stderr


@pytest.mark.slow
def test_every_command_of_the_pages_works_from_handing_in_to_the_report(course: Course) -> None:
    assert {command: wrong for command, wrong in course.ran.items() if wrong} == {}
    folder = course.folder
    for made in (
        f"feedback/me/{NAME}/Numbers_v1.html",
        f"reports/{NAME}/report.html",
        "grades.csv",
        f"build/export/{NAME}-csv.csv",
    ):
        assert (folder / made).is_file(), made


@pytest.mark.slow
def test_no_spreadsheet_is_needed_between_a_platform_and_the_kit(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, place, assignment = course.folder, course.downloads, course.assignment

    def command(*words: str | Path) -> None:
        assert main(["--course", str(folder), *map(str, words)]) == 0, capsys.readouterr()

    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        for who, *_ in EVERYBODY:
            grade = gradebook.find_grade("why_stable", assignment.notebook, NAME, who)
            grade.manual_score, grade.needs_manual_grade = BY_HAND, False
        gradebook.db.commit()
        score = {who: gradebook.find_submission(NAME, who).score for who, *_ in EVERYBODY}
    run_nbgrader(folder, "generate_feedback", NAME)
    capsys.readouterr()
    command("report", NAME)
    said = capsys.readouterr().out
    assert "9 handed in, 9 with a score" in said
    assert "1.   4 of 9," in said and "softmax" in said
    page = (folder / "reports" / NAME / "report.html").read_text()
    assert "softmax" in page and "hal" in page
    assert {score[who] for who, _, _, right in EVERYBODY if right} == {MOST - 5 + BY_HAND}
    (low,) = {score[who] for who, _, _, right in EVERYBODY if not right}
    assert 0 < low < MOST - 5 + BY_HAND

    def exported(format: str, *words: str | Path) -> bytes:
        out = tmp_path / f"{format}-out"
        command("export", NAME, "--to", format, "--out", out, *words)
        return out.read_bytes() if out.is_file() else b""

    places = {"canvas": 5, "moodle": 4, "brightspace": 4}
    for platform, people in (("canvas", CANVAS), ("moodle", MOODLE), ("brightspace", BRIGHTSPACE)):
        theirs = exported(platform, "--into", place / f"{platform}.csv")
        filled = list(csv.reader(io.StringIO(theirs.decode())))
        before = list(csv.reader(io.StringIO(GRADES[platform])))
        changed = [
            (row, column)
            for row, fields in enumerate(before)
            for column, text in enumerate(fields)
            if filled[row][column] != text
        ]
        assert changed == [(len(before) - 2 + at, places[platform]) for at in range(2)]
        for (row, column), (who, *_) in zip(changed, people, strict=True):
            assert float(filled[row][column]) == score[who]
    pages = exported("moodle-feedback", "--into", place / "moodle.zip")
    with zipfile.ZipFile(io.BytesIO(pages)) as archive:
        assert {Path(name).parts[0] for name in archive.namelist()} == {
            f"{name}_{number}_assignsubmission_file" for _, number, name, _ in MOODLE
        }
    exported("gradescope")
    for who, *_ in GRADESCOPE:
        (path,) = (tmp_path / "gradescope-out").rglob(f"*{who}*.json")
        assert json.loads(path.read_text())["score"] == score[who]
