"""The release pipeline on real nbgrader: what it makes, and that each gate can fail."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from coursekit.cli import main
from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.normal_form import normalise, notebook_text
from coursekit.errors import AuthoringError, GateError
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.release.leaks import find_leaks
from coursekit.release.mistakes import refuse_mistakes
from coursekit.release.pipeline import (
    blank_failures,
    differences,
    normalise_source,
    solution_failures,
)
from resnets_utils.checks.check_result import CheckResult, Outcome
from resnets_utils.checks.reference import RECORD

pytestmark = pytest.mark.slow


def test_a_committed_release_passes_every_gate(assignment: Assignment) -> None:
    # Leaves release/, source/ and the gradebook as they are; works in build/.
    given = ["release", "residual-networks-v3", "--check"]
    assert main(["--course", str(assignment.course), *given]) == 0


def test_the_other_is_what_its_source_generates(assignment: Assignment, trial: Assignment) -> None:
    # Its solution and its blank are graded in `test_grading`, and run in `test_students_folder`.
    normalise_source(assignment, check=True)
    assert differences(trial.release.parent, assignment.release.parent) == []
    assert find_leaks(trial, trial.release.parent) == []


@pytest.fixture
def copy(trial: Assignment, tmp_path: Path) -> Assignment:
    """A released course to spoil."""
    shutil.copytree(trial.course, tmp_path / "course")
    return Assignment(tmp_path / "course", trial.name)


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    notebook = json.loads(path.read_text())
    change(notebook)
    path.write_text(json.dumps(notebook))


def _in_output(notebook: dict[str, Any]) -> None:
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["seen"]}]


def test_the_release_holds_the_library_and_no_outputs(trial: Assignment) -> None:
    notebook = read_notebook(trial.release)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    library = trial.release.parent / "resnets_utils"
    assert {"__init__.py", "checks", "tensorflow1.py"} <= {p.name for p in library.iterdir()}
    assert sum("raise NotImplementedError()" in cell.source for cell in notebook.cells) >= 3


def test_a_release_holds_a_record_and_no_file_of_the_authors(trial: Assignment) -> None:
    folder = trial.release.parent
    data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    assert data["replies"] and all(reply["status"] == "drawn" for reply in data["replies"].values())
    assert data["blocks"] == (trial.source.parent / "blocks.py").read_text(encoding="utf-8")
    assert not {"blocks.py", "assignment.toml"} & {path.name for path in folder.iterdir()}


def test_points_add_up_to_a_hundred(trial: Assignment) -> None:
    refuse_mistakes(trial)
    cells = cells_by_grade_id(read_notebook(trial.release)).values()
    assert sum(cell.metadata.nbgrader.get("points", 0) for cell in cells) == 100


def test_a_solution_without_a_test_is_named(copy: Assignment) -> None:
    def drop(notebook: dict[str, Any]) -> None:
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] != "test_ResNet50"]

    edit(copy.source, drop)
    with pytest.raises(AuthoringError, match="cell ResNet50: nothing tests this solution"):
        refuse_mistakes(copy)


def verdict(outcome: Outcome, reason: str = "because") -> NotebookVerdict:
    cell = CellVerdict("test_x", "x", (CheckResult("a check", 2, outcome, reason),))
    return NotebookVerdict("an-assignment", "A", "someone", (cell,), 1, "none")


def test_a_solution_that_loses_points_is_named() -> None:
    assert solution_failures(verdict(Outcome.PASSED)) == []
    place = "source/an-assignment/A.ipynb, cell test_x"
    for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.NOT_ATTEMPTED):
        [said] = solution_failures(verdict(outcome))
        assert said == f"{place}: the solution does not pass 'a check': because"


def test_a_blank_release_that_is_not_blank_is_named() -> None:
    assert blank_failures(verdict(Outcome.NOT_ATTEMPTED)) == []
    place = "source/an-assignment/A.ipynb, cell test_x"
    for outcome in (Outcome.PASSED, Outcome.ERROR, Outcome.FAILED):
        [said] = blank_failures(verdict(outcome))
        assert said == f"{place}: left as released, 'a check' reads {outcome}: because"


def test_a_release_that_differs_is_named(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "same").write_text("same")
    assert differences(one, other) == []
    (one / "b.txt").write_text("1")
    assert differences(one, other) == ["b.txt is in only one of the two"]
    assert differences(other, one) == ["b.txt is in only one of the two"]
    # The same length and the same time; no file is taken for equal by these.
    (other / "b.txt").write_text("2")
    for folder in (one, other):
        os.utime(folder / "b.txt", (0, 0))
    assert differences(one, other) == ["b.txt"]


def test_check_refuses_a_source_that_is_not_normal_and_release_fixes_it(copy: Assignment) -> None:
    clean = copy.source.read_text()
    edit(copy.source, _in_output)
    with pytest.raises(GateError, match="not normalised"):
        normalise_source(copy, check=True)
    normalise_source(copy, check=False)
    assert copy.source.read_text() == clean


def test_normalising_twice_changes_nothing_and_ids_are_unique() -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["authors"] = ["x"]
    for _ in range(3):
        cell = nbformat.v4.new_code_cell("a = 1   \n\n", id="same-id")
        cell.metadata["collapsed"] = True
        cell.outputs = [nbformat.v4.new_output("stream", text="x")]
        notebook.cells.append(cell)
    normalise(notebook)
    once = notebook_text(notebook)
    normalise(notebook)
    assert notebook_text(notebook) == once
    assert [cell.id for cell in notebook.cells] == ["same-id", "cell-2", "cell-3"]
    assert [cell.source for cell in notebook.cells] == ["a = 1"] * 3
    assert "authors" not in once and "collapsed" not in once


def test_a_missing_or_doubled_placeholder_is_named(
    copy: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("checks.report()", "### HIDDEN TESTS\n### HIDDEN TESTS\nchecks.report()"):

        def spoil(notebook: dict[str, Any], text: str = text) -> None:
            [cell] = [cell for cell in notebook["cells"] if cell["id"] == "test_ResNet50"]
            lines = "".join(cell["source"]).split("\n### HIDDEN TESTS")[0].split("\nchecks.report")
            cell["source"] = f"{lines[0]}\n{text}"

        edit(copy.source, spoil)
        assert main(["--course", str(copy.course), "release"]) == 1
        said = capsys.readouterr().err
        assert f"{copy.source.name}, cell test_ResNet50: it must hold the line" in said


def test_a_hidden_test_without_a_cell_stops_the_release(
    copy: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy.tests / "no_such_function.py").write_text("pass\n")
    assert main(["--course", str(copy.course), "release"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "no_such_function" in said and "hint: " in said


def test_an_unknown_assignment_is_answered_in_words(
    trial: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(trial.course), "release", "residual-networks-v9"]) == 1
    said = capsys.readouterr().err
    assert "there is no assignment 'residual-networks-v9'" in said
    assert "hint: choose one of: residual-networks-v2a" in said


def test_a_folder_that_is_no_course_is_answered_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--course", str(tmp_path), "release"]) == 1
    assert "there is no assignment in" in capsys.readouterr().err
