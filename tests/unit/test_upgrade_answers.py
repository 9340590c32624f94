"""What was right in its day is right after one upgrade; what was wrong is not, and says so."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import upgrade_notebooks as earlier
from judging_in_process import full_test_cells, judge_in_process
from upgrade_notebooks import FUNCTIONS, Sample

from coursekit.course.assignment import Assignment
from resnets_utils.checks.check_result import Outcome
from resnets_utils.notebooks.definitions import find_definitions
from resnets_utils.notebooks.notebook_reader import read_file, read_text
from resnets_utils.notebooks.plain_notebook import checksum
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.upgrade import upgrade_file
from resnets_utils.upgrade.carrier import Carrier
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


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> ReleasedNotebook:
    return release_of(NAMED, tmp_path_factory.mktemp("release"))


IDENTITY = earlier.NAMED_IDENTITY
BLANK = earlier.blank(earlier.NAMED)["identity_block"]
HEAD, REST = IDENTITY.split("    ### START CODE HERE ###\n")
BODY, TAIL = REST.split("    ### END CODE HERE ###\n")
BELOW = f"{HEAD}    ### START CODE HERE ###\n    #X = None\n    ### END CODE HERE ###\n{BODY}{TAIL}"
OURS: dict[str, Any] = {"nbgrader": {"grade_id": "identity_block", "solution": True}}
TEST: dict[str, Any] = {"nbgrader": {"grade_id": "test_identity_block", "grade": True}}
CARRIED, NEEDS_YOU = "carried", "needs you"


@pytest.mark.parametrize(
    ("cells", "cell", "outcome"),
    [
        ([earlier.code(BELOW)], 1, CARRIED),
        ([earlier.code(f"%%time\n{BELOW}")], 1, CARRIED),
        ([earlier.code(BELOW.replace("\n", "\r\n"))], 1, CARRIED),
        ([earlier.code(BELOW.replace("    ", "\t"))], 1, CARRIED),
        (earlier.split_in_two(IDENTITY, "    # the end"), 1, CARRIED),
        ([earlier.code(BLANK), earlier.code(IDENTITY)], 2, CARRIED),
        ([earlier.code(IDENTITY), earlier.code(BLANK)], 1, CARRIED),
        ([earlier.code(BLANK), earlier.code(BELOW)], 2, CARRIED),
        ([earlier.code(IDENTITY), earlier.code(BELOW)], 2, CARRIED),
        ([earlier.code(f"{BLANK}\n\n{BELOW}")], 1, CARRIED),
        ([earlier.code(BLANK, **OURS), earlier.code("", **TEST), earlier.code(BELOW)], 3, CARRIED),
        ([earlier.code(IDENTITY, **OURS), earlier.code("", **TEST), earlier.code(BELOW)],
         1, CARRIED),
        ([earlier.code(IDENTITY.replace("identity_block(", "mine(") + "\nidentity_block = mine")],
         1, NEEDS_YOU),
        ([earlier.code("identity_block = lambda X, f, filters, stage, block: X", **OURS)],
         1, NEEDS_YOU),
        ([earlier.code(IDENTITY.replace("def ", "async def "))], 1, NEEDS_YOU),
        ([earlier.code(f"{BLANK}\nidentity_block = tf.function(identity_block)")], 0, NEEDS_YOU),
        ([earlier.code(BLANK)], 0, NEEDS_YOU),
    ],
)  # fmt: skip
def test_the_last_complete_function_is_found_wherever_it_stands(
    cells: list[dict[str, Any]], cell: int, outcome: str, release: ReleasedNotebook
) -> None:
    notebook = read_text(earlier.as_file([*cells, earlier.code("print(1)")]).decode(), "old")
    carried = Carrier(notebook, release).carry_all()["identity_block"]
    assert (carried.report.cell, str(carried.report.outcome)) == (cell, outcome)
    if cell:
        # A cell's last lines are there: in the new cell, or below it.
        last = notebook.cells[cell - 1].source.rstrip().split("\n")[-1]
        assert last in (carried.source or carried.beside)
    else:
        assert "not attempted" in carried.report.problems[0].reason


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("plus = lambda A, B: tf.add(A, B)", False),
        ("plus = lambda tf, B: tf.add(B)", True),
        ("def plus(A, B, tf=X):\n        return tf.add(A, B)", True),
        ("def plus(A, B, *, tf):\n        return tf.add(A, B)", True),
        ("def plus(A, B, *tf):\n        return tf.add(A, B)", True),
        ("tf = f; plus = tf.add(X, X)", True),
        ("plus = [tf.add(X, X) for tf in filters]", True),
        ("from numpy import linalg as tf; plus = tf.add(X, X)", True),
    ],
)
def test_names_that_the_answer_binds_are_not_the_library_s(
    line: str, left: bool, release: ReleasedNotebook
) -> None:
    text = IDENTITY.replace("    X_shortcut = X\n", f"    X_shortcut = X\n    {line}\n")
    imports = "from resnets_utils import *\nimport tensorflow as tf"
    cells = [earlier.code(imports), earlier.code(text)]
    notebook = read_text(earlier.as_file(cells).decode(), "old")
    carried = Carrier(notebook, release).carry_all()["identity_block"]
    assert [line in change.before for change in carried.report.changes] == ([] if left else [True])


HELPERS = {
    "def": "def normal(X):\n    return BatchNormalization(axis=3)(X)",
    "class": "class normal:\n    def __new__(cls, X): return BatchNormalization(axis=3)(X)",
    "lambda": "normal = lambda X: BatchNormalization(axis=3)(X)",
    "another name inside": "normal = lambda X: Norm(axis=3)(X)\nNorm = BatchNormalization",
    "a condition": "if K:\n    def normal(X): return BatchNormalization(axis=3)(X)",
    "a helper's helper": "def normal(X):\n    return inner(X)\n"
    "def inner(X):\n    return BatchNormalization(axis=3)(X)",
}


@pytest.mark.parametrize("helper", HELPERS)
def test_a_block_that_leans_on_a_helper_is_not_rewritten_for_another_family(
    helper: str, tmp_path: Path
) -> None:
    text = IDENTITY.replace("BatchNormalization(axis = 3, name = bn_name_base + '2b')", "normal")
    assert "normal(X)" in text
    cells = [earlier.code(part) for part in (earlier.NAMED_IMPORTS, HELPERS[helper], text)]
    notebook = read_text(earlier.as_file(cells).decode(), "old")
    carried = Carrier(notebook, release_of(INITIALIZER, tmp_path)).carry_all()["identity_block"]
    assert carried.source is None and "normal(X)" in carried.beside
    assert "it uses a function of your own, in cell 2" in carried.report.problems[0].reason


def test_another_name_of_a_layer_is_that_layer(tmp_path: Path) -> None:
    text = IDENTITY.replace("BatchNormalization(axis", "Norm(axis")
    alias = "Norm = layers.BatchNormalization"
    cells = [earlier.code(part) for part in (earlier.NAMED_IMPORTS, alias, text)]
    notebook = read_text(earlier.as_file(cells).decode(), "old")
    carried = Carrier(notebook, release_of(INITIALIZER, tmp_path)).carry_all()["identity_block"]
    assert carried.source and carried.source.count("Norm(axis = 3)(X, training=training)") == 3


def test_a_mark_with_nothing_below_it_is_told(release: ReleasedNotebook) -> None:
    notebook = read_text(earlier.as_file([earlier.code(BELOW)]).decode(), "old")
    carrier = Carrier(notebook, release)
    carrier.carry_all()
    line = BELOW.split("\n").index("    ### START CODE HERE ###") + 1
    assert len(carrier.notes) == 1
    assert f"the marks of identity_block in cell 1, line {line};" in carrier.notes[0]


def test_there_are_notebooks_enough() -> None:
    assert len({sample.name for sample, _ in CASES}) == len(CASES) >= 25
