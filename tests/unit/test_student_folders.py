"""Which folders nbgrader takes for students', and what it says of the others."""

from __future__ import annotations

import os
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from permissions import folder_for_all, held_back
from traitlets.config import Config

from coursekit.course.student_names import escaped, why_no_student
from coursekit.nbgrader_seam import replaced_steps
from coursekit.nbgrader_seam.course_folder import students_in

STRUCTURES = {
    "{nbgrader_step}/{student_id}/{assignment_id}": "submitted/{}/hw",
    "{nbgrader_step}/{assignment_id}/{student_id}": "submitted/hw/{}",
    "data/{nbgrader_step}/of {student_id}!/{assignment_id}": "data/submitted/of {}!/hw",
}


@pytest.fixture(autouse=True)
def replaced() -> None:
    replaced_steps.install()


def course(root: Path, student: str = "*", structure: str = next(iter(STRUCTURES))) -> Any:
    found = Config(CourseDirectory={"root": str(root), "directory_structure": structure})
    return CourseDirectory(config=found, assignment_id="hw", student_id=student)


def found_in(root: Path, student: str = "*", structure: str = next(iter(STRUCTURES))) -> list[str]:
    coursedir = course(root, student, structure)
    found = list(students_in(coursedir, "submitted"))
    assert all(coursedir.format_path("submitted", who, "hw") == path for who, path in found)
    return [who for who, _ in found]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_name_means_itself_and_otherwise_a_pattern(tmp_path: Path, structure: str) -> None:
    everybody = ["*x", ".a", "1x", "A\nb", "[1]x", "ax", "{student_id}", "\udcff"]
    for who in everybody:
        (tmp_path / STRUCTURES[structure].format(who)).mkdir(parents=True)
    for asked, names in {
        "*": everybody,
        "[1]x": ["[1]x"],
        "*x": ["*x"],
        "[1a]x": ["1x", "ax"],
        "?x": ["*x", "1x", "ax"],
        "[[]1]x": ["[1]x"],
        "A\nb": ["A\nb"],
        "{student_id}": ["{student_id}"],
        "nobody": [],
    }.items():
        assert found_in(tmp_path, asked, structure) == names, asked


def test_what_may_be_a_submission_is_listed_and_nothing_else(tmp_path: Path) -> None:
    submitted = tmp_path / "submitted"
    (submitted / "ada" / "hw").mkdir(parents=True)
    (submitted / "other" / "hw2").mkdir(parents=True)
    (submitted / "README").touch()
    (submitted / "link").symlink_to("ada")
    (submitted / "dangling").symlink_to("nowhere")
    (submitted / "link to a file").symlink_to("README")
    (submitted / "a-file").mkdir()
    (submitted / "a-file" / "hw").touch()
    assert found_in(tmp_path) == ["a-file", "ada", "dangling", "link"]
    assert found_in(tmp_path / "nowhere") == []
    with folder_for_all() as folder:
        (folder / "submitted" / "closed").mkdir(parents=True)
        (folder / "submitted" / "closed").chmod(0o700)
        with held_back():
            assert found_in(folder) == ["closed"]


USABLE = (
    "eve",
    "[group] 1",
    "*?{}%+~'\"&<b>\\",
    "-x",
    "'",
    "COM1",
    "gradebook",
    "Doe, Jane",
    unicodedata.normalize("NFC", "Zoë"),
    unicodedata.normalize("NFD", "Zoë"),
    "שרה",
    "علی\u200cرضا",
    "👩\u200d🚀",
    "x" * 255,
)
UNUSABLE = {
    "A\nb": "line end",
    "a\tb": "line end or another control character",
    "a\x1b[31m": "control character",
    "a\x85": "control character",
    "a\u2028b": "line end",
    "\udce9ve": "UTF-8",
    "eve\u202exe": "direction of reading",
    " eve": "begins or ends with a space",
    "eve\u00a0": "begins or ends with a space",
    ".eve": "begins with a dot",
    "...": "begins with a dot",
    "'eve'": "quotation marks",
}


@pytest.mark.parametrize("name", [*USABLE, *UNUSABLE])
def test_a_name_is_refused_only_where_it_leads_to_nobody(name: str) -> None:
    assert UNUSABLE.get(name, "") in why_no_student(name)
    assert bool(why_no_student(name)) == (name in UNUSABLE)
    escaped(name).encode()
    assert "\n" not in escaped(name)


def test_a_refused_folder_alone_is_a_failure_with_words(tmp_path: Path) -> None:
    (tmp_path / "autograded" / "A\nb" / "hw").mkdir(parents=True)
    converter = GenerateFeedback(coursedir=course(tmp_path))
    converter.init_notebooks()
    with pytest.raises(NbGraderException) as caught:
        converter.convert_notebooks()
    assert str(caught.value).startswith("error: autograded/A\\nb/hw was passed over")
    assert "hint: rename that folder" in str(caught.value)
    # Whoever asks for another hears of that one only, in nbgrader's words.
    converter = GenerateFeedback(coursedir=course(tmp_path, "nobody"))
    with pytest.raises(NbGraderException, match="No notebooks were matched"):
        converter.init_notebooks()


def test_a_time_is_read_where_the_submission_is_and_never_waited_for(tmp_path: Path) -> None:
    """Formgrader asks too, for every student of a page."""
    submitted, coursedir = tmp_path / "submitted", course(tmp_path)
    api = NbGraderAPI(coursedir)
    for who in ("ada", "eve"):
        (submitted / who / "hw").mkdir(parents=True)
    (submitted / "ada" / "hw" / "timestamp.txt").write_text("2026-11-02 10:00:00 UTC")
    os.mkfifo(submitted / "eve" / "hw" / "timestamp.txt")
    (submitted / "link").symlink_to("ada")
    for who, time in {
        "ada": datetime(2026, 11, 2, 10),
        "eve": None,
        "link": None,
        "x": None,
    }.items():
        assert api.get_submitted_timestamp("hw", who) == time
        folder = coursedir.format_path("submitted", who, "hw")
        assert coursedir.get_existing_timestamp(folder) == time
