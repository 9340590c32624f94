"""What was right in its day is right after one upgrade; what was wrong is not, and says so."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
import upgrade_notebooks as earlier
from judging_in_process import full_test_cells, judge_in_process
from upgrade_notebooks import FUNCTIONS, Sample

from coursekit.course.assignment import Assignment
from resnets_utils.checks.check_result import Outcome
from resnets_utils.notebooks.definitions import find_definitions
from resnets_utils.notebooks.notebook_reader import read_file
from resnets_utils.notebooks.plain_notebook import checksum
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.upgrade import upgrade_file
from resnets_utils.upgrade.release_files import read_release
from resnets_utils.upgrade.upgrade_report import Report

COURSE = Path(__file__).resolve().parents[2]
NAMED = Assignment(COURSE, "residual-networks-v2a")
INITIALIZER = Assignment(COURSE, "residual-networks-v3")
TESTS = {assignment: full_test_cells(assignment) for assignment in (NAMED, INITIALIZER)}
CASES = [
    *((sample, NAMED) for sample in earlier.named_samples()),
    *((sample, INITIALIZER) for sample in earlier.initializer_samples()),
    *((sample, INITIALIZER) for sample in earlier.between_samples()),
]
BACK = [(sample, NAMED) for sample in earlier.initializer_samples()]
RIGHT = {NAMED: earlier.NAMED, INITIALIZER: earlier.INITIALIZER}
MANNERS = pytest.mark.parametrize(
    ("sample", "assignment"), CASES, ids=[f"{case.name}, {to.name}" for case, to in CASES]
)


def release_of(assignment: Assignment, folder: Path) -> ReleasedNotebook:
    """The assignment's release, made here in a moment: solutions out, checksums in."""
    notebook = nbformat.read(assignment.source, as_version=4)
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader")
        if nbgrader and nbgrader.get("solution"):
            cell.source = re.sub(
                r" *### BEGIN SOLUTION\n.*?### END SOLUTION",
                "    # YOUR CODE HERE\n    raise NotImplementedError()",
                cell.source,
                flags=re.DOTALL,
            )
        if nbgrader:
            nbgrader.checksum = checksum(cell.cell_type, cell.source, nbgrader)
    path = folder / assignment.source.name
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return read_release(path)


def upgraded(sample: Sample, assignment: Assignment, folder: Path) -> tuple[Report, Path]:
    (folder / "release").mkdir()
    old = folder / "old.ipynb"
    old.write_bytes(sample.content)
    new = folder / "new.ipynb"
    return upgrade_file(old, release_of(assignment, folder / "release"), new), new


def cells_that_run(path: Path) -> dict[str, str]:
    """The imports and the answers of a notebook, in its order, by the cells' ids."""
    notebook = nbformat.read(path, as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.id in {"imports", *FUNCTIONS}}


@cache
def lost_checks(assignment: Assignment, function: str, cells: tuple[str, ...]) -> dict[str, str]:
    """The checks that an answer does not pass, with the reasons; one text is judged once."""
    results = judge_in_process(TESTS[assignment][function], list(cells), salt=7).checks
    return {
        result.name: result.reason for result in results if result.outcome is not Outcome.PASSED
    }


@MANNERS
def test_right_answers_pass_and_wrong_ones_do_not(
    sample: Sample, assignment: Assignment, tmp_path: Path
) -> None:
    report, new = upgraded(sample, assignment, tmp_path)
    outcomes = {entry.function: str(entry.outcome) for entry in report.functions}
    assert outcomes == {name: sample.expected.get(name, "carried") for name in FUNCTIONS}
    for piece in sample.says:
        assert piece in report.as_text()
    for name in sorted(sample.right | sample.wrong):
        # Each by itself, beside right ones: a wrong block would take the network with it.
        cells = cells_that_run(new)
        others = [text for other, text in RIGHT[assignment].items() if other != name]
        lost = lost_checks(assignment, name, (cells["imports"], *others, cells[name]))
        assert bool(lost) == (name in sample.wrong), (name, lost)


@pytest.mark.parametrize(
    ("sample", "assignment"),
    [*CASES, *BACK],
    ids=[f"{case.name}, {to.name}" for case, to in [*CASES, *BACK]],
)
def test_no_complete_answer_is_lost(sample: Sample, assignment: Assignment, tmp_path: Path) -> None:
    report, new = upgraded(sample, assignment, tmp_path)
    assert (tmp_path / "old.ipynb").read_bytes() == sample.content
    notebook = nbformat.read(new, as_version=4)
    nbformat.validate(notebook)
    grade_ids = [
        cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata
    ]
    assert sorted(grade_ids) == sorted({*grade_ids})
    everything = "\n".join(cell.source for cell in notebook.cells)
    # What a change took away is shown, so that undoing all changes gives the old text.
    shown = {entry.function: [*entry.changes] for entry in report.functions}
    for definition in find_definitions(read_file(tmp_path / "old.ipynb").cells, FUNCTIONS):
        if not definition.is_complete:
            continue
        gone = {
            line.strip()
            for change in shown[definition.function]
            for line in change.before.split("\n")
        }
        for line in definition.text.split("\n"):
            assert line in everything or line.strip() in gone, line
        if not shown[definition.function]:
            assert definition.text in everything


def test_the_other_way_the_answers_are_set_beside(tmp_path: Path) -> None:
    report, new = upgraded(earlier.initializer_samples()[0], NAMED, tmp_path)
    assert {str(entry.outcome) for entry in report.functions} == {"needs you"}
    notebook = nbformat.read(new, as_version=4)
    ids = [cell.id for cell in notebook.cells]
    for name in FUNCTIONS:
        place = ids.index(name)
        assert "NotImplementedError" in notebook.cells[place].source
        assert ids[place + 1] == f"beside-{name}"
        assert earlier.INITIALIZER[name] in notebook.cells[place + 1].source


def test_there_are_notebooks_enough() -> None:
    assert len({sample.name for sample, _ in CASES}) == len(CASES) >= 25
