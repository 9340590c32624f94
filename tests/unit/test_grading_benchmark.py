"""The benchmark of grading: its asserting tests judge, wrong scores stop it, its figures add up."""

from __future__ import annotations

import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from coursekit.course.assignment import Assignment
from coursekit.course.known_answers import known_answers
from coursekit.course.solution import solution_names
from coursekit.course.test_cells import TEST_CELL_PREFIX
from coursekit.errors import CourseKitError, InfrastructureError
from studio.grading.graders import (
    AUTOGRADE,
    STOCK,
    asserting_tests,
    parallel,
    refuse_wrong_marks,
)
from studio.grading.measured_run import Use, measure
from studio.grading.rounds import Rounds
from studio.grading_benchmark import Plan, comparisons, table

WRONG = {
    "X added to itself": "Not equal to tolerance",
    "s hard-coded as 2": "the output has the wrong shape",
    "stages 4 and 5 exchanged in their names": "a convolution has the wrong name",
}


def test_asserting_tests_accept_the_solution_and_refuse_wrong_answers(
    assignment: Assignment,
) -> None:
    tests = asserting_tests()
    names = solution_names(assignment)
    for text in tests.values():
        exec(text, names)
    wrong = [one for one in known_answers(assignment, "wrong_answers.toml") if one.name in WRONG]
    assert {TEST_CELL_PREFIX + answer.function for answer in wrong} == set(tests)
    for answer in wrong:
        others = dict(names)
        exec(answer.code, others)
        with pytest.raises(AssertionError, match=WRONG[answer.name]):
            exec(tests[TEST_CELL_PREFIX + answer.function], others)


def test_a_right_submission_without_full_marks_stops_the_benchmark(tmp_path: Path) -> None:
    assignment = Assignment(tmp_path, "one-v1")
    source = tmp_path / "source" / "one-v1" / "One_v1.ipynb"
    source.parent.mkdir(parents=True)
    source.touch()
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as gradebook:
        gradebook.add_assignment("one-v1")
        gradebook.add_notebook("One_v1", "one-v1")
        place = ("test_one", "One_v1", "one-v1")
        gradebook.add_grade_cell(*place, max_score=5, cell_type="code")
        gradebook.add_source_cell(*place, source="assert one() == 1", cell_type="code")
        for student, score in (("ada", 5), ("bob", 4)):
            gradebook.add_student(student)
            gradebook.add_submission("one-v1", student)
            gradebook.find_grade(*place, student).auto_score = score
        gradebook.db.commit()
    refuse_wrong_marks(STOCK, assignment, ["ada"])
    for student, got in (("bob", "80% of the points"), ("eve", "no score")):
        with pytest.raises(InfrastructureError, match=f"{student}'s right submission got {got}"):
            refuse_wrong_marks(STOCK, assignment, ["ada", student])


def rounds_of(few: Use, seconds: float, processor: float | None = None) -> Rounds:
    """One round of 2 submissions and of 6, which take so much more each."""
    more = None if few.processor is None or processor is None else few.processor + 4 * processor
    many = replace(few, seconds=few.seconds + 4 * seconds, processor=more, memory=2 * few.memory)
    return Rounds(2, 6, [(few, many)])


FEW = Use(seconds=30.0, processor=20.0, memory=300 * 2**20, shared_once=True)


def test_the_cost_of_a_submission_is_told_apart_from_that_of_starting() -> None:
    found = rounds_of(FEW, seconds=8.0, processor=5.0)
    assert (found.seconds, found.start, found.processor, found.memory) == (8.0, 14.0, 5.0, 600.0)
    assert rounds_of(FEW, seconds=2.0).times_as_fast_as(found) == 4.0
    assert rounds_of(FEW, seconds=2.0).processor is None


def test_each_round_is_compared_with_the_other_grader_in_the_same_round() -> None:
    def three(*seconds: float) -> Rounds:
        return Rounds(2, 6, [rounds_of(FEW, each).uses[0] for each in seconds])

    # The machine was three times as slow in the last two rounds, for both.
    assert three(2.0, 6.0, 6.0).times_as_fast_as(three(10.0, 30.0, 18.0)) == 5.0


def test_many_submissions_that_take_no_longer_than_few_are_an_error() -> None:
    with pytest.raises(InfrastructureError, match="6 submissions took no longer than 2"):
        _ = rounds_of(FEW, seconds=0.0).seconds


def test_the_table_names_what_was_measured() -> None:
    whole = replace(parallel(2), name="whole", whole=True)
    rounds = {
        STOCK: rounds_of(FEW, 8.0, 5.0),
        AUTOGRADE: rounds_of(FEW, 4.0, 2.0),
        parallel(1): rounds_of(FEW, 2.0, 1.5),
        parallel(2): rounds_of(replace(FEW, memory=500 * 2**20, shared_once=False), 1.25),
        whole: rounds_of(FEW, 1.5),
    }
    text = StringIO()
    Console(file=text, width=120).print(table(Plan(6, 1, (1, 2), whole=True), rounds))
    rows = {
        name: text.getvalue().split(name, 1)[1].splitlines()[0].replace("│", "").split()
        for name in (STOCK.name, AUTOGRADE.name, parallel(2).name)
    }
    assert list(rows.values()) == [
        ["14.0", "s", "8.00", "s", "1.00", "5.00", "s", "600", "MB"],
        ["22.0", "s", "4.00", "s", "2.00", "2.00", "s", "600", "MB"],
        ["27.5", "s", "1.25", "s", "6.40", "not", "known", "1000", "MB"],
    ]
    assert "memory (RSS)" in text.getvalue()
    assert comparisons(rounds) == [
        "coursekit grade --workers 2: 1.60 times the throughput of 1, an efficiency of 0.80; "
        "400 MB for each worker more",
        "whole: 0.25 s more a submission than one that ends at the last graded cell",
    ]


def test_workers_get_the_same_number_of_submissions_each() -> None:
    names = [grader.name for grader in Plan(8, 1, (1, 2), whole=False).graders()]
    assert names[:4] == [STOCK.name, AUTOGRADE.name, parallel(1).name, parallel(2).name]
    for plan in (Plan(7, 1, (1, 2), whole=False), Plan(2, 1, (1, 2), whole=False)):
        with pytest.raises(CourseKitError, match="cannot be measured beside 2") as error:
            plan.graders()
        assert error.value.hint.endswith("--submissions 8")


def test_processes_that_nobody_waits_for_are_measured(tmp_path: Path) -> None:
    busy = "import os, time\nif os.fork() == 0:\n while time.process_time() < 0.5: pass"
    log = tmp_path / "log"
    use = measure([sys.executable, "-c", busy], tmp_path, {}, log)
    # None where this user may make no control group.
    assert use.processor is None or use.processor >= 0.5
    with pytest.raises(InfrastructureError, match=r"status 3: .*no such assignment"):
        measure(["sh", "-c", "echo no such assignment; exit 3"], tmp_path, {}, log)
