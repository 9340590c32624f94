"""Real nbgrader grades a class in one batch: honest, cheating and broken submissions.

Every cheat stands on one answer sheet: an identity block without its last ReLU
(17 of 30 points), everything else right. Whatever a cheat tries, that is what
its functions earn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import command_in_process
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.utils import compute_checksum
from record_replay import REPLAY

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.errors import InfrastructureError
from coursekit.gradebook.asked_cells import asked_cells
from coursekit.nbgrader_run import read_verdict, run_nbgrader
from coursekit.release.leaks import hidden_lines

pytestmark = pytest.mark.slow

SHEET = "no ReLU at the end"
EARNED = {"test_identity_block": 17.0, "test_convolutional_block": 30.0, "test_ResNet50": 40.0}
VISIBLE = {"test_identity_block": 15.0, "test_convolutional_block": 15.0, "test_ResNet50": 14.0}
FULL = {"test_identity_block": 30.0, "test_convolutional_block": 30.0, "test_ResNet50": 40.0}

# Writes down everything that a cell hook, the syntax trees, the history and the
# working folder show, and prints it at the end.
SPY = """
import ast, os
seen = []
get_ipython().events.register("pre_run_cell", lambda info: seen.append(info.raw_cell))
class Spy(ast.NodeTransformer):
    def visit(self, node):
        seen.append(ast.dump(node))
        return node
get_ipython().ast_transformers.append(Spy())
"""
SPY_REPORT = """
for folder, _, names in os.walk("."):
    for name in names:
        try:
            seen.append(open(os.path.join(folder, name), encoding="utf-8").read())
        except UnicodeDecodeError:
            pass  # a picture: what is printed has a limit
print("SPY", len(seen))
print("\\n".join(line for text in seen for line in text.splitlines()))
"""


@dataclass
class Submission:
    answers: dict[str, str]
    scores: dict[str, float]
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    change: Callable[[NotebookNode], None] = lambda notebook: None
    files: dict[str, str] = field(default_factory=dict)


def _skip_tags(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]


def _last_test_first(notebook: NotebookNode) -> None:
    """Put ResNet50 and its test before the blocks' tests."""
    cells = cells_by_grade_id(notebook)
    moved = [cells[name] for name in ("test_identity_block", "test_convolutional_block")]
    notebook.cells = [cell for cell in notebook.cells if cell not in moved] + moved


def class_of(assignment: Assignment) -> dict[str, Submission]:
    solution = solution_cells(assignment)
    wrong = {
        (answer.function, answer.name): answer.code
        for answer in known_answers(assignment, "wrong_answers.toml")
    }
    right = {
        (answer.function, answer.name): answer.code
        for answer in known_answers(assignment, "right_answers.toml")
    }
    sheet = {**solution, "identity_block": wrong["identity_block", SHEET]}
    loud = {
        **solution,
        "identity_block": right[
            "identity_block", "an explicit identity on the shortcut, a warning and prints"
        ],
        # A layer made once, in a cell of its own: Keras numbers each thread's from the start.
        "convolutional_block": "relu = Activation('relu')\n"
        + solution["convolutional_block"].replace(
            'Add()([X, X_shortcut])\n    X = Activation("relu")(X)',
            "relu(Add()([X, X_shortcut]))",
        ),
    }
    assert "X = relu(" in loud["convolutional_block"]
    equal = (
        "class Anything:\n    def __eq__(self, other): return True\n"
        "    def __getattr__(self, name): return self\n"
        "    def __call__(self, *args, **kwargs): return self\n"
        "def identity_block(X, f, filters, stage, block): return Anything()\n"
    )
    stop = "import os\nos._exit(1)"
    ending = "def convolutional_block(*args, **kwargs):\n    import os\n    os._exit(1)\n"
    # It sleeps: one that computes, in a cell, is in `test_limits`.
    forever = (
        "def ResNet50(input_shape=(64, 64, 3), classes=6):\n"
        "    import time\n"
        "    while True:\n"
        "        time.sleep(1)\n"
    )
    return {
        "the spy": Submission(sheet, EARNED, first=[SPY], last=[SPY_REPORT]),
        "everything right": Submission(solution, FULL),
        "right with warnings on stderr": Submission(loud, FULL),
        "blank": Submission({}, dict.fromkeys(FULL, 0.0)),
        "skip tags": Submission(sheet, EARNED, change=_skip_tags),
        "equal to everything": Submission(
            {**solution, "identity_block": equal},
            # ResNet50 loses the points for building from one's own blocks.
            {**FULL, "test_identity_block": 0.0, "test_ResNet50": 36.0},
        ),
        "planted modules": Submission(
            sheet,
            EARNED,
            files={
                "tempfile.py": "raise SystemExit('planted')",
                "keras.py": "raise SystemExit('planted')",
                "nbgrader.py": "raise SystemExit('planted')",
                "resnets_utils.py": "raise SystemExit('planted')",
                "sitecustomize.py": "raise SystemExit('planted')",
            },
        ),
        "never returns and is tested first": Submission(
            {**solution, "ResNet50": forever},
            {**FULL, "test_ResNet50": 0.0},
            change=_last_test_first,
        ),
        "the kernel dies half-way": Submission(
            {**solution, "convolutional_block": stop},
            {**dict.fromkeys(FULL, 0.0), "test_identity_block": 30.0},
        ),
        "a function ends the kernel": Submission(
            {**solution, "convolutional_block": ending},
            {**dict.fromkeys(FULL, 0.0), "test_identity_block": 30.0},
        ),
        # What the visible checks are worth, and nothing of a hidden one.
        "the record replayed": Submission({}, VISIBLE, first=[REPLAY]),
        "page that runs": Submission(
            solution,
            FULL,
            first=[
                "from IPython.display import HTML, Javascript, display\n"
                "display(HTML('<script>document.title=7</script><img src=x onerror=alert(1)>'))\n"
                "display(Javascript('alert(2)'))"
            ],
        ),
    }


def student(name: str) -> str:
    return name.replace(" ", "-")


@pytest.fixture(scope="module")
def graded(trial: Assignment) -> dict[str, Submission]:
    """The whole class, graded by one `nbgrader autograde`, with feedback written."""
    everyone = class_of(trial)
    for name, submission in everyone.items():
        notebook = fill_in(
            released(trial),
            submission.answers,
            first=submission.first,
            last=submission.last,
            # Training follows what is graded; a release is not made without running it, too.
            graded_only=True,
        )
        submission.change(notebook)
        folder = submit(trial, student(name), notebook).parent
        for file, text in submission.files.items():
            (folder / file).write_text(text)
    broken = trial.course / "submitted" / "broken" / trial.name
    broken.mkdir(parents=True)
    (broken / f"{trial.notebook}.ipynb").write_text("{ this is no notebook")
    with pytest.raises(InfrastructureError, match="failed"):
        # What the spy's last cells print is looked at.
        given = ["--JudgeAnswers.trace_timeout=20", "--JudgeAnswers.run_all=True"]
        run_nbgrader(trial.course, "autograde", trial.name, *given)
    command_in_process.run_nbgrader(trial.course, "generate_feedback", trial.name)
    return everyone


def grade_again(trial: Assignment, who: str) -> None:
    given = (trial.name, "--student", who, "--force")
    command_in_process.run_nbgrader(trial.course, "autograde", *given)


def database_scores(assignment: Assignment, who: str) -> dict[str, tuple[float | None, bool]]:
    with Gradebook(f"sqlite:///{assignment.course}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(assignment.notebook, assignment.name, who)
        return {
            grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in notebook.grades
        }


NAMES = [
    "the spy",
    "the record replayed",
    "everything right",
    "right with warnings on stderr",
    "blank",
    "skip tags",
    "equal to everything",
    "planted modules",
    "never returns and is tested first",
    "the kernel dies half-way",
    "a function ends the kernel",
    "page that runs",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_submission_earns_what_its_functions_earn(
    trial: Assignment, graded: dict[str, Submission], name: str
) -> None:
    assert set(NAMES) == set(graded)
    scores = database_scores(trial, student(name))
    assert scores == {cell: (score, False) for cell, score in graded[name].scores.items()}


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_a_hidden_test_is_left_where_a_student_can_read_it(
    trial: Assignment, graded: dict[str, Submission], name: str
) -> None:
    hidden = hidden_lines(trial)
    assert len(hidden) > 20
    for folder in ("autograded", "feedback"):
        for path in (trial.course / folder / student(name)).rglob("*"):
            if path.is_file():
                text = path.read_text(errors="replace")
                assert not [line for line in hidden if line in text], path


def test_the_spy_saw_cells_but_no_test_cell(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    path = trial.course / "autograded" / "the-spy" / trial.name / f"{trial.notebook}.ipynb"
    notebook: Any = json.loads(path.read_text())
    # A long print may come in several pieces.
    printed = "".join("".join(part["text"]) for part in notebook["cells"][-1]["outputs"])
    assert printed.startswith("SPY ")
    assert int(printed.split()[1]) > 10
    assert "# GRADED FUNCTION: ResNet50" in printed  # it saw the student's own cells
    assert "BEGIN HIDDEN" not in printed
    assert "example = dict(" not in printed  # nor the visible part of a test cell
    assert not [line for line in hidden_lines(trial) if line in printed]


def test_the_verdict_says_the_reason_for_lost_points(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    verdict = read_verdict(trial.course, "skip-tags", trial.name, trial.notebook)
    reasons = {check.name: check.reason for check in verdict.cells[0].checks if check.reason}
    assert "the last ReLU is missing" in reasons["shortcut and order of layers"]
    page = trial.course / "feedback" / "skip-tags" / trial.name / f"{trial.notebook}.html"
    text = page.read_text()
    assert "last ReLU is missing" in text
    assert text.count("✗ failed") > 1


def test_a_kernel_that_dies_is_named_with_its_cell(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    verdict = read_verdict(trial.course, "the-kernel-dies-half-way", trial.name, trial.notebook)
    assert [cell.outcome for cell in verdict.cells] == ["passed", "error", "error"]
    assert "the kernel stopped while cell" in verdict.cells[1].checks[0].reason


def test_a_kernel_that_a_call_ends_is_named_with_the_function(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    who = student("a function ends the kernel")
    verdict = read_verdict(trial.course, who, trial.name, trial.notebook)
    assert [cell.outcome for cell in verdict.cells] == ["passed", "error", "error"]
    reasons = [check.reason for cell in verdict.cells[1:] for check in cell.checks]
    said = ": the kernel stopped while convolutional_block ran"
    assert reasons and all(reason.endswith(said) for reason in reasons)


def test_blank_reads_not_attempted(trial: Assignment, graded: dict[str, Submission]) -> None:
    verdict = read_verdict(trial.course, "blank", trial.name, trial.notebook)
    assert {check.outcome for cell in verdict.cells for check in cell.checks} == {"not attempted"}


def test_students_html_and_javascript_do_not_reach_the_page(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    page = trial.course / "feedback" / "page-that-runs" / trial.name / f"{trial.notebook}.html"
    text = page.read_text()
    assert "30 of 30 points" in text
    for poison in ("alert(1)", "alert(2)", "document.title"):
        # It stands in the student's own cell, as text; nowhere else.
        assert f"<script>{poison}" not in text
        assert text.count(poison) == 1


def test_a_broken_notebook_is_named_and_gets_no_score(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    assert not (trial.course / "autograded" / "broken").exists() or not list(
        (trial.course / "autograded" / "broken").rglob("*.ipynb")
    )
    assert set(database_scores(trial, "broken").values()) == {(None, True)}
    log = (trial.course / "nbgrader.log").read_text()
    assert (
        f"submitted/broken/{trial.name}: {trial.notebook}.ipynb cannot be read as a notebook" in log
    )


@contextmanager
def in_the_gradebook(trial: Assignment, cell: str, change: Callable[[str], str]) -> Iterator[None]:
    """Change a test cell where it counts: no release would let it through."""

    def put(change: Callable[[str], str]) -> str:
        with Gradebook(f"sqlite:///{trial.course}/gradebook.db") as gradebook:
            found = gradebook.find_source_cell(cell, trial.notebook, trial.name)
            kept = str(found.source)
            found.source = change(kept)
            test = cells_by_grade_id(read_notebook(trial.release))[cell]
            test.source = found.source
            found.checksum = compute_checksum(test)
            gradebook.db.commit()
            return kept

    kept = put(change)
    try:
        yield
    finally:
        put(lambda text: kept)


def test_a_regrade_that_fails_takes_the_old_score_back(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    who = student("right with warnings on stderr")

    def spoilt(text: str) -> str:
        return text.replace("checks.report()", "no_such_name()\nchecks.report()")

    lines = cells_by_grade_id(read_notebook(trial.source))["test_ResNet50"].source.split("\n")
    said = f"NameError: name 'no_such_name' is not defined, line {len(lines)} of test_ResNet50"
    with in_the_gradebook(trial, "test_ResNet50", spoilt):
        with pytest.raises(InfrastructureError, match=re.escape(said)):
            grade_again(trial, who)
        assert set(database_scores(trial, who).values()) == {(None, True)}
    # The release's cell is not the gradebook's any more: nobody's edit, and told.
    log = (trial.course / "nbgrader.log").read_text()
    assert log.count("has changed!") == 1
    assert "'checksum' for cell test_ResNet50 has changed!" in log


def test_a_test_cell_without_checks_goes_to_the_judge(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    # Which refuses it; in the student's kernel its silence would be full marks.
    with in_the_gradebook(trial, "test_identity_block", lambda text: "pass"):
        found = asked_cells(f"sqlite:///{trial.course}/gradebook.db")
    assert found[trial.name][trial.notebook].tests["test_identity_block"] == ("pass", 30)


def test_a_second_submission_that_cannot_be_read_takes_the_old_score_back(
    trial: Assignment, graded: dict[str, Submission]
) -> None:
    who = "everything-right"
    assert None not in {score for score, _ in database_scores(trial, who).values()}
    path = trial.course / "submitted" / who / trial.name / f"{trial.notebook}.ipynb"
    path.write_text('{"cells": [')
    with pytest.raises(InfrastructureError, match="cannot be read as a notebook"):
        grade_again(trial, who)
    assert set(database_scores(trial, who).values()) == {(None, True)}
