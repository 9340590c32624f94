"""The released folder alone, run as a student runs it: a plain kernel, nothing of the kit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from coursekit.course.assignment import Assignment, cells_by_grade_id
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.course.normal_form import notebook_text

pytestmark = pytest.mark.slow

# Two whole epochs, of fewer steps; the seed settles which pictures come together.
FEWER_PICTURES = """import keras
keras.utils.set_random_seed(1)
X_train, Y_train = X_train[:160], Y_train[:160]"""


@pytest.fixture(autouse=True)
def short_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training take seconds, except in the test that trains as a student does."""
    if "in_full" not in request.fixturenames:
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")


@pytest.fixture
def in_full() -> None:
    """Train for whole epochs."""


@pytest.fixture
def folder(trial: Assignment, tmp_path: Path) -> Path:
    shutil.copytree(trial.release.parent, tmp_path / "student")
    return tmp_path / "student"


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run a notebook where only the folder's own resnets_utils can be imported."""
    # The kit is installed in this environment; students do not have it.
    hide = (
        "import os, sys\n"
        "os.environ.pop('TF_CPP_MIN_LOG_LEVEL', None)\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        f"sys.path[:] = [p for p in sys.path if not p.startswith({str(Path.cwd())!r} + '/src')]\n"
        "sys.path.insert(0, '')\n"
    )
    notebook = fill_in(
        notebook, {}, first=[hide], last=["import resnets_utils\nprint(resnets_utils.__file__)"]
    )
    NotebookClient(
        notebook,
        timeout=600,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
        # With it, Jupyter does not show what is written past Python.
    ).execute(env={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"})
    return notebook


def with_cell(notebook: NotebookNode, after: str, source: str) -> None:
    """Add a code cell of the test's own."""
    place = [cell.id for cell in notebook.cells].index(after) + 1
    notebook.cells.insert(place, new_code_cell(source))


def said(cell: NotebookNode) -> str:
    return "".join(
        output.get("text", "") or "\n".join(output.get("traceback", [])) for output in cell.outputs
    )


def test_the_solution_runs_top_to_bottom_and_passes_all_visible_checks(
    trial: Assignment, folder: Path, datasets: Path, in_full: None
) -> None:
    shutil.copytree(datasets, folder / "datasets")
    notebook = fill_in(released(trial), solution_cells(trial))
    with_cell(notebook, "load-signs", FEWER_PICTURES)
    # In full, it is in `test_experiments`.
    with_cell(notebook, "draw", "import os; os.environ['NBGRADER_EXECUTION'] = 'validate'")
    notebook = run(notebook, folder)
    errors = {
        cell.id: said(cell)
        for cell in notebook.cells
        if cell.cell_type == "code"
        and any(output.output_type == "error" for output in cell.outputs)
    }
    assert errors == {}
    for name, cell in cells_by_grade_id(notebook).items():
        if name.startswith("test_"):
            assert "✓ passed" in said(cell) and "✗" not in said(cell)
    # No red block: neither the import nor the first operation of TensorFlow writes a warning.
    streams = [output.get("name") for cell in notebook.cells for output in cell.get("outputs", [])]
    assert "stdout" in streams and "stderr" not in streams
    assert "identity_block: 5 of 5 checks passed, 15 of 15 points" in said(
        cells_by_grade_id(notebook)["test_identity_block"]
    )
    assert str(folder) in said(notebook.cells[-1])
    cells = {cell.id: cell for cell in notebook.cells}
    shapes = said(cells["load-signs"])
    for line in (
        "number of training examples = 1080",
        "number of test examples = 120",
        "X_train shape: (1080, 64, 64, 3)",
        "Y_train shape: (1080, 6)",
        "X_test shape: (120, 64, 64, 3)",
        "Y_test shape: (120, 6)",
    ):
        assert line in shapes
    assert "The loss fell from" in said(cells["train"])
    assert "The gradient reaches the first convolution, conv1" in said(cells["train"])
    after_two_epochs, trained = (
        float(re.findall(r"Test Accuracy = ([\d.]+)", said(cells[name]))[0])
        for name in ("evaluate", "pretrained")
    )
    # Moving averages that so few steps have left behind: near one in six, whatever was learnt.
    assert after_two_epochs < 0.35
    assert trained >= 0.98
    assert "looks like 5" in said(cells["photo"])
    assert (folder / "model.png").stat().st_size > 10_000 or shutil.which("dot") is None


def test_the_blank_release_reads_not_attempted(trial: Assignment, folder: Path) -> None:
    notebook = run(fill_in(released(trial), {}, graded_only=True), folder)
    for name, cell in cells_by_grade_id(notebook).items():
        if name.startswith("test_"):
            text = said(cell)
            assert "not attempted yet" in text
            assert "failed" not in text.replace("not passed", "")
            assert "Traceback" not in text and "checks.py" not in text


def test_a_wrong_answer_is_told_in_words(trial: Assignment, folder: Path) -> None:
    wrong = {
        (answer.function, answer.name): answer.code
        for answer in known_answers(trial, "wrong_answers.toml")
    }
    answers = {
        **solution_cells(trial),
        "identity_block": wrong["identity_block", "stride 2 in the second convolution"],
        "ResNet50": wrong["ResNet50", "filters of 256 in stage 5"],
    }
    notebook = run(fill_in(released(trial), answers, graded_only=True), folder)
    cells = cells_by_grade_id(notebook)
    text = " ".join(said(cells["test_identity_block"]).split())
    assert "identity_block(X, f=2, filters=[2, 4, 6], stage=1, block='a')" in text
    assert "the second convolution has stride (2, 2); the exercise asks for (1, 1)" in text
    text = " ".join(said(cells["test_ResNet50"]).split())
    said_there = "the convolutional block of stage 5, block a has filters = (256, 256, 2048)"
    assert f"{said_there}; the exercise asks for (512, 512, 2048)" in text
    assert sys.prefix not in text


def test_nbgraders_own_validate_agrees(trial: Assignment, folder: Path) -> None:
    for answers, verdict in (
        (solution_cells(trial), "Success! Your notebook passes all the tests."),
        ({}, "VALIDATION FAILED ON 3 CELL(S)!"),
    ):
        path = folder / "Residual_Networks_v2a.ipynb"
        path.write_text(notebook_text(fill_in(released(trial), answers, graded_only=True)))
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "validate", path.name],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert verdict in " ".join(done.stdout.split()), done.stdout + done.stderr
        assert "Traceback" not in done.stdout
