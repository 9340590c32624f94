"""Real nbgrader grades submissions made from two versions of one small assignment."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_in_process import generate, run_nbgrader
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from one_core import one_core
from small_course import CHANGED_HIDDEN, HIDDEN, NAME, small_course

from coursekit.cli import main
from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.course.origin_digests import hidden_tests_digest
from coursekit.course.version_choice import choose_version
from coursekit.errors import InfrastructureError
from coursekit.gradebook.asked_cells import asked_cells
from coursekit.nbgrader_run import read_verdict, submission_error
from coursekit.release.leaks import find_leaks, hidden_lines
from coursekit.release.new_version import new_version
from resnets_utils.notebooks.stamp import KEY, digest_cells, read_stamp

pytestmark = pytest.mark.slow

SECOND = "small-block-v2"
# A course's own step, which loses the test cell of one student.
LOSING = """
def lose_a_cell(notebook, resources):
    if resources["nbgrader"]["student"] == "unjudged":
        notebook.cells = [cell for cell in notebook.cells if "Checks(" not in cell.source]
    return notebook, resources

c.Autograde.autograde_preprocessors.insert(0, lose_a_cell)
"""


@dataclass(frozen=True)
class TwoVersions:
    """Version 1 asks for layer names in its hidden test, version 2 for the order of layers."""

    first: Assignment
    second: Assignment

    @property
    def database(self) -> str:
        return f"sqlite:///{self.first.course}/gradebook.db"

    def choose(self, metadata: object, releases: str = "") -> tuple[str, str]:
        """By which assignment a notebook handed in for version 2 is graded, and the remark."""
        chosen = choose_version(
            metadata,
            SECOND,
            self.second.notebook,
            asked_cells(self.database),
            Path(releases or f"{self.first.course}/release"),
        )
        names = {NAME: self.first.notebook, SECOND: self.second.notebook}
        assert chosen.notebook == names[chosen.assignment]
        return chosen.assignment, chosen.remark


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> TwoVersions:
    course = tmp_path_factory.mktemp("two-versions")
    first = small_course(course, assignment)
    second = new_version(course, NAME, SECOND, print)
    version = second.source.parent / "assignment.toml"
    version.write_text('version = "v2"\nprevious = "v1"\nupdates = ["The order counts."]\n')
    (second.tests / "identity_block.py").write_text(CHANGED_HIDDEN)
    text = second.source.read_text()
    second.source.write_text(text.replace("import numpy as np", "import numpy as np  # v2", 1))
    for made in (first, second):
        generate(made)
    return TwoVersions(first, second)


def metadata(assignment: Assignment) -> Any:
    return copy.deepcopy(released(assignment).metadata)


def test_a_release_carries_its_stamp_and_its_list_of_updates(two: TwoVersions) -> None:
    notebook = released(two.second)
    stamp = read_stamp(notebook.metadata)
    assert stamp is not None
    assert (stamp.assignment, stamp.version, stamp.previous) == (SECOND, "v2", "v1")
    assert stamp.release == digest_cells(notebook.cells)
    assert stamp.hidden_tests == hidden_tests_digest(two.second)
    assert stamp.hidden_tests != hidden_tests_digest(two.first)
    assert "Since version v1:\n\n- The order counts." in notebook.cells[1].source
    assert not list(two.second.release.parent.rglob("assignment.toml"))
    assert find_leaks(two.second, two.second.release.parent) == []


def _no_stamp(found: Any) -> None:
    del found[KEY]


def _forged(found: Any) -> None:
    found[KEY]["assignment"] = "<script>"


def _unknown(found: Any) -> None:
    found[KEY]["assignment"] = "small-block-v0"


def _older_release(found: Any) -> None:
    found[KEY]["release"] = "sha256:" + 64 * "1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: None, ""),
        (_no_stamp, "carries no version stamp that can be read; graded as v2"),
        (_forged, "carries no version stamp that can be read; graded as v2"),
        (_unknown, "made from v0, which the gradebook does not know; graded as v2"),
        (_older_release, "made from another release of v2 than today's; graded as today's"),
    ],
)
def test_a_submission_is_graded_as_expected_and_what_is_odd_is_said(
    two: TwoVersions, change: Callable[[Any], None], said: str
) -> None:
    found = metadata(two.second)
    change(found)
    assert two.choose(found) == (SECOND, said)


def test_a_submission_made_from_another_version_is_graded_by_that(
    two: TwoVersions, tmp_path: Path
) -> None:
    said = "made from v1, graded by its tests; v2 was expected"
    assert two.choose(metadata(two.first)) == (NAME, said)
    assert two.choose(metadata(two.first), str(tmp_path)) == (
        SECOND,
        "made from v1, whose release is not there; graded as v2",
    )
    with Gradebook(two.database) as gradebook:
        cell = gradebook.find_grade_cell("test_identity_block", two.first.notebook, NAME)
        cell.max_score = 7
        gradebook.db.commit()
        try:
            said = "made from v1, which asks for other cells or points; graded as v2"
            assert two.choose(metadata(two.first)) == (SECOND, said)
        finally:
            cell.max_score = 6
            gradebook.db.commit()


@pytest.fixture(scope="module")
def graded(two: TwoVersions) -> TwoVersions:
    """Two students hand in the same answer for version 2, wrong in its names alone.

    One made it from version 1, and left it its name, the other from version 2 and lost the stamp. A
    third handed in a broken file, and the fourth's test cell is lost, so that the batch must go on.
    """
    with (two.first.course / "nbgrader_config.py").open("a") as settings:
        settings.write(LOSING)
    submit(two.second, "unjudged", released(two.second))
    names = solution_cells(two.first)["identity_block"].replace('bn_name + "2c"', '"mine"')
    for student, origin in (("first", two.first), ("unstamped", two.second)):
        notebook: NotebookNode = fill_in(released(origin), {"identity_block": names})
        if student == "unstamped":
            del notebook.metadata[KEY]
        path = submit(two.second, student, notebook)
        if student == "first":
            # It keeps the name of the version that it was made from.
            path.rename(path.with_name(f"{two.first.notebook}.ipynb"))
    folder = two.first.course / "submitted" / "broken" / SECOND
    folder.mkdir(parents=True)
    (folder / f"{two.second.notebook}.ipynb").write_text("{")
    with pytest.raises(InfrastructureError, match="failed"):
        run_nbgrader(two.first.course, "autograde", SECOND)
    run_nbgrader(two.first.course, "generate_feedback", SECOND)
    return two


def scores(course: Path) -> dict[str, float | None]:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {
            submission.student.id: submission.grades[0].auto_score
            for submission in gradebook.notebook_submissions("Small_Block_v2", SECOND)
        }


def test_each_version_is_judged_by_its_own_hidden_test(graded: TwoVersions) -> None:
    course = graded.first.course
    assert scores(course) == {"first": 3, "unstamped": 6, "broken": None, "unjudged": None}
    for student, hidden_check, said in (
        ("first", "layer names", "made from v1, graded by its tests; v2 was expected"),
        ("unstamped", "order", "carries no version stamp that can be read; graded as v2"),
    ):
        verdict = read_verdict(course, student, SECOND, graded.second.notebook)
        # The first kept the name of the version that it was made from.
        renamed = ("Small_Block_v2.ipynb is not there; Small_Block_v1.ipynb was graded instead",)
        assert verdict.remarks == (said, *(renamed if student == "first" else ()))
        assert [check.name for check in verdict.cells[0].checks][-1] == hidden_check
        handed_back = read_notebook(
            course / "autograded" / student / SECOND / f"{graded.second.notebook}.ipynb"
        )
        imports = cells_by_grade_id(handed_back)["imports"].source
        assert ("# v2" in imports) == (student == "unstamped")
        page = course / "feedback" / student / SECOND / f"{graded.second.notebook}.html"
        assert said in page.read_text()


def test_a_test_cell_that_was_not_judged_fails_the_grading(graded: TwoVersions) -> None:
    course = graded.first.course
    assert submission_error(course, "unjudged", SECOND).startswith(
        "test cells test_identity_block were not judged\nhint: "
    )
    assert not list((course / "autograded" / "unjudged").rglob("*.*"))


def test_no_versions_hidden_test_is_left_where_a_student_can_read_it(graded: TwoVersions) -> None:
    hidden = {line for one in (graded.first, graded.second) for line in hidden_lines(one)}
    assert len(hidden) >= 4
    for folder in ("autograded", "feedback"):
        for path in (graded.first.course / folder).rglob("*.*"):
            if path.is_file():
                text = path.read_text(errors="replace")
                assert not [line for line in hidden if line in text], path


def test_regrade_leaves_another_versions_submission_alone(
    graded: TwoVersions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = tmp_path / "course"
    shutil.copytree(graded.first.course, course)
    second = Assignment(course, SECOND)
    (second.tests / "identity_block.py").write_text(HIDDEN)
    with one_core():
        assert main(["--course", str(course), "regrade", SECOND, "--write"]) == 0
    said = capsys.readouterr().out
    assert "score changes: 1 submission\n  unstamped: 6 -> 3 (-3)\n" in said
    assert "order: removed, it was ✓ passed 3/3" in said
    assert "layer names: a new check, ✗ failed 0/3" in said
    assert "score stays: 1 submission\n" in said
    assert "graded in the copy 2 of 2" in said
    alone = "  broken: not graded yet\n  unjudged: not graded yet\n"
    assert f"left alone: 2 submissions\n{alone}" in said
    assert scores(course) == {"first": 3, "unstamped": 3, "broken": None, "unjudged": None}


def in_place(course: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for folder in ("release", "submitted", "autograded", "gradebook.db")
        for path in [course / folder, *(course / folder).rglob("*")]
        if path.is_file()
    }


@pytest.mark.parametrize("command", ["release", "regrade"])
def test_a_change_of_what_students_hold_is_refused_and_changes_nothing(
    graded: TwoVersions,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    course = tmp_path / "course"
    shutil.copytree(graded.first.course, course)
    second = Assignment(course, SECOND)
    text = second.source.read_text()
    # Two points more, in the cell and in a check of it.
    hidden = second.tests / "identity_block.py"
    hidden.write_text(hidden.read_text().replace("points=3", "points=5"))
    second.source.write_text(text.replace('"points": 6', '"points": 8'))
    before = in_place(course)
    assert main(["--course", str(course), command, SECOND]) == 1
    said = capsys.readouterr().err
    assert "error: 4 students handed in small-block-v2, and its release would change:" in said
    assert "cell test_identity_block has changed: its points, 6 to 8" in said
    assert "hint: " in said and "coursekit new-version small-block-v2 NEW" in said
    assert in_place(course) == before
