"""What needs no nbgrader process: guarding a release, beginning a version, comparing gradings."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from nbconvert.filters.strings import clean_html
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from small_course import NAME, small_course

from coursekit.cli import main
from coursekit.course.assignment import Assignment, assignments, cells_by_grade_id, read_notebook
from coursekit.course.assignment_file import read_assignment_file
from coursekit.course.normal_form import notebook_text
from coursekit.errors import CourseKitError, GateError
from coursekit.gradebook.address import GRADEBOOK, database_url
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.pages.verdict_html import verdict_html
from coursekit.regrading.comparison import Comparison
from coursekit.release.changed_cells import (
    changed_cells,
    refuse_changed_cells,
    students_with_submissions,
)
from coursekit.release.drafts import new_folders
from coursekit.release.new_version import new_version
from resnets_utils.checks.check_result import CheckResult, Outcome


@pytest.fixture
def small(tmp_path: Path, assignment: Assignment) -> Assignment:
    (tmp_path / "course").mkdir()
    return small_course(tmp_path / "course", assignment)


def _prose(notebook: NotebookNode) -> None:
    notebook.cells[0].source = "# Better words"


def _new_prose(notebook: NotebookNode) -> None:
    notebook.cells.insert(0, new_markdown_cell("Mind this."))


def _points(notebook: NotebookNode) -> None:
    cells_by_grade_id(notebook)["test_identity_block"].metadata.nbgrader["points"] = 7


def _text(notebook: NotebookNode) -> None:
    cells_by_grade_id(notebook)["imports"].source += "\nimport os"


def _gone(notebook: NotebookNode) -> None:
    notebook.cells = notebook.cells[:-1]


def _renamed(notebook: NotebookNode) -> None:
    cells_by_grade_id(notebook)["identity_block"].metadata.nbgrader["grade_id"] = "my_block"


def _retyped(notebook: NotebookNode) -> None:
    cells_by_grade_id(notebook)["imports"].cell_type = "markdown"


def _set(key: str, value: bool) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cells_by_grade_id(notebook)["imports"].metadata.nbgrader[key] = value

    return change


Change = Callable[[NotebookNode], None]
CHANGES: list[tuple[Change, list[str]]] = [
    (_prose, []),
    (_new_prose, []),
    (_points, ["cell test_identity_block has changed: its points, 6 to 7"]),
    (_text, ["cell imports has changed: its text"]),
    (_gone, ["cell test_identity_block is gone"]),
    (_renamed, ["cell identity_block is gone", "cell my_block is new"]),
    (_retyped, ["cell imports has changed: its type, code to markdown"]),
    (
        _set("locked", False),
        ["cell imports has changed: whether it is locked, True to False"],
    ),
    (_set("grade", True), ["cell imports has changed: whether it is graded, False to True"]),
    (
        _set("solution", True),
        ["cell imports has changed: whether it is the student's, False to True"],
    ),
    (_set("task", True), ["cell imports has changed: whether it is a task, False to True"]),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_cells_that_students_hold_may_not_change_and_prose_may(
    small: Assignment, tmp_path: Path, change: Change, said: list[str]
) -> None:
    before = read_notebook(small.source)
    after = copy.deepcopy(before)
    change(after)
    assert changed_cells(before, after) == said

    generated = Assignment(tmp_path / "generated", small.name)
    shutil.copytree(small.course / "source", generated.course / "source")
    for place, notebook in ((small, before), (generated, after)):
        place.release.parent.mkdir(parents=True)
        place.release.write_text(notebook_text(notebook))
    refuse_changed_cells(small, generated)  # nobody has handed anything in
    (small.course / "submitted" / "ann" / small.name).mkdir(parents=True)
    if not said:
        refuse_changed_cells(small, generated)
        return
    with pytest.raises(GateError) as caught:
        refuse_changed_cells(small, generated)
    assert "1 student handed in small-block-v1" in caught.value.message
    assert all(line in caught.value.message for line in said)
    assert f"coursekit new-version {small.name} NEW" in caught.value.hint


def test_a_release_that_is_gone_cannot_be_compared_with(small: Assignment) -> None:
    (small.course / "submitted" / "ann" / small.name).mkdir(parents=True)
    with pytest.raises(GateError, match="which the new release is compared with, is missing"):
        refuse_changed_cells(small, small)


def test_a_submission_that_only_the_gradebook_knows_counts(small: Assignment) -> None:
    assert students_with_submissions(small) == set()
    assert not (small.course / GRADEBOOK).exists()
    with Gradebook(database_url(small.course / GRADEBOOK)) as gradebook:
        gradebook.add_assignment(small.name)
        gradebook.add_assignment("another-v1")
        for student, name in (("ann", small.name), ("bob", "another-v1")):
            gradebook.add_student(student)
            gradebook.add_submission(name, student)
    assert students_with_submissions(small) == {"ann"}
    # Whatever stands there was handed in: grading and regrading say what is wrong with it.
    (small.course / "submitted" / "cy").mkdir(parents=True)
    (small.course / "submitted" / "cy" / small.name).write_text("")
    (small.course / "submitted" / "dan" / small.name).mkdir(parents=True)
    (small.course / "submitted" / "eve").mkdir()
    (small.course / "submitted" / "eve" / small.name).symlink_to("nowhere")
    assert students_with_submissions(small) == {"ann", "cy", "dan", "eve"}


def test_the_next_version_is_a_copy_under_its_own_name(
    small: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in small.course.rglob("*") if path.is_file()}
    assert main(["--course", str(small.course), "new-version", NAME, "small-block-v2"]) == 0
    made = Assignment(small.course, "small-block-v2")
    assert made.notebook == "Small_Block_v2"
    assert made.source.read_bytes() == small.source.read_bytes()
    assert [path.name for path in made.tests.iterdir()] == ["identity_block.py"]
    assert {path: path.read_bytes() for path in before} == before
    # What an interruption leaves is no assignment.
    (small.course / "source" / ".small-block-v3.draft").mkdir()
    assert [assignment.name for assignment in assignments(small.course)] == [NAME, made.name]
    # Nobody can release it before the list of updates is written.
    with pytest.raises(CourseKitError, match="updates is empty, but the version follows v1"):
        read_assignment_file(made.source.parent)
    said = capsys.readouterr().out
    assert "source/small-block-v2/assignment.toml" in said
    assert "coursekit release small-block-v2" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("small-block-v9", "small-block-v2", "no assignment 'small-block-v9'"),
        (NAME, "small-block", "is not a name for a version of"),
        (NAME, "small-block-2", "is not a name for a version of"),
        (NAME, "../small-block-v2", "is not a name for a version of"),
        (NAME, "small block-v2", "is not a name for a version of"),
        (NAME, "another-course-v2", "is not a name for a version of"),
        (NAME, NAME, "exists already"),
    ],
)
def test_a_bad_name_for_a_version_writes_nothing(
    small: Assignment, old: str, new: str, said: str
) -> None:
    before = sorted(small.course.rglob("*"))
    with pytest.raises(CourseKitError, match=said):
        new_version(small.course, old, new, print)
    assert sorted(small.course.rglob("*")) == before


def test_hidden_tests_of_that_name_are_not_overwritten(small: Assignment) -> None:
    taken = small.course / "grader_tests" / "small-block-v2"
    taken.mkdir()
    with pytest.raises(CourseKitError, match="exists already"):
        new_version(small.course, NAME, "small-block-v2", print)
    assert not (small.course / "source" / "small-block-v2").exists()


def verdict(*checks: CheckResult) -> NotebookVerdict:
    return NotebookVerdict("a", "A", "ann", (CellVerdict("test_x", "x", checks),), 1, "none")


def test_checks_that_change_come_and_go_are_told() -> None:
    old = verdict(
        CheckResult("same", 1, Outcome.PASSED),
        CheckResult("worded", 1, Outcome.FAILED, "one reason"),
        CheckResult("fixed", 2, Outcome.FAILED, "because"),
        CheckResult("weighed", 1, Outcome.PASSED),
        CheckResult("old", 1, Outcome.PASSED),
        CheckResult("twice", 1, Outcome.PASSED),
        CheckResult("twice", 1, Outcome.PASSED),
    )
    new = verdict(
        CheckResult("same", 1, Outcome.PASSED),
        CheckResult("worded", 1, Outcome.FAILED, "another reason"),
        CheckResult("fixed", 2, Outcome.PASSED),
        CheckResult("weighed", 2, Outcome.PASSED),
        CheckResult("twice", 1, Outcome.FAILED, "because"),
        CheckResult("twice", 1, Outcome.PASSED),
        CheckResult("new", 1, Outcome.ERROR, "because"),
    )
    compared = Comparison("ann", {"test_x": 5}, {"test_x": 6}, old, new)
    assert compared.score_changes and compared.difference == 1
    assert [str(change) for change in compared.checks] == [
        "fixed: ✗ failed 0/2 -> ✓ passed 2/2",
        "weighed: ✓ passed 1/1 -> ✓ passed 2/2",
        "old: removed, it was ✓ passed 1/1",
        "twice: ✓ passed 1/1 -> ✗ failed 0/1",
        "new: a new check, ! error 0/1",
    ]


def test_a_remark_stands_on_the_feedback_page_and_is_escaped() -> None:
    page = verdict_html(verdict().cells[0], "made from <b>v1</b>; v2 was expected")
    assert ">note: made from &lt;b&gt;v1&lt;/b&gt;; v2 was expected</div>" in page
    assert clean_html(page) == page


def test_two_cells_that_change_by_as_much_up_and_down_are_a_change() -> None:
    before, after = {"test_x": 5, "test_y": 2}, {"test_x": 4, "test_y": 3}
    compared = Comparison("ann", before, after, verdict(), verdict())
    assert compared.score_changes and compared.difference == 0


def test_an_interruption_leaves_no_half_assignment(small: Assignment) -> None:
    before = sorted(small.course.rglob("*"))
    with pytest.raises(KeyboardInterrupt), new_folders(Assignment(small.course, "more-v1")) as made:
        for draft in made:
            draft.mkdir()
        raise KeyboardInterrupt
    assert sorted(small.course.rglob("*")) == before
