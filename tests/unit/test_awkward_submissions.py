"""What one student hands in costs nobody else a page, an export or a grade."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from nbformat import from_dict
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import as_timezone
from traitlets.config import Config

from coursekit.class_scores import NOT_GRADED
from coursekit.exporting.grade_export import GradeExport
from coursekit.gradebook.address import database_url
from coursekit.kernels.own_files import put_own_files
from coursekit.nbgrader_seam import replaced_steps
from coursekit.nbgrader_seam.submitted_folder import prepare_folder
from coursekit.processes.plain_files import open_folder
from coursekit.repair.finding.candidate_files import find_candidates
from coursekit.repair.finding.timestamp import read_timestamp
from coursekit.repair.recognising.recognised_cells import recognise
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.released import ReleasedNotebook

replaced_steps.install()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> CourseDirectory:
    """Return a course with an assignment "a1", whose notebook is "Book"."""
    root = tmp_path_factory.mktemp("course")
    settings = Config()
    settings.CourseDirectory.root = str(root)
    settings.CourseDirectory.assignment_id = "a1"
    with Gradebook(database_url(root / "gradebook.db")) as gradebook:
        gradebook.add_assignment("a1")
        gradebook.add_notebook("Book", "a1")
    return CourseDirectory(config=settings)


def test_a_folder_named_like_the_page_stays_in_submitted(course: CourseDirectory) -> None:
    """nbgrader cannot write a feedback page where a folder of its name stands."""
    submitted = Path(course.root, "submitted", "ada", "a1")
    (submitted / "Book.html").mkdir(parents=True)
    (submitted / "Book.html" / "notes.txt").write_text("mine")
    (submitted / "data.csv").write_text("1")
    with open_folder(submitted) as course.handed_in:
        converter = Autograde(coursedir=course)
        prepare_folder(converter, "a1", "ada")
    target = Path(course.root, "autograded", "ada", "a1")
    assert sorted(path.name for path in target.iterdir()) == ["data.csv"]


def test_a_name_that_is_no_students_stops_no_export(course: CourseDirectory) -> None:
    """The gradebook cannot be asked for every name; everybody else is exported."""
    for student in (b"bob", b"\xff", b"two\nlines", b"begins\xe2\x80\xae"):
        os.makedirs(os.path.join(os.fsencode(course.root), b"submitted", student, b"a1"))
    target = Path(course.root, "grades.csv")
    app = ExportApp()
    app.coursedir = course
    with Gradebook(course.db_url) as gradebook:
        GradeExport(parent=app, to=str(target)).export(gradebook)
    with target.open(encoding="utf-8", newline="") as stream:
        rows = {row["student_id"]: row["status"] for row in csv.DictReader(stream)}
    assert set(rows.values()) == {NOT_GRADED}
    assert {"bob", "?", "two\nlines"} <= set(rows)


@pytest.mark.parametrize("time", ["0001-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_time_that_is_read_can_be_shown(tmp_path: Path, time: str, zone: str) -> None:
    """Formgrader's list of all submissions ends where one time has no place in the calendar."""
    (tmp_path / "timestamp.txt").write_text(time)
    with open_folder(tmp_path) as folder:
        found, problem = read_timestamp(folder)
    assert problem
    assert found is None or as_timezone(found, zone)


def test_a_damaged_archive_costs_no_notebook_beside_it(tmp_path: Path) -> None:
    """Each way of packing has its own error, and one asks for memory that nobody has."""
    inner = bytes(range(256)) * 20
    for number, method in enumerate((zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as archive:
            archive.writestr("inner.zip", b"PK\x03\x04" + inner)
        content = bytearray(packed.getvalue())
        content[60:160] = bytes(100)
        (tmp_path / f"{number}.zip").write_bytes(content)
    (tmp_path / "Book.ipynb").write_text(json.dumps({"cells": []}))
    with open_folder(tmp_path) as folder:
        found, left_out = find_candidates(folder, "Book.ipynb")
    assert [one.where for one in found] == ["Book.ipynb"]
    assert len(left_out) == 3, left_out


def test_a_folder_of_data_is_no_package(tmp_path: Path) -> None:
    """TensorFlow and Keras take a folder "torch" for PyTorch, and fail on what is not in it."""
    left_out = put_own_files({"torch/data.csv": b"1", "mine/data.csv": b"1"}, tmp_path)
    assert set(left_out) == {"torch/data.csv"}
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_function_with_the_metadata_of_a_text_is_still_judged(alone: bool) -> None:
    """A cell's code says more than its metadata."""
    of_code = {"grade_id": "f", "grade": False, "solution": True, "locked": False}
    of_text = {**of_code, "grade_id": "why", "grade": True, "points": 1}
    code = {"cell_type": "code", "source": "def f():\n    raise NotImplementedError()"}
    text = {"cell_type": "markdown", "source": "Why is it so?"}
    blank = [
        {**code, "metadata": {"nbgrader": of_code}},
        {**text, "metadata": {"nbgrader": of_text}},
    ]
    released = ReleasedNotebook(from_dict({"cells": blank, "metadata": {}}), Path("Book.ipynb"))
    answer = Cell("code", "def f():\n    return 1", {"nbgrader": of_text}, cell_id="f-1")
    words = Cell("markdown", "For this reason.", {"nbgrader": of_text}, cell_id="why")
    pieces = recognise([answer] if alone else [answer, words], released, [])
    held = {piece.name: piece.cell.source for piece in pieces}
    assert held["f"] == answer.source
    assert held.get("why", words.source) == words.source
