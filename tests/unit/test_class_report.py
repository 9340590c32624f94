"""The class report: a page for the instructor, one for the class, and tables."""

from __future__ import annotations

import csv
import re
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes
from nbgrader.api import Gradebook
from own_assignments import put_in_place

from coursekit.class_scores import (
    AGAIN,
    CHECK,
    GRADED,
    NOT_GRADED,
    NOTHING,
    ClassScores,
    Line,
    StudentScore,
)
from coursekit.cli import main
from coursekit.course.assignment import Assignment
from coursekit.gradebook.address import database_url
from coursekit.gradebook.students import Student
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.processes.plain_files import open_folder
from coursekit.repair.finding.submission_digest import submission_digest
from coursekit.reporting import report_page as report_page_module
from coursekit.reporting.alike_answers import alike_answers
from coursekit.reporting.anonymity import FEWEST, without_few
from coursekit.reporting.check_figures import check_figures
from coursekit.reporting.class_answers import Answer
from coursekit.reporting.class_report import class_report
from coursekit.reporting.mistake_groups import mistakes_of
from coursekit.reporting.new_wrong_answers import entry
from coursekit.reporting.report_page import report_page
from coursekit.reporting.score_figures import score_figures
from resnets_utils.border.difference import Difference
from resnets_utils.checks.check_result import CheckResult, Outcome

# nbgrader's own, about how it adds a submission.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

COURSE = Path(__file__).resolve().parents[2]
NAME, NOTEBOOK = "numbers-v1", "Numbers_v1"
EVIL = "=1+1<script>alert(1)</script>"
CODE = """def softmax(scores):
    # </code></pre><script>alert(2)</script>
    powers = np.exp(scores)
    return powers / powers.sum(axis=2)"""
WHEN = datetime(2026, 9, 1, 12, 30)

VALUES = Difference("value", "the result", "value", sentence="it returns another result")
RAISED = Difference(
    "raised", "return powers / powers.sum(axis=2)", "AxisError", sentence="AxisError: axis 2 <b>"
)
RIGHT = (
    CheckResult("shape", 4, Outcome.PASSED),
    CheckResult("values", 6, Outcome.PASSED, hidden=True),
)


def lost(
    *differences: Difference | None, outcome: Outcome = Outcome.FAILED
) -> tuple[CheckResult, ...]:
    """The two checks, not passed where there is a difference."""
    return tuple(
        replace(check, outcome=outcome, reason=one.sentence, difference=one) if one else check
        for check, one in zip(RIGHT, differences, strict=True)
    )


def setting(got: str, place: str = "the second convolution") -> Difference:
    sentence = f"{place} has window {got}; the exercise asks for (f, f)"
    return Difference("setting", place, "kernel", got, "(f, f)", sentence)


def answers(*checks: tuple[CheckResult, ...]) -> list[Answer]:
    return [Answer(f"s{number}", NOTEBOOK, "f", one) for number, one in enumerate(checks)]


def class_of(
    checks: Iterable[tuple[CheckResult, ...]], others: Iterable[StudentScore] = ()
) -> ClassScores:
    """A class without a gradebook, a student for each verdict."""
    students = []
    for number, one in enumerate(checks):
        who = f"pupil-{number:02}"
        verdict = NotebookVerdict(
            NAME, NOTEBOOK, who, (CellVerdict("test_f", "f", one),), 1, "zygote"
        )
        lines = tuple(
            Line(NOTEBOOK, "test_f", c.name, CHECK, c.points, c.earned, c.outcome, hidden=c.hidden)
            for c in one
        )
        raw = sum(c.earned for c in one)
        students.append(
            StudentScore(Student(who), GRADED, lines, None, raw, 0.0, raw, (), (verdict,))
        )
    return ClassScores(NAME, 10.0, None, (*students, *others))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose students have done what students do, and one has an evil name."""
    folder = tmp_path_factory.mktemp("course")
    for settings in ("nbgrader_config.py", "nbgrader_config.json"):
        (folder / settings).write_bytes((COURSE / settings).read_bytes())
    put_in_place(NAME, folder)
    with Gradebook(database_url(folder / "gradebook.db")) as gradebook:
        gradebook.add_assignment(NAME)
        gradebook.add_notebook(NOTEBOOK, NAME)
        test = "test_softmax"
        gradebook.add_source_cell(test, NOTEBOOK, NAME, cell_type="code", source="checks")
        gradebook.add_grade_cell(test, NOTEBOOK, NAME, max_score=10, cell_type="code")
        gradebook.add_student("nobody")
        _hand_in(gradebook, folder, "ada", RIGHT, penalty=3)
        _hand_in(gradebook, folder, EVIL, lost(RAISED, RAISED, outcome=Outcome.ERROR))
        _hand_in(gradebook, folder, "bob", lost(None, VALUES))
        _hand_in(gradebook, folder, "eve", None)
        _hand_in(gradebook, folder, "fay", RIGHT)
        (folder / "submitted" / "fay" / NAME / f"{NOTEBOOK}.ipynb").write_text("another one")
    return folder


def _hand_in(
    gradebook: Gradebook,
    folder: Path,
    who: str,
    checks: tuple[CheckResult, ...] | None,
    penalty: float = 0,
) -> None:
    """Write what grading would."""
    places = [folder / step / who.replace("/", "∕") / NAME for step in ("submitted", "autograded")]
    who = who.replace("/", "∕")
    for place in places:
        place.mkdir(parents=True)
    notebook = new_notebook(cells=[new_code_cell(CODE)])
    (places[0] / f"{NOTEBOOK}.ipynb").write_text(who)
    (places[1] / f"{NOTEBOOK}.ipynb").write_text(writes(notebook))
    gradebook.update_or_create_student(who)
    gradebook.add_submission(NAME, who)
    submission = gradebook.find_submission_notebook(NOTEBOOK, NAME, who)
    submission.late_submission_penalty = penalty
    for grade in submission.grades:
        grade.auto_score = sum(check.earned for check in checks) if checks else None
        grade.needs_manual_grade = False
    gradebook.db.commit()
    if checks:
        with open_folder(folder / "submitted", who, NAME) as opened:
            digest = submission_digest(opened)
        cells = (CellVerdict("test_softmax", "softmax", checks),)
        remarks = ("the notebook was cut off",) if who == "bob" else ()
        verdict = NotebookVerdict(NAME, NOTEBOOK, who, cells, 1, "zygote", remarks, digest)
        (places[1] / f"{NOTEBOOK}.verdict.json").write_text(verdict.as_json())


@pytest.fixture(scope="module")
def page(course: Path) -> str:
    assert main(["--course", str(course), "report", NAME]) == 0
    return (course / "reports" / NAME / "report.html").read_text()


def text_of(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_files_are_for_their_owner_alone(course: Path, page: str) -> None:
    folder = course / "reports" / NAME
    names = {path.name for path in folder.iterdir()}
    assert names == {"report.html", "report.csv", "report-wide.csv"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_terminal_shows_the_mistakes_and_who_has_no_score(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(course), "report", NAME]) == 0
    said = capsys.readouterr().out
    assert "numbers-v1: 5 handed in, 3 with a score, median 4 of 10" in said
    assert "without a score: 1, not graded" in said and AGAIN in said
    assert "1.   1 of 3,     10 points  softmax: AxisError: axis 2 <b>" in said
    assert "2.   1 of 3,      6 points  softmax: it returns another result" in said


def test_a_score_that_nobody_gave_is_in_no_figure(page: str) -> None:
    told = text_of(page)
    # Ada's 10 less 3, nothing for the second, 4 for Bob.
    assert "3 scores out of 10: median 4, mean 3.7" in told
    assert "handed in late: 1 student, -3 points in all" in told
    waiting = told[told.index("Handed in, without a score") : told.index("Scores 3")]
    assert "not graded 1 student eve" in waiting and f"{AGAIN} 1 student fay" in waiting
    assert "Not handed in 1 student nobody" in told


def test_nothing_of_a_students_is_more_than_text(page: str) -> None:
    assert "<script" not in page and "<b>" not in page
    tags = re.findall(r"<[a-zA-Z][^>]*>", page)
    assert not [tag for tag in tags if re.search(r"\s(style|on\w+|src)\s*=", tag)]
    assert {one for one in re.findall(r'href="(.)', page)} == {"#"}
    told = text_of(page)
    evil = EVIL.replace("/", "∕")
    assert evil in told and "</code></pre><script>alert(2)</script>" in told
    # The line that raised is marked.
    assert "<mark>    return powers / powers.sum(axis=2)</mark>" in page
    assert "<mark>    # " not in page
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_the_tables_have_everybody_and_no_formula(course: Path, page: str) -> None:
    for name in ("report.csv", "report-wide.csv"):
        with (course / "reports" / NAME / name).open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        people = {row["student_id"] for row in rows}
        assert people == {"nobody", "ada", "bob", "eve", "fay", f"'{EVIL.replace('/', '∕')}"}
        assert {row["status"] for row in rows} == {GRADED, NOT_GRADED, NOTHING, AGAIN}


def test_the_page_for_the_class_names_nobody(course: Path) -> None:
    assert main(["--course", str(course), "report", NAME, "--anonymous"]) == 0
    page = (course / "reports" / NAME / "anonymous.html").read_text()
    told = text_of(page)
    for word in ("ada", "bob", "eve", "fay", "alert", "powers", "cut off", "median"):
        assert not re.search(rf"\b{word}\b", told), word
    # Three of them have a score.
    assert "Handed in 5 Mistakes" in told
    assert "For the class." in told and "Not for students" not in told


def test_nothing_is_said_to_the_class_about_fewer_than_five(tmp_path: Path) -> None:
    few, many = lost(None, setting("(1, 1)")), lost(None, setting("(5, 5)"))
    scores = class_of([*[few] * 4, *[many] * 5, *[RIGHT] * 20, lost(setting("(2, 2)"), None)])
    assignment = Assignment(tmp_path, NAME)
    report = class_report(assignment, scores, written=WHEN, anonymous=True)
    told = text_of(report_page(report))
    assert "window (5, 5)" in told and "window (1, 1)" not in told
    assert report.rare == 2 and "and 2 of fewer than five students each" in told
    assert "pupil" not in told
    for check in report.checks:
        assert all(count == 0 or count >= FEWEST for count in check.outcomes.values())
    assert all(one.count == 0 or one.count >= FEWEST for one in report.scores.bins)
    whole = class_report(assignment, scores, written=WHEN)
    assert [len(told.mistake.answers) for told in whole.mistakes] == [5, 4, 1]


def test_what_nobody_tried_is_no_mistake(tmp_path: Path) -> None:
    blank = Difference("not attempted", sentence="the placeholder is still there")
    class_ = [lost(blank, blank, outcome=Outcome.NOT_ATTEMPTED), lost(VALUES, VALUES)]
    report = class_report(Assignment(tmp_path, NAME), class_of(class_), written=WHEN)
    assert [one.students for one in report.untried] == [("pupil-00",)]
    assert [told.mistake.students for told in report.mistakes] == [("pupil-01",)]
    assert "f : not attempted 1 of 2 students" in text_of(report_page(report))


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize("students", [0, 1, 4])
def test_a_small_class_has_a_page_too(tmp_path: Path, students: int, anonymous: bool) -> None:
    scores = class_of([lost(VALUES, setting("(1, 1)"))] * students)
    report = class_report(Assignment(tmp_path, NAME), scores, written=WHEN, anonymous=anonymous)
    told = text_of(report_page(report))
    assert ("Nothing to report" in told) is (students == 0 or anonymous)
    assert ("window (1, 1)" in told) is (students > 0 and not anonymous)
    assert "Median" not in told or not anonymous


def test_an_assignment_that_was_never_generated_has_an_empty_class(tmp_path: Path) -> None:
    for settings in ("nbgrader_config.py", "nbgrader_config.json"):
        (tmp_path / settings).write_bytes((COURSE / settings).read_bytes())
    put_in_place(NAME, tmp_path)
    assert main(["--course", str(tmp_path), "report", NAME]) == 0
    assert "Nobody has handed in yet" in (tmp_path / "reports" / NAME / "report.html").read_text()
    assert not (tmp_path / "gradebook.db").exists()
    assert main(["--course", str(tmp_path), "report", "another"]) == 1


def test_what_follows_from_a_mistake_is_put_down_to_it() -> None:
    missing = Difference("missing", "the last ReLU", sentence="the last ReLU is missing")
    follows = Difference("names", "ReLU", "name", "", "r", "there is no ReLU named 'r'")
    both, alone = lost(missing, follows), lost(None, follows)
    found = mistakes_of(answers(both, both, lost(VALUES, setting("(1, 1)")), alone, *[RIGHT] * 9))
    assert [(one.difference.sentence, one.students, one.points_lost) for one in found] == [
        ("the last ReLU is missing", ("s0", "s1"), 20),
        (setting("(1, 1)").sentence, ("s2",), 10),
        ("there is no ReLU named 'r'", ("s3",), 6),
    ]
    assert found[0].besides == ("there is no ReLU named 'r'",)
    assert found[2].only_hidden and not found[0].only_hidden


def test_two_mistakes_that_are_together_by_chance_are_two() -> None:
    frequent, rare = setting("(1, 1)"), setting("(2, 2)", "the third convolution")
    class_ = [lost(frequent, None)] * 6 + [lost(frequent, rare)] + [RIGHT] * 3
    found = {one.difference.place: len(one.answers) for one in mistakes_of(answers(*class_))}
    assert found == {"the second convolution": 7, "the third convolution": 1}


def test_groups_of_exactly_the_same_students_are_one_mistake() -> None:
    often = setting("(9, 9)", "the third convolution")
    # Each of them has a cause of its own, and nobody has it alone.
    rest = [lost(setting(f"({n}, {n})"), often) for n in range(3, 6) for _ in range(8)]
    found = mistakes_of(answers(lost(setting("(1, 1)"), often), *rest, *[RIGHT] * 9))
    assert [len(one.answers) for one in found] == [8, 8, 8, 1]
    assert sum(one.points_lost for one in found) == 250


def test_a_check_that_better_students_fail_is_pointed_at() -> None:
    class_ = [lost(VALUES, None)] * 12 + [lost(None, VALUES)] * 12 + [RIGHT]
    worth = {one.name: one for one in check_figures(class_of(class_))}
    assert worth["shape"].correlation == pytest.approx(-0.92, abs=0.01)
    assert worth["shape"].remarks == ("better students fail it more often: look at the check",)
    few = check_figures(class_of(class_[:10]))
    assert {one.correlation for one in few} == {None}
    hard = check_figures(class_of([lost(VALUES, VALUES)] * 24 + [RIGHT]))
    assert hard[0].remarks[0] == "nearly nobody passes: look at the task and at the check"
    easy = check_figures(class_of([RIGHT] * 3))
    assert easy[0].remarks == ("everybody passes: it tells nobody apart",)


def test_answers_that_draw_the_same_are_alike_whatever_the_hidden_arguments() -> None:
    def drawn(visible: str, hidden: str) -> tuple[CheckResult, ...]:
        return tuple(
            replace(check, signature=one)
            for check, one in zip(RIGHT, (visible, hidden), strict=True)
        )

    found = alike_answers(answers(drawn("a", "x"), drawn("a", "y"), drawn("b", "x"), RIGHT))
    assert [(one.students, one.asked) for one in found["f"]] == [(("s0", "s1"), 4), (("s2",), 4)]


def test_scores_above_the_maximum_and_below_zero_are_in_the_histogram() -> None:
    figures = score_figures([-1.0, 0.0, 10.0, 12.0], 10.0)
    assert [one.count for one in figures.bins] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert score_figures([5.0], 0.0).bins == () and score_figures([], 10.0).median is None
    assert without_few({"a": 20, "b": 4, "c": 0, "d": 6}) == {"a": 24, "b": 0, "c": 0, "d": 6}


@pytest.mark.parametrize("code", [CODE, 'def f():\n\treturn """\\"""\x7f\\n"', "'''\r\n\\u0041"])
def test_an_entry_for_the_known_answers_is_read_as_it_was_handed_in(code: str) -> None:
    [mistake] = mistakes_of(answers(lost(setting('"\\'), None)))
    [read] = tomllib.loads(entry(mistake, mistake.answers[0], code))["answer"]
    assert read["code"] == code + "\n" and read["fails"] == ["shape"] and read["function"] == "f"


def test_every_colour_can_be_read() -> None:
    style = (Path(report_page_module.__file__).parent / "page" / "report.css").read_text()
    modes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(modes) == 2
    for mode in modes:
        colour = dict(re.findall(r"--(\w+): (#\w{6})", mode))
        for ink in ("ink", "soft", "link", "passed", "failed", "error"):
            for ground in ("ground", "box"):
                assert _contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)
        assert _contrast(colour["ink"], colour["mark"]) >= 4.5
        # A bar is no text.
        assert _contrast(colour["open"], colour["ground"]) >= 3


def _contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
