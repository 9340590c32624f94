"""Assignments that the kit knows nothing of, from `new-assignment` to feedback.

Nothing in src/ names them: a plain network with a closed block, and NumPy functions with a
text question that is graded by hand. Their course lies in a folder whose name means something
to a shell, to patterns for files, to format strings and in a URL.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_in_process import generate, run_nbgrader
from gradescope_root import run_autograder, unpack
from nbgrader.api import Gradebook
from own_assignments import FUNCTIONS, put_in_place

from coursekit.cli import main
from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.course.normal_form import notebook_text
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import read_verdict

pytestmark = pytest.mark.slow

FOLDER = "-Kurs [2026] 'ä' {x} %41 #1?"
TEXT = "The largest exponent is then 0, so that nothing overflows."
# Two of each function's, one that a visible check shows and one that a hidden one does.
WRONG = {
    "softmax": ["shares of the whole table", "only the rows are counted"],
    "summary": ["mean and median changed places"],
    "conv_stage": ["average instead of max pooling", "always at least two convolutions"],
    "plain_network": ["no dropout", "dropout of a half"],
}


@dataclass(frozen=True)
class Graded:
    """An assignment after `nbgrader autograde`, and the checks that each student must fail.

    A check goes by the function that it is about and its own name.
    """

    assignment: Assignment
    fails: dict[str, set[tuple[str, str]]]

    def verdict(self, student: str) -> NotebookVerdict:
        return read_verdict(
            self.assignment.course, student, self.assignment.name, self.assignment.notebook
        )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of its own, both assignments begun and written by the kit's commands.

    One is released by them too; the other's release is in `test_installed_kit`.
    """
    folder = tmp_path_factory.mktemp("own") / FOLDER
    folder.mkdir()
    for settings in Path(__file__).resolve().parents[2].glob("nbgrader_config.*"):
        shutil.copy(settings, folder)
    for name, functions in FUNCTIONS.items():
        assert main(["--course", str(folder), "new-assignment", name, *functions]) == 0
        put_in_place(name, folder)
    # From a terminal that has no letters but ASCII's.
    ran = [sys.executable, "-c", "import sys; from coursekit.cli import main; sys.exit(main())"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*ran, "release", "plain-network-v1"],
        cwd=folder,
        env=ascii_only,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stdout.count("all gates passed") == 1, done.stderr
    generate(Assignment(folder, "numbers-v1"))
    return folder


@pytest.fixture(scope="module", params=list(FUNCTIONS))
def graded(course: Path, request: pytest.FixtureRequest) -> Graded:
    assignment = Assignment(course, request.param)
    solution = solution_cells(assignment)
    fails: dict[str, set[tuple[str, str]]] = {"right": set()}
    text = {"why_stable": TEXT} if "why_stable" in solution else {}
    right = {
        answer.function: answer.code for answer in known_answers(assignment, "right_answers.toml")
    }
    submit(assignment, "right", fill_in(released(assignment), solution | right | text))
    wrong = known_answers(assignment, "wrong_answers.toml")
    for number, answer in enumerate(wrong):
        if answer.name in WRONG[answer.function]:
            who = f"wrong-{number}"
            fails[who] = {(answer.function, name) for name in answer.fails}
            answers = solution | text | {answer.function: answer.code}
            submit(assignment, who, fill_in(released(assignment), answers))
    assert len(fails) == 1 + sum(len(WRONG[name]) for name in FUNCTIONS[assignment.name])
    run_nbgrader(course, "autograde", assignment.name)
    run_nbgrader(course, "generate_feedback", assignment.name)
    return Graded(assignment, fails)


def test_answers_fail_what_they_name_and_pass_the_rest(graded: Graded) -> None:
    for who, fails in graded.fails.items():
        missed = {
            (cell.function, check.name)
            for cell in graded.verdict(who).cells
            for check in cell.checks
            if check.outcome != "passed"
        }
        assert missed == fails, who


def test_feedback_tells_reasons_and_no_line_of_the_solution_that_travels(graded: Graded) -> None:
    assignment = graded.assignment
    pages = assignment.course / "feedback"
    for who, fails in graded.fails.items():
        page = (pages / who / assignment.name / f"{assignment.notebook}.html").read_text()
        assert "# solution:" not in page and "BEGIN HIDDEN" not in page
        assert ("✗ failed" in page) == bool(fails)


def test_a_release_holds_what_its_notebook_uses_and_no_more(course: Path) -> None:
    release = course / "release" / "numbers-v1"
    files = [path for path in release.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    assert not {"tracing.py", "graph.py", "trained_model.py"} & {path.name for path in files}
    assert "import keras" not in "".join(path.read_text() for path in files)
    network = course / "release" / "plain-network-v1" / "resnets_utils"
    assert (network / "graphs" / "tracing.py").is_file() and not (network / "hands").exists()
    assert not list((course / "release").rglob("blocks.py"))


def test_visible_checks_of_numbers_run_without_keras(course: Path, tmp_path: Path) -> None:
    release = Assignment(course, "numbers-v1")
    shutil.copytree(release.release.parent, tmp_path / "student")
    notebook = fill_in(released(release), solution_cells(release))
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    blocked = "import sys\nsys.modules['keras'] = sys.modules['tensorflow'] = None\n"
    ours = "sys.path[:] = ['.', *(p for p in sys.path if not p.endswith('/src'))]"
    hooks = "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([blocked, ours, hooks, *code])],
        cwd=tmp_path / "student",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("checks passed") == 2 and "✗" not in done.stdout, done.stderr


def test_a_call_that_was_not_recorded_is_told_in_words(course: Path, tmp_path: Path) -> None:
    numbers = Assignment(course, "numbers-v1")
    record = json.loads((numbers.release.parent / "expected.json").read_text())
    # Exactly the visible checks' calls: the hidden ones are random.
    functions = {json.loads(key)[1] for key in record["replies"]}
    assert functions == {"softmax", "summary"} and len(record["replies"]) < 20
    (tmp_path / "expected.json").write_text(json.dumps(record))
    code = (
        "from resnets_utils import Checks\n"
        "def softmax(x): return x\n"
        "checks = Checks('softmax')\n"
        "with checks('mine', points=1):\n"
        "    checks.call(x=[7.25, 1.5]).equals()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (
        "error: expected.json does not say what softmax(x=[7.25, 1.5]) should give" in done.stderr
    )
    assert "hint: " in done.stderr


@pytest.mark.parametrize("graded", ["numbers-v1"], indirect=True)
def test_a_text_waits_for_somebody_to_grade_it(graded: Graded) -> None:
    # That it counts, and survives a regrade, is in `test_regrade`.
    assignment = graded.assignment
    with Gradebook(f"sqlite:///{assignment.course}/gradebook.db") as gradebook:
        for who in graded.fails:
            grade = gradebook.find_grade("why_stable", assignment.notebook, assignment.name, who)
            assert grade.needs_manual_grade and grade.auto_score is None


# What a hostile answer finds of the autograder's files, and whether it can write results.
HOSTILE = """
import os
found = []
for place in ("/autograder/source", "/autograder/results", "/autograder/submission"):
    for folder, _, files in os.walk(place):
        found += files
    try:
        open(place + "/results.json", "w").write('{"score": 99}')
        found.append("written")
    except OSError:
        pass
def softmax(x):
    raise RuntimeError(f"found {found}")
"""


@pytest.mark.parametrize("graded", ["numbers-v1"], indirect=True)
def test_the_autograder_for_gradescope(graded: Graded, tmp_path: Path) -> None:
    """One submission that is hostile, wrong and right, function by function, and one unreadable."""
    assignment, root = graded.assignment, tmp_path / "gradescope"
    if os.getuid():
        pytest.skip("Gradescope runs an autograder as root, which only root can imitate")
    made = tmp_path / "autograder.zip"
    words = ["--course", str(assignment.course), "gradescope", assignment.name]
    assert main([*words, "--out", str(made)]) == 0
    names = unpack(made, root)
    assert {"setup.sh", "run_autograder", "README.md"} <= set(names)
    assert not [name for name in names if "submitted" in name or "plain-network" in name]
    everything = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert not [who for who in graded.fails if who != "right" and who.encode() in everything]
    [wrong] = [
        answer
        for answer in known_answers(assignment, "wrong_answers.toml")
        if answer.name in WRONG["summary"]
    ]
    cells = {"softmax": HOSTILE, "summary": wrong.code, "why_stable": TEXT}
    notebook = fill_in(released(assignment), solution_cells(assignment) | cells)
    (root / "submission" / "mine.ipynb").write_text(notebook_text(notebook))
    earlier = root / "results" / "results.json"
    earlier.write_text('{"score": 99}')
    done = run_autograder(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grading uses landlock" in done.stdout
    results = json.loads(earlier.read_text())
    by_name = {test["name"]: test for test in results["tests"]}
    for name, test in by_name.items():
        function, _, check = name.partition(": ")
        passes = function == "summary" and check not in wrong.fails
        assert (test["status"] == "passed") == passes, test
        assert test["score"] == (test["max_score"] if passes else 0)
        assert function == "summary" or "found []" in test["output"]
    assert 0 < results["score"] < 15 and results["score"] == sum(
        test["score"] for test in results["tests"]
    )
    # A human's points are not in it, nor anything that would tell the random arguments.
    assert "to be graded by hand: why_stable (5 points)" in results["output"]
    assert "salt" not in earlier.read_text()
    (root / "submission" / "mine.ipynb").write_bytes(b"\0no notebook")
    done = run_autograder(root)
    assert done.returncode == 1 and not earlier.exists()
    said = done.stdout + done.stderr
    assert "cannot be read as a notebook" in " ".join(said.split()) and "Traceback" not in said
