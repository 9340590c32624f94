"""From four platforms' downloads to four uploads: collect, grade, report, export, by command."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from command_in_process import generate, run_nbgrader
from nbgrader.api import Gradebook
from own_assignments import put_in_place

from coursekit.cli import main
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


@pytest.mark.slow
def test_no_spreadsheet_is_needed_between_a_platform_and_the_kit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = tmp_path / "course"
    course.mkdir()
    for settings in Path(__file__).resolve().parents[2].glob("nbgrader_config.*"):
        shutil.copy(settings, course)
    assignment = put_in_place(NAME, course)
    generate(assignment)
    assert f"{assignment.notebook}.ipynb" == FILE
    answers = solution_cells(assignment) | {"why_stable": "The largest number is taken away."}
    wrong = answers | {"softmax": "def softmax(x):\n    return x\n"}
    notebook = {
        right: notebook_text(fill_in(released(assignment), given))
        for right, given in ((True, answers), (False, wrong))
    }
    rows = [("student", "lms_id", "name"), *((who, id, name) for who, id, name, _ in EVERYBODY)]
    with (course / "roster.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)

    def command(*words: str | Path) -> None:
        assert main(["--course", str(course), *map(str, words)]) == 0, capsys.readouterr()

    for platform, files in downloads(notebook).items():
        packed = tmp_path / f"{platform}.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        command("collect", NAME, packed)
    assert sorted(path.name for path in (course / "submitted").iterdir()) == sorted(
        who for who, *_ in EVERYBODY
    )
    command("grade", NAME, "--workers", "1")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for who, *_ in EVERYBODY:
            grade = gradebook.find_grade("why_stable", assignment.notebook, NAME, who)
            grade.manual_score, grade.needs_manual_grade = BY_HAND, False
        gradebook.db.commit()
        score = {who: gradebook.find_submission(NAME, who).score for who, *_ in EVERYBODY}
    run_nbgrader(course, "generate_feedback", NAME)
    capsys.readouterr()
    command("report", NAME)
    said = capsys.readouterr().out
    assert "8 handed in, 8 with a score" in said
    assert "1.   4 of 8," in said and "softmax" in said
    page = (course / "reports" / NAME / "report.html").read_text()
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
        theirs = tmp_path / f"{platform}.csv"
        theirs.write_bytes(GRADES[platform].encode())
        filled = list(csv.reader(io.StringIO(exported(platform, "--into", theirs).decode())))
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
    pages = exported("moodle-feedback", "--into", tmp_path / "moodle.zip")
    with zipfile.ZipFile(io.BytesIO(pages)) as archive:
        assert {Path(name).parts[0] for name in archive.namelist()} == {
            f"{name}_{number}_assignsubmission_file" for _, number, name, _ in MOODLE
        }
    exported("gradescope")
    for who, *_ in GRADESCOPE:
        (path,) = (tmp_path / "gradescope-out").rglob(f"*{who}*.json")
        assert json.loads(path.read_text())["score"] == score[who]
