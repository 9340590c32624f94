"""Exports: each format by its own published rules, from one gradebook and its verdicts.

The files of the learning platforms are made here in the manner of each.
"""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from command_in_process import run_command
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from coursekit.class_scores import (
    AGAIN,
    BY_HAND,
    CELL,
    CHANGED,
    GRADED,
    HAND_GRADED,
    NOT_GRADED,
    NOTHING,
    ClassScores,
    StudentScore,
    class_scores,
)
from coursekit.cli import main
from coursekit.command_options import _FORMATS
from coursekit.csv_text import points_text
from coursekit.errors import CourseKitError
from coursekit.exporting.formats import FORMATS
from coursekit.exporting.grade_export import EXPORTERS
from coursekit.exporting.output import Exported, Request
from coursekit.gradebook.address import database_url
from coursekit.gradebook.database import one_transaction
from coursekit.gradebook.students import Student
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.processes.plain_files import open_folder
from coursekit.repair.finding.submission_digest import submission_digest
from resnets_utils.checks.check_result import CheckResult, Outcome

COURSE = Path(__file__).resolve().parents[2]
NAME = "numbers-v1"
SALT = 918273645
EVIL = '=1+1, "Zoë"\tMüller\n;=2+2'
CHECKS = (
    CheckResult("shape", 4, Outcome.PASSED),
    CheckResult("values", 6, Outcome.PASSED, hidden=True),
)
FAILED = (
    CheckResult("shape", 4, Outcome.FAILED, "a row, <not> a \x00column & more"),
    CheckResult("values", 6, Outcome.ERROR, "ValueError: no", hidden=True),
)
BLANK = tuple(replace(check, outcome=Outcome.NOT_ATTEMPTED) for check in CHECKS)


@dataclass(frozen=True)
class Class:
    folder: Path
    scores: ClassScores

    def of(self, who: str) -> StudentScore:
        return next(one for one in self.scores.students if one.student.id == who)

    def export(self, name: str, into: str | bytes = b"", column: str = "", **more: Any) -> Exported:
        content = into.encode() if isinstance(into, str) else into
        return FORMATS[name].export(Request(self.scores, content, "theirs.csv", column, **more))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """A class in which every state occurs; its essay is graded by hand."""
    folder = tmp_path_factory.mktemp("class")
    for settings in ("nbgrader_config.py", "nbgrader_config.json"):
        (folder / settings).write_bytes((COURSE / settings).read_bytes())
    (folder / "source" / NAME).mkdir(parents=True)
    url = database_url(folder / "gradebook.db")
    with one_transaction(url), Gradebook(url) as gradebook:
        gradebook.add_assignment(NAME)
        gradebook.add_notebook("Book", NAME)
        gradebook.add_source_cell("test_f", "Book", NAME, cell_type="code", source="checks")
        gradebook.add_grade_cell("test_f", "Book", NAME, max_score=10, cell_type="code")
        gradebook.add_source_cell("essay", "Book", NAME, cell_type="markdown", source="Why?")
        gradebook.add_grade_cell("essay", "Book", NAME, max_score=5, cell_type="markdown")
        gradebook.add_solution_cell("essay", "Book", NAME)
        gradebook.add_student("ada", last_name=EVIL, email="ada@example.org", lms_user_id="1001")
        gradebook.add_student("nobody", last_name="Nobody")
        _hand_in(gradebook, folder, "ada", CHECKS, essay=4, extra=0.5, penalty=2)
        _hand_in(gradebook, folder, "bob", FAILED, essay=0)
        _hand_in(gradebook, folder, "cy", FAILED, essay=3, by_hand=7)
        _hand_in(gradebook, folder, "dee", CHECKS, essay=None)
        _hand_in(gradebook, folder, "eve", None, essay=None)
        _hand_in(gradebook, folder, "fay", CHECKS, essay=5)
        (folder / "submitted" / "fay" / NAME / "Book.ipynb").write_text("another one")
        _hand_in(gradebook, folder, "gus", BLANK, essay=1, penalty=4)
        _hand_in(gradebook, folder, "hal", CHECKS, essay=5)
        (folder / "autograded" / "hal" / NAME / "Book.verdict.json").write_text("damaged")
        _hand_in(gradebook, folder, "jo", FAILED, essay=5)
        # Its verdict is of another grading than its score.
        gradebook.find_grade("test_f", "Book", NAME, "jo").auto_score = 6
        (folder / "submitted" / "ida" / NAME).mkdir(parents=True)
        page = folder / "feedback" / "ada" / NAME / "Book.html"
        page.parent.mkdir(parents=True)
        page.write_text("<p>Well done")
        config = Config()
        config.CourseDirectory.root = str(folder)
        scores = class_scores(gradebook, CourseDirectory(config=config), NAME)
    return Class(folder, scores)


def _hand_in(
    gradebook: Gradebook,
    folder: Path,
    who: str,
    checks: tuple[CheckResult, ...] | None,
    *,
    essay: float | None,
    by_hand: float | None = None,
    extra: float | None = None,
    penalty: float = 0,
) -> None:
    """Write what grading would: a submission, its verdict and its grades."""
    for step in ("submitted", "autograded"):
        (folder / step / who / NAME).mkdir(parents=True)
    (folder / "submitted" / who / NAME / "Book.ipynb").write_text(who)
    gradebook.update_or_create_student(who)
    gradebook.add_submission(NAME, who)
    submission = gradebook.find_submission_notebook("Book", NAME, who)
    submission.late_submission_penalty = penalty
    for grade in submission.grades:
        if grade.name == "essay":
            grade.manual_score, grade.extra_credit = essay, extra
            grade.needs_manual_grade = essay is None
        elif checks is not None:
            grade.auto_score = sum(check.earned for check in checks)
            grade.manual_score, grade.needs_manual_grade = by_hand, False
    gradebook.db.commit()
    if checks is not None:
        with open_folder(folder / "submitted", who, NAME) as opened:
            digest = submission_digest(opened)
        cells = (CellVerdict("test_f", "f", checks),)
        verdict = NotebookVerdict(NAME, "Book", who, cells, SALT, "landlock", (), digest)
        (folder / "autograded" / who / NAME / "Book.verdict.json").write_text(verdict.as_json())


def test_lines_add_up_to_the_score_and_no_score_is_no_zero(graded: Class) -> None:
    told = {one.student.id: (one.status, one.score) for one in graded.scores.students}
    assert told == {
        "ada": (GRADED, 12.5),
        "bob": (GRADED, 0),
        "cy": (GRADED, 10),
        "dee": (BY_HAND, None),
        "eve": (NOT_GRADED, None),
        "fay": (AGAIN, None),
        # The penalty is larger than the score.
        "gus": (GRADED, 0),
        "hal": (GRADED, 15),
        "ida": (NOT_GRADED, None),
        "jo": (GRADED, 11),
        "nobody": (NOTHING, None),
    }
    for one in graded.scores.students:
        if one.score is not None:
            assert sum(line.earned or 0 for line in one.lines) == pytest.approx(one.score)
    assert not graded.of("fay").lines and not graded.of("eve").lines
    assert [line.earned for line in graded.of("dee").lines] == [4, 6, None]
    [changed] = [line for line in graded.of("cy").lines if line.kind == CHANGED]
    assert changed.earned == 7
    # Without its own verdict, a cell's score is one line.
    for who in ("hal", "jo"):
        assert [line.kind for line in graded.of(who).lines] == [CELL, HAND_GRADED]


@pytest.mark.parametrize(
    ("points", "text"), [(0, "0"), (-1e-9, "0"), (12.5, "12.5"), (100, "100"), (1 / 3, "0.333333")]
)
def test_points_are_plain_decimals(points: float, text: str) -> None:
    assert points_text(points) == text


def test_tables_of_checks(graded: Class) -> None:
    long = _rows(graded.export("csv").files[""])
    wide = {row["student_id"]: row for row in _rows(graded.export("csv-wide").files[""])}
    assert set(wide) == {one.student.id for one in graded.scores.students}
    for who, row in wide.items():
        found = [line for line in long if line["student_id"] == who]
        assert {line["status"] for line in found} == {row["status"]}
        given = [float(line["earned"]) for line in found if line["earned"]]
        assert (row["score"] == "") == (row["status"] != GRADED)
        if row["score"]:
            assert sum(given) == pytest.approx(float(row["score"]))
        if row["status"] in (NOT_GRADED, AGAIN, NOTHING):
            assert not given and not row["f: shape"] and row["f: shape [outcome]"] == ""
    assert (wide["bob"]["f: shape"], wide["bob"]["f: values [outcome]"]) == ("0", "error")
    # Every sign of the name is there, and no spreadsheet finds a formula to compute.
    name = wide["ada"]["last_name"]
    assert name == EVIL.replace("=", "'=")
    assert wide["ada"]["late penalty"] == "-2.0" and wide["ada"]["essay: extra credit"] == "0.5"
    assert wide["cy"]["test_f: changed by hand"] == "7.0"


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_gradescope_results(graded: Class) -> None:
    exported = graded.export("gradescope")
    assert set(exported.files) == {
        f"{who}.json" for who in ("ada", "bob", "cy", "gus", "hal", "jo")
    }
    assert any("eve" in note and "ida" in note for note in exported.notes)
    for name, content in exported.files.items():
        results = json.loads(content)
        check_gradescope(results)
        assert results["score"] == graded.of(Path(name).stem).score
        assert sum(test["score"] for test in results["tests"]) == pytest.approx(results["score"])
        assert str(SALT).encode() not in content
    tests = json.loads(exported.files["bob.json"])["tests"]
    assert [test["number"] for test in tests] == ["1.1", "1.2", "2.1"]
    assert [test.get("status") for test in tests] == ["failed", "failed", None]
    assert [test["visibility"] for test in tests[:2]] == ["visible", "after_published"]


def check_gradescope(results: dict[str, Any]) -> None:
    """Check results by Gradescope's specification of them."""
    known = {"score", "execution_time", "output", "output_format", "test_output_format"}
    known |= {"test_name_format", "visibility", "stdout_visibility", "extra_data", "tests"}
    known |= {"leaderboard"}
    assert set(results) <= known
    visible = {"hidden", "after_due_date", "after_published", "visible"}
    formats = {"text", "html", "simple_format", "md", "ansi"}
    assert isinstance(results["score"], int | float)
    assert isinstance(results.get("execution_time", 1), int)
    assert {results["visibility"], results["stdout_visibility"]} <= visible
    assert results["output_format"] in formats
    for test in results["tests"]:
        words = {"score", "max_score", "status", "name", "name_format", "number", "output"}
        assert set(test) <= words | {"output_format", "tags", "visibility", "extra_data"}
        assert all(isinstance(test[key], int | float) for key in ("score", "max_score"))
        assert test.get("status", "passed") in {"passed", "failed"}
        # A test that stays hidden would hide the total.
        assert test["visibility"] in visible - {"hidden"} and test["output_format"] in formats
        assert all(isinstance(tag, str) for tag in test["tags"])


def test_prairielearn_results(graded: Class) -> None:
    files = graded.export("prairielearn").files
    assert "nobody.json" not in files
    for name, content in files.items():
        results, one = json.loads(content), graded.of(Path(name).stem)
        assert len(content) < 10**6
        if one.score is None:
            assert results["gradable"] is False and "score" not in results
            assert results["format_errors"] == [one.status]
            continue
        assert results["gradable"] is True and 0 <= results["score"] <= 1
        assert results["score"] == pytest.approx(one.score / 15)
        for test in results["tests"]:
            assert {type(test["name"]), type(test["message"])} == {str}
            assert isinstance(test["points"], int | float)
    reason = "x" * 2_000_000
    lines = tuple(replace(line, reason=reason) for line in graded.of("bob").lines)
    long = replace(graded.scores, students=(replace(graded.of("bob"), lines=lines * 400),))
    [content] = FORMATS["prairielearn"].export(Request(long)).files.values()
    assert len(content) < 10**6 and json.loads(content)["score"] == 0


def test_junit_report(graded: Class) -> None:
    content = graded.export("junit").files[""]
    suites = ElementTree.fromstring(content)
    assert suites.tag == "testsuites"
    found = {suite.get("name"): suite for suite in suites}
    for suite in found.values():
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.get(name) == str(len(suite.findall(f"testcase/{tag}")))
            assert int(suites.get(name, "")) >= int(suite.get(name, ""))
        assert all(case.get("name") and case.get("classname") for case in cases)
        assert all(len(case) <= 1 for case in cases)
    ways = {
        who: [[child.tag for child in case] for case in suite.findall("testcase")]
        for who, suite in found.items()
    }
    assert ways["ada"] == [[], []] and ways["bob"] == [["failure"], ["error"]]
    assert ways["gus"] == [["skipped"], ["skipped"]]
    assert ways["eve"] == [["error"]] and ways["nobody"] == [["skipped"]]
    failure = found["bob"].find("testcase/failure")
    assert failure is not None and failure.text == "a row, <not> a \ufffdcolumn & more"
    told = {each.get("name"): each.get("value") for each in found["ada"].iter("property")}
    assert told["score"] == "12.5" and told["essay extra credit"] == "0.5"
    assert told["late penalty"] == "-2"


CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Other (7),numbers-v1 (8),"
    "Assignments Current Score\r\n"
    ",,,,,Manual Posting,,(read only)\r\n"
    "    Points Possible,,,,,20,15,(read only)\r\n"
    '"=1+1, ""Ada""\nL",1001,S1,ada.l,"A, and B",7.50,,\'x\r\n'
    "Bob,1002,S2,bob,A,,3,80.0\r\n"
    "Cy,1003,cy,cy,A,, ,\r\n"
    "Dee,1004,dee,d,A,,5.00,\r\n"
    "Gus,1005,gus,g,A,,EX,\r\n"
    "Hal,1006,hal,h,A,,,\r\n"
    "Hal again,1007,h2,hal,A,,,\r\n"
    '"Student, Test",1099,,0a1b,A,,,\r\n'
)


def test_canvas_gradebook_changes_one_column_and_no_other_byte(graded: Class) -> None:
    exported = graded.export("canvas", CANVAS)
    expected = (
        CANVAS.replace(",7.50,,'x", ",7.50,12.5,'x")
        .replace("bob,A,,3,", "bob,A,,0,")
        .replace("cy,A,, ,", "cy,A,,10,")
    )
    assert exported.files[""].decode() == expected
    notes = "\n".join(exported.notes)
    # Dee's score of before stays, an excused student's too, and Hal is in two rows.
    for told in (
        "no score, needs manual grading: dee",
        "excused in Canvas: gus",
        "so left out: hal",
        "but in no row of theirs.csv: eve, fay, jo, ida",
        "nobody here: Student, Test",
    ):
        assert told in notes, told
    semicolons = CANVAS.replace("A, and B", "A").replace('""Ada""', "A;").replace(",", ";")
    for wanted in ("8", "numbers-v1 (8)"):
        filled = graded.export("canvas", semicolons, wanted).files[""].decode()
        assert ";7.50;12.5;'x" in filled and len(filled) == len(semicolons) + 5


def test_ids_that_contradict_each_other_fill_no_row(graded: Class) -> None:
    # Ada and Bob have one id; Cy has one of another row, and Jo one that is not there.
    ids = {"ada": "1001", "bob": "1001", "cy": "1007", "jo": "9"}
    students = [
        replace(one, student=replace(one.student, lms_user_id=ids.get(one.student.id, "")))
        for one in graded.scores.students
    ]
    scores = replace(graded.scores, students=tuple(students))
    theirs = CANVAS.replace("h2,hal", "h2,jo")
    exported = FORMATS["canvas"].export(Request(scores, theirs.encode(), "theirs.csv"))
    # Hal has one row now. Cy's id leads to the row that Jo's login leads to.
    assert exported.files[""].decode() == theirs.replace("hal,h,A,,,", "hal,h,A,,15,")
    [doubtful] = [note for note in exported.notes if "so left out: " in note]
    assert set(doubtful.partition("out: ")[2].split(", ")) == {"ada", "bob", "cy", "jo"}
    alone = replace(scores, students=(next(one for one in students if one.student.id == "jo"),))
    exported = FORMATS["canvas"].export(Request(alone, theirs.encode(), "theirs.csv"))
    assert exported.files[""].decode() == theirs.replace("h2,jo,A,,,", "h2,jo,A,,11,")
    # A student may be called here as the platform calls them.
    hal = replace(graded.of("hal"), student=Student("1006"))
    exported = FORMATS["canvas"].export(Request(replace(scores, students=(hal,)), theirs.encode()))
    assert exported.files[""].decode() == theirs.replace("hal,h,A,,,", "hal,h,A,,15,")


@pytest.mark.parametrize(
    ("into", "column", "told"),
    [
        ("", "", "no file of the learning platform"),
        (CANVAS, "another", "has 0 columns 'another'; it has: Other (7), numbers-v1 (8)"),
        (CANVAS.replace("Other (7)", "numbers-v1 (9)"), "", "has 2 columns"),
        (CANVAS.replace("20,15,", "20,(read only),"), "", "does not import the column"),
        (CANVAS.encode("utf-16"), "", "is not a CSV file in UTF-8"),
        ("a,b\n1,2\n", "", "is no gradebook of Canvas"),
        (CANVAS.replace("bob,A,,3,80.0", "bob"), "", "'Bob' has too few columns"),
    ],
)
def test_a_canvas_file_that_cannot_be_filled_is_told(
    graded: Class, into: str | bytes, column: str, told: str
) -> None:
    with pytest.raises(CourseKitError, match=re.escape(told)) as raised:
        graded.export("canvas", into, column)
    assert raised.value.hint


def test_another_maximum_is_told(graded: Class) -> None:
    notes = graded.export("canvas", CANVAS.replace("20,15,", "20,100,")).notes
    assert "theirs.csv has 100 points at most, the assignment 15" in notes


MOODLE = (
    "\ufeffIdentifikator,Vollständiger Name,ID-Nummer,Status,Bewertung,Höchstbewertung,"
    "Die Bewertung kann geändert werden,Letzte Änderung (Abgabe),Letzte Änderung (Bewertung),"
    "Feedback als Kommentar\n"
    'Teilnehmer/in1001,"Ada ""L"", =x",,Abgegeben,,"15,00",Ja,"Montag, 1. Juni 2026, 10:00",-,\n'
    'Teilnehmer/in2002,Bob,bob,Abgegeben,"3,00","15,00",Ja,-,"Montag, 1. Juni 2026, 12:00",ok\n'
    'Teilnehmer/in2003,Eve,eve,Abgegeben,-,"15,00",Ja,-,-,\n'
    'Teilnehmer/in2004,Xaver,xaver,Abgegeben,-,"15,00",Ja,-,-,\n'
)


def test_moodle_worksheet_goes_by_position_and_number(graded: Class) -> None:
    exported = graded.export("moodle", MOODLE)
    expected = MOODLE.replace('Abgegeben,,"15', 'Abgegeben,"12,5","15').replace('"3,00"', "0")
    assert exported.files[""].decode() == expected
    assert "in theirs.csv, but nobody here: Teilnehmer/in2004 Xaver" in exported.notes
    english = MOODLE.replace(",00", ".00").replace("Teilnehmer/in", "Participant ")
    assert ',12.5,"15.00"' in graded.export("moodle", english).files[""].decode()
    with pytest.raises(CourseKitError, match="no grading worksheet"):
        graded.export("moodle", CANVAS)
    with pytest.raises(CourseKitError, match="not clear which column"):
        graded.export("moodle", MOODLE.replace("15,00", "n"))


@pytest.mark.parametrize("ending", ["", "_"])
def test_moodle_feedback_has_the_folders_of_the_submissions(graded: Class, ending: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder in ("Zoë Müller_1001_assignsubmission_file", "bob_7_assignsubmission_file"):
            archive.writestr(f"{folder}{ending}/Book.ipynb", "{}")
        archive.writestr("../x_9_other/evil.html", "")
    pages = {"ada": {"Book.html": b"<p>"}, "bob": {}, "hal": {"Book.html": b"<p>"}}
    exported = graded.export("moodle-feedback", packed.getvalue(), pages=pages)
    with zipfile.ZipFile(io.BytesIO(exported.files[""])) as archive:
        assert archive.namelist() == [f"Zoë Müller_1001_assignsubmission_file{ending}/Book.html"]
    assert any("no feedback page: bob" in note for note in exported.notes)
    assert any("no row of theirs.csv" in note and "hal" in note for note in exported.notes)
    with pytest.raises(CourseKitError, match="is no zip file"):
        graded.export("moodle-feedback", "a,b")


def test_brightspace_grades(graded: Class) -> None:
    rows = list(csv.reader(io.StringIO(graded.export("brightspace").files[""].decode())))
    assert rows[0] == ["OrgDefinedId", "numbers-v1 Points Grade", "End-of-Line Indicator"]
    assert ["1001", "12.5", "#"] in rows and ["bob", "0", "#"] in rows
    assert {row[0] for row in rows[1:]} == {"1001", "bob", "cy", "gus", "hal", "jo"}
    title = "numbers-v1 Points Grade <Numeric MaxPoints:20 Weight:10>"
    theirs = (
        f"OrgDefinedId,Username,Last Name,{title},End-of-Line Indicator\r\n"
        "#S1,#1001,Ada,,#\r\n#S2,#bob,Bob,2,#\r\n#S3,#x,X,,#\r\n"
    )
    exported = graded.export("brightspace", theirs)
    expected = theirs.replace("Ada,,", "Ada,12.5,").replace("Bob,2,", "Bob,0,")
    assert exported.files[""].decode() == expected
    assert "theirs.csv has 20 points at most, the assignment 15" in exported.notes


def test_lms_scores(graded: Class) -> None:
    exported = graded.export("ags")
    scores = json.loads(exported.files[""])
    assert {score["userId"] for score in scores} == {"1001", "bob", "cy", "gus", "hal", "jo"}
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
    for score in scores:
        assert set(score) == {
            *("userId", "scoreGiven", "scoreMaximum", "timestamp"),
            *("activityProgress", "gradingProgress"),
        }
        assert score["scoreMaximum"] == 15 and score["scoreGiven"] >= 0
        assert re.fullmatch(form, score["timestamp"])
        assert score["gradingProgress"] == "FullyGraded"
    assert any("stands for the platform's: bob, cy" in note for note in exported.notes)


def test_the_command_and_the_plugin_write_the_same(
    graded: Class, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(_FORMATS) == set(FORMATS) == set(EXPORTERS)
    into, ours, plugin = (tmp_path / name for name in ("canvas.csv", "ours.csv", "plugin.csv"))
    into.write_text(CANVAS, newline="")
    words = ["--course", str(graded.folder), "export", NAME, "--to"]
    assert main([*words, "canvas", "--into", str(into), "--out", str(ours)]) == 0
    assert "excused in Canvas: gus" in capsys.readouterr().out
    exporter = "coursekit.exporting.grade_export.CanvasExport"
    code, said = run_command(
        graded.folder,
        *("export", f"--exporter={exporter}", f"--CanvasExport.into={into}"),
        *(f"--assignment={NAME}", f"--to={plugin}"),
    )
    assert code == 0 and "excused in Canvas: gus" in said
    assert ours.read_bytes() == plugin.read_bytes() == graded.export("canvas", CANVAS).files[""]
    assert stat.S_IMODE(ours.stat().st_mode) == 0o600
    assert main([*words, "canvas", "--into", str(into), "--out", str(into)]) == 1
    assert "it stays as it is" in capsys.readouterr().err and into.read_text() != ours.read_text()
    # Twice, and into a folder that has something else.
    for _ in range(2):
        assert main([*words, "gradescope"]) == 0
    results = graded.folder / "build" / "export" / f"{NAME}-gradescope"
    assert len(list(results.iterdir())) == 6
    assert main([*words, "gradescope", "--out", str(tmp_path)]) == 1
    assert "has files already" in capsys.readouterr().err
    (tmp_path / "all.zip").write_bytes(_zip_of("x_1001_assignsubmission_file/a"))
    zipped = tmp_path / "feedback.zip"
    given = ["--into", str(tmp_path / "all.zip"), "--out", str(zipped)]
    assert main([*words, "moodle-feedback", *given]) == 0
    with zipfile.ZipFile(zipped) as archive:
        assert archive.read("x_1001_assignsubmission_file/Book.html") == b"<p>Well done"
    assert main(["--course", str(graded.folder), "export", "none", "--to", "ags"]) == 1


def _zip_of(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "")
    return packed.getvalue()
