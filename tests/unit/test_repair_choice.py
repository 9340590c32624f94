"""Which of a submission's notebooks is graded, and what is said of it."""

from __future__ import annotations

import copy
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from broken_notebooks import ANSWER, Notebook, as_bytes, cell_of, code, name_of

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import solution_cells
from coursekit.errors import BeyondRepair
from coursekit.processes.plain_files import copy_plain_files, open_folder
from coursekit.repair.rebuilding.rebuilt_notebook import Rebuilt
from coursekit.repair.submission import repair

NAME = "Residual_Networks_v2a.ipynb"


@pytest.fixture(scope="module")
def right(assignment: Assignment) -> str:
    filled = fill_in(released(assignment), solution_cells(assignment), graded_only=True)
    return json.dumps(filled)


@pytest.fixture
def handed_in(right: str) -> Notebook:
    """A right answer, as Python data."""
    return dict(json.loads(right))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "submitted"
    found.mkdir()
    return found


def found_in(folder: Path, assignment: Assignment) -> Rebuilt:
    release = str(assignment.release)
    with open_folder(folder) as opened:
        return repair(opened, NAME, release, lambda stamp: release)


def put(folder: Path, name: str, notebook: Notebook, day: int = 0) -> None:
    """Put a notebook into a folder, as old as if it had been written on a day."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(notebook))
    os.utime(path, (10**9 + 86_400 * day,) * 2)


def wrong(handed_in: Notebook) -> Notebook:
    """A complete answer that differs."""
    found = copy.deepcopy(handed_in)
    cell = cell_of(found, ANSWER)
    cell["source"] = cell["source"].replace("return X", "return X + 1")
    return found


def partly(handed_in: Notebook, assignment: Assignment) -> Notebook:
    """One answer of three."""
    found = copy.deepcopy(handed_in)
    for cell in dict(released(assignment))["cells"]:
        if name_of(cell) in {"convolutional_block", "ResNet50"}:
            cell_of(found, name_of(cell))["source"] = cell["source"]
    return found


def without_stamp(handed_in: Notebook) -> Notebook:
    return {**handed_in, "metadata": {}}


def of_another(handed_in: Notebook) -> Notebook:
    """The same functions, from an assignment that nobody knows here."""
    found = copy.deepcopy(handed_in)
    found["metadata"]["residual_networks"]["assignment"] = "small-block-v1"
    return found


COPIES = ["{} (1)", "{}-Copy1", "Kopie von {}", "copy of {}", "deeper/{}", "{}_v2_FINAL", "RESNET"]
OLD, NEW = 1, 2


@pytest.mark.parametrize("copied", COPIES)
def test_of_two_complete_notebooks_the_newer_counts_whatever_their_names(
    folder: Path, handed_in: Notebook, assignment: Assignment, copied: str
) -> None:
    other = copied.format("Residual_Networks_v2a") + ".ipynb"
    for right, false in ((NAME, other), (other, NAME)):
        put(folder, false, wrong(handed_in), OLD)
        put(folder, right, handed_in, NEW)
        made = found_in(folder, assignment)
        assert made.repairs == (
            f"of 2 notebooks {right} was graded, because it is the newest of those that "
            f"answer the most; {false} was not",
        )
        assert "return X + 1" not in cell_of(made.notebook, ANSWER)["source"]


def test_a_copy_of_a_submission_is_graded_by_the_same_notebook(
    folder: Path, tmp_path: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    """As in a regrade, which grades copies."""
    put(folder, "a.ipynb", handed_in, NEW)
    put(folder, NAME, wrong(handed_in), OLD)
    copy_plain_files(open_folder(folder), tmp_path / "copied")
    made = found_in(tmp_path / "copied", assignment)
    assert made.repairs == found_in(folder, assignment).repairs
    assert "a.ipynb was graded" in made.repairs[0]


def test_the_newest_counts_within_an_archive(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    with zipfile.ZipFile(folder / "work.zip", "w") as archive:
        for name, day, notebook in ((NAME, 3, wrong(handed_in)), ("a (1).ipynb", 4, handed_in)):
            entry = zipfile.ZipInfo(f"w/{name}", (2026, 11, day, 10, 0, 0))
            archive.writestr(entry, as_bytes(notebook))
    assert found_in(folder, assignment).repairs == (
        "of 2 notebooks w/a (1).ipynb in work.zip was graded, because it is the newest of "
        f"those that answer the most; w/{NAME} in work.zip was not",
    )


def the_same_time(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, NAME, right, OLD)
    put(folder, "a (1).ipynb", wrong(right), OLD)
    return "none is newer, and it has the expected name"


def empty_and_newer(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, NAME, dict(released(assignment)), NEW)
    put(folder, "a.ipynb", right, OLD)
    return "no other holds an answer"


def comments_alone_and_newer(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, "a.ipynb", right, OLD)
    for name in ("identity_block", "convolutional_block", "ResNet50"):
        right = copy.deepcopy(right)
        cell_of(right, name)["source"] = "# I will do this tomorrow."
    put(folder, NAME, right, NEW)
    return "no other holds an answer"


def partly_and_newer(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, NAME, partly(right, assignment), NEW)
    put(folder, "a.ipynb", right, OLD)
    return "it completes more of the answers"


def foreign_and_newer(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, NAME, of_another(right), NEW)
    put(folder, "a.ipynb", partly(right, assignment), OLD)
    return "the others were made from another assignment"


def stamped_and_older(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, NAME, wrong(right), OLD)
    put(folder, "a.ipynb", without_stamp(right), NEW)
    return "it is the newest of those that answer the most"


def an_old_copy_of_jupyters(folder: Path, right: Notebook, assignment: Assignment) -> str:
    put(folder, NAME, dict(released(assignment)), NEW)
    put(folder, ".ipynb_checkpoints/a-checkpoint.ipynb", right, OLD)
    return "no other holds an answer"


def without_a_time(folder: Path, right: Notebook, assignment: Assignment) -> str:
    """The archive's own time counts."""
    entry = tarfile.TarInfo("a.ipynb")
    content = as_bytes(right)
    entry.size, entry.pax_headers = len(content), {"mtime": "nan"}
    with tarfile.open(folder / "b.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(content))
    os.utime(folder / "b.tar", (2 * 10**9, 2 * 10**9))
    put(folder, NAME, wrong(right), NEW)
    return "it is the newest of those that answer the most"


@pytest.mark.parametrize(
    "lay_out",
    [
        the_same_time,
        empty_and_newer,
        comments_alone_and_newer,
        partly_and_newer,
        foreign_and_newer,
        stamped_and_older,
        an_old_copy_of_jupyters,
        without_a_time,
    ],
)
def test_the_notebook_that_is_graded_is_the_right_one_and_the_page_says_why(
    folder: Path,
    handed_in: Notebook,
    assignment: Assignment,
    lay_out: Callable[[Path, Notebook, Assignment], str],
) -> None:
    why = lay_out(folder, handed_in, assignment)
    made = found_in(folder, assignment)
    assert f"was graded, because {why}; " in made.repairs[0]
    answer = cell_of(handed_in, ANSWER)["source"]
    assert cell_of(made.notebook, ANSWER)["source"] == answer


def test_jupyters_own_copy_says_nothing_beside_an_answered_notebook(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    put(folder, NAME, handed_in, OLD)
    put(folder, ".ipynb_checkpoints/a-checkpoint.ipynb", wrong(handed_in), NEW)
    assert found_in(folder, assignment).repairs == ()


def test_an_answer_that_cannot_be_graded_does_not_give_way_to_a_blank_notebook(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    put(folder, "blank.ipynb", dict(released(assignment)), NEW)
    cell_of(handed_in, ANSWER)["source"] += "\n# x" * 100_000
    put(folder, NAME, handed_in, OLD)
    with pytest.raises(BeyondRepair, match="the answer would be lost"):
        found_in(folder, assignment)
    del handed_in["cells"][:]
    put(folder, NAME, handed_in, OLD)
    said = f"of 2 notebooks {NAME} was graded, because none holds an answer, and it has the"
    assert found_in(folder, assignment).repairs[0].startswith(said)


def test_what_holds_no_graded_function_is_left_out_and_named(
    folder: Path, handed_in: Notebook, assignment: Assignment
) -> None:
    put(folder, "a.ipynb", handed_in, OLD)
    put(folder, "other.ipynb", {"cells": [code("1")]}, NEW)
    assert found_in(folder, assignment).repairs == (
        "of 2 notebooks a.ipynb was graded, because no other can be graded; other.ipynb was not",
        "other.ipynb holds none of the graded functions; it was left out",
    )
