"""Real nbgrader grades a class of broken submissions in one batch."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from broken_notebooks import (
    ANSWER,
    TEST,
    Notebook,
    as_bytes,
    attachments,
    backwards,
    cell_of,
    deleted_imports,
    deleted_tests,
    duplicated_cells,
    duplicated_ids,
    edited_imports,
    edited_tests,
    foreign_metadata,
    huge_outputs,
    in_format_3,
    metadata_of_wrong_types,
    retyped,
    schema_versions,
    split,
    stripped,
    surrogates_and_nul,
    tags,
)
from command_in_process import generate, run_nbgrader
from nbformat import from_dict
from nbgrader.api import Gradebook
from small_course import small_course

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import solution_cells
from coursekit.errors import InfrastructureError
from coursekit.nbgrader_run import LOG, read_verdict, submission_error
from coursekit.publishing.fetching_cell import fetching_cell
from coursekit.publishing.published_notebook import published_notebook
from coursekit.repair.finding.files_beside import MAX_FILE_BYTES

pytestmark = pytest.mark.slow

NAME = "Small_Block_v1.ipynb"
FETCHING = "wrote into the cell that fetches"
RIGHT, WRONG, BLANK = 6.0, 3.0, 0.0
PLANTED = "raise SystemExit('planted')"
# Whoever names folders by what an LMS gives has names like these: they mean themselves.
GROUP = "[group] 1"
ONE = (f"--student={GROUP}",)
ODD = "-*?{student_id}%d+~'\"&<b>, \\😀"
COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"
LONG = "שרה" + 249 * "x"
# Nobody can have these, and why.
NO_NAMES = {
    "A\nb": ("A\\nb", "contains a line end"),
    " spaced": (" spaced", "begins or ends with a space"),
    ".hidden": (".hidden", "begins with a dot"),
    "\udcff": ("\\udcff", "is not in UTF-8"),
    "\u202eeve": ("\\u202eeve", "contains a mark that changes the direction"),
    '"eve"': ('"eve"', "stands in quotation marks"),
}
# After a submission was found, and before anything in it is read, another stands in its place.
HOOK = """
def exchange(*, notebooks, **others):
    from pathlib import Path
    folder = Path(notebooks[0]).parents[1]
    if folder.name == "exchanged":
        folder.rename(folder.with_name(".the real one"))
        folder.symlink_to("honest")
c.Autograde.pre_convert_hook = exchange
"""


@dataclass(frozen=True)
class Class:
    """The graded class.

    Attributes:
        assignment: the small assignment.
        scores: what each student whose work can be graded must get.
        repairs: a part of what is said of each.
        hopeless: a part of the reason why each of the others is not graded.
        before: the digest of ``submitted/`` before grading.

    """

    assignment: Assignment
    scores: dict[str, float]
    repairs: dict[str, str]
    hopeless: dict[str, str]
    before: str

    def folder(self, student: str) -> Path:
        return self.assignment.course / "submitted" / student / self.assignment.name

    def score(self, student: str) -> tuple[float | None, bool]:
        """The score in the gradebook, and whether it waits for somebody."""
        with Gradebook(f"sqlite:///{self.assignment.course}/gradebook.db") as gradebook:
            grade = gradebook.find_grade(
                TEST, self.assignment.notebook, self.assignment.name, student
            )
            return grade.auto_score, grade.needs_manual_grade


def digest(folder: Path) -> str:
    """The digest of everything in a folder: names, kinds, contents, targets of links."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        what = os.readlink(path) if path.is_symlink() else path.lstat().st_mode
        found.update(f"{path.relative_to(folder)} {what}\n".encode(errors="surrogateescape"))
        if path.is_file() and not path.is_symlink():
            found.update(path.read_bytes())
    return found.hexdigest()


def plant(folder: Path, course: Path) -> None:
    """Put beside a notebook what must neither run, nor be followed, nor stop anything."""
    for name in ("keras.py", "sitecustomize.py", "nbgrader.py", "resnets_utils.py"):
        (folder / name).write_text(PLANTED)
    (folder / "gradebook.png").symlink_to(course / "gradebook.db")
    (folder / "endless.png").symlink_to("/dev/zero")
    (folder / "nowhere.png").symlink_to("/no/such/file")
    (folder / "everything").symlink_to(course)
    for name in ("page.HTML", "drawing.svg", "data.xml"):
        (folder / name).write_text("<script>opened()</script>")
    os.mkfifo(folder / "pipe.png")
    for name in ("small.png", "\udcff\n[1]*.png"):
        (folder / name).write_bytes(b"a picture")
    (folder / "Small_Block_v1.verdict.json").mkdir()
    (folder / "Small_Block_v1.verdict.json" / "in_the_way.txt").write_text("1")
    (folder / "resnets_utils" / "checks.py").mkdir(parents=True)
    (folder / "resnets_utils" / "checks.py" / "hand.png").write_bytes(b"in the way")
    (folder / "timestamp.txt").write_text("the day before yesterday")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Class:
    course = tmp_path_factory.mktemp("broken")
    small = small_course(course, assignment)
    generate(small)
    right = solution_cells(small)
    wrong = {ANSWER: right[ANSWER].replace('f"res', 'f"other')}
    assert wrong != right

    def answered(*damages: Any, answers: dict[str, str] = right) -> Notebook:
        notebook = dict(json.loads(json.dumps(fill_in(released(small), answers))))
        for damage in damages:
            damage(notebook)
        return notebook

    def edited_for_points(notebook: Notebook) -> None:
        edited_tests(notebook)
        edited_imports(notebook)

    def retyped_and_odd(notebook: Notebook) -> None:
        retyped(notebook)
        attachments(notebook)
        metadata_of_wrong_types(notebook)

    def own_ways(notebook: Notebook) -> None:
        """What works in Jupyter, and must not cost the answer in a sandbox."""
        cell = cell_of(notebook, ANSWER)
        lines = ["!echo installing keras", "found = !echo {6 * 7}", "%matplotlib widget", "%nosuch"]
        ends = ["assert found == ['42'] and _exit_code == 0", "exit()"]
        cell["source"] = "\n".join([*lines, cell["source"], *ends])

    def imported(notebook: Notebook) -> None:
        cell_of(notebook, ANSWER)["source"] = f"from my_blocks import {ANSWER}"

    def of_a_newer_python(notebook: Notebook) -> None:
        cell_of(notebook, ANSWER)["source"] += 'name = t"{ANSWER}"\n'
        notebook["metadata"]["language_info"] = {"name": "python", "version": "3.14.1"}

    def published(notebook: Notebook) -> None:
        """As it is published, and then saved by Colab."""
        cell = fetching_cell("https://nowhere.invalid/x.zip", b"x", 64 * "0", 64 * "0")
        more = published_notebook(from_dict(notebook), "https://colab.invalid", cell)
        notebook |= json.loads(json.dumps(more)) | {"nbformat_minor": 0}
        notebook["metadata"] |= {"colab": {"provenance": []}}
        for one in notebook["cells"]:
            one["metadata"]["id"] = one.pop("id")

    def written_into_the_cell_that_fetches(notebook: Notebook) -> None:
        published(notebook)
        cell = next(one for one in notebook["cells"] if one["metadata"]["id"] == "fetch-files")
        cell["source"] += "\nmine = 1"
        cell_of(notebook, ANSWER)["source"] = "assert mine\n" + right[ANSWER]

    def other_metadata(notebook: Notebook) -> None:
        foreign_metadata(notebook)
        schema_versions(notebook)
        tags(notebook)

    made: dict[str, tuple[bytes, float, str]] = {
        "honest": (as_bytes(answered()), RIGHT, ""),
        "published": (as_bytes(answered(published)), RIGHT, ""),
        FETCHING: (as_bytes(answered(written_into_the_cell_that_fetches)), RIGHT, ""),
        "exchanged": (as_bytes(answered(answers=wrong)), WRONG, ""),
        COMPOSED: (as_bytes(answered(own_ways)), RIGHT, ""),
        "stripped-format-3": (
            as_bytes(in_format_3(answered(stripped))),
            RIGHT,
            "identity_block was found in another cell",
        ),
        GROUP: (
            as_bytes(answered(duplicated_cells, duplicated_ids, other_metadata)),
            RIGHT,
            "the last answer was judged",
        ),
        ODD: (as_bytes(answered(retyped_and_odd, answers=wrong)), WRONG, "turned into markdown"),
        LONG: (
            as_bytes(answered(edited_for_points, answers=wrong)),
            WRONG,
            "the test cell test_identity_block had been changed",
        ),
        DECOMPOSED: (
            as_bytes(answered(split, deleted_tests, deleted_imports, answers=wrong)),
            WRONG,
            "cut into 2 cells",
        ),
        "left-out": (as_bytes(answered(imported)), BLANK, ""),
        "of-a-newer-python": (as_bytes(answered(of_a_newer_python)), BLANK, ""),
        "no-cells": (b'{"cells": [], "nbformat": 4}', BLANK, "it holds no cell for an answer"),
    }
    whole = as_bytes(answered())
    hopeless: dict[str, tuple[bytes, str]] = {
        "corrupt": (b'{"cells": [', "cannot be read as a notebook"),
        "noise": (bytes(range(256)) * 99, "cannot be read as a notebook"),
        "empty-file": (b"", "is empty"),
        "nested": (b'{"cells": ' + b"[" * 200_000, "nested too deep"),
        "no-zip": (b"PK\x03\x04 no zip", "cannot be unpacked"),
        "cut-off": (whole[: whole.index(b"BatchNormalization(axis")], "would be lost"),
    }
    submitted = course / "submitted"
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + HOOK)

    def folder(student: str) -> Path:
        found = submitted / student / small.name
        found.mkdir(parents=True)
        return found

    for student, (content, _, _) in made.items():
        (folder(student) / NAME).write_bytes(content)
    for student, (unreadable, _) in hopeless.items():
        (folder(student) / NAME).write_bytes(unreadable)
    for student in NO_NAMES:
        (folder(student) / NAME).write_bytes(whole)
    # As it was fetched, with the library, and that twice; with a model and a note.
    fetched = submitted / "honest" / small.name
    for place in (fetched, fetched / "again"):
        shutil.copytree(small.release.parent, place, dirs_exist_ok=True)
        (place / NAME).unlink()
    (fetched / NAME).write_bytes(whole)
    with (fetched / "model.keras").open("wb") as stream:
        stream.truncate(30_000_001)  # a hole: it takes no room
    (fetched / "notes.md").write_text("for the grader")
    scores = {student: score for student, (_, score, _) in made.items()}
    repairs = {student: said for student, (_, _, said) in made.items()}
    reasons = {student: said for student, (_, said) in hopeless.items()}
    with zipfile.ZipFile(folder("in-a-zip") / "homework.zip", "w") as archive:
        odd = as_bytes(answered(surrogates_and_nul, huge_outputs)) + bytes(512) + b"}"
        archive.writestr(f"homework/{NAME}", odd)
    with zipfile.ZipFile(folder("own-module") / "homework.zip", "w") as archive:
        archive.writestr("homework/mine.ipynb", as_bytes(answered(imported)))
        archive.writestr("homework/my_blocks.py", _as_module(right))
        archive.writestr("homework/keras.py", PLANTED)
    blocks = submitted / "left-out" / small.name / "my_blocks.py"
    blocks.write_text(_as_module(right) + "#" * MAX_FILE_BYTES)
    planted = folder("planted") / "deeper"
    planted.mkdir()
    (planted / "mine.ipynb").write_bytes(as_bytes(answered(backwards)))
    plant(planted.parent, course)
    scores |= {"in-a-zip": RIGHT, "planted": RIGHT, "own-module": RIGHT}
    repairs |= {"in-a-zip": "homework.zip was graded", "planted": "deeper/mine.ipynb was graded"}
    repairs |= {"own-module": "homework.zip was graded"}
    folder("empty")
    with zipfile.ZipFile(folder("bomb") / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, bytes(260 * 2**20))
    (folder("other") / "other.ipynb").write_bytes(b'{"cells": []}')
    (folder("a-folder") / NAME).mkdir()
    (folder("link") / NAME).symlink_to(submitted / "honest" / small.name / NAME)
    (submitted / "student-link").symlink_to("honest")
    (submitted / "whole-link").mkdir()
    (submitted / "whole-link" / small.name).symlink_to(submitted / "honest" / small.name)
    reasons |= {
        "empty": "no notebook was handed in",
        "link": "is a link, which is not followed",
        "whole-link": "the folder itself is a link",
        "student-link": "the folder student-link above it is a link",
        "bomb": "is larger than 256 MB",
        "other": "other.ipynb holds none of the graded functions",
        "a-folder": "no notebook was handed in",
    }
    before = digest(submitted)
    with pytest.raises(InfrastructureError, match="failed"):
        run_nbgrader(course, "autograde", small.name)
    run_nbgrader(course, "generate_feedback", small.name)
    return Class(small, scores, repairs, reasons, before)


def test_each_gets_what_the_answer_earns_and_nothing_stands_for_the_others(
    graded: Class,
) -> None:
    found = {student: graded.score(student) for student in [*graded.scores, *graded.hopeless]}
    assert found == {
        **{student: (score, False) for student, score in graded.scores.items()},
        **dict.fromkeys(graded.hopeless, (None, True)),
    }


def test_repairs_are_named_in_the_verdict_and_in_the_feedback(graded: Class) -> None:
    small = graded.assignment
    for student, said in graded.repairs.items():
        verdict = read_verdict(small.course, student, small.name, small.notebook)
        assert said in "\n".join(verdict.remarks), student
        assert bool(said) == bool(verdict.remarks), student
        page = small.course / "feedback" / student / small.name / f"{small.notebook}.html"
        assert said in page.read_text(), student
    assert verdict_of(graded, "no-cells").cells[0].outcome == "not attempted"
    remarks = "\n".join(verdict_of(graded, "planted").remarks)
    for said in (
        "endless.png is a link",
        "pipe.png is no plain file",
        "timestamp.txt holds no time",
        "stood above an answer",
    ):
        assert said in remarks
    assert "control characters" in "\n".join(verdict_of(graded, "in-a-zip").remarks)


def _as_module(answers: dict[str, str]) -> str:
    """A module of the student's own, with the answer in it."""
    return f"""from keras.initializers import *
from keras.layers import *
from keras.models import *

{answers[ANSWER]}
"""


def test_the_cells_that_publishing_adds_cost_nothing(graded: Class) -> None:
    small = graded.assignment

    def graded_as(student: str) -> Any:
        place = small.course / "autograded" / student / small.name / NAME
        return json.loads(place.read_text())["cells"]

    verdicts = [verdict_of(graded, one) for one in ("honest", "published", FETCHING)]
    assert verdicts[0].cells == verdicts[1].cells == verdicts[2].cells
    assert [verdict.remarks for verdict in verdicts] == [()] * 3
    honest, published = graded_as("honest"), graded_as("published")
    assert [cell["id"] for cell in published] == [cell["id"] for cell in honest]
    [own] = [cell for cell in graded_as(FETCHING) if "mine = 1" in "".join(cell["source"])]
    # It runs in the sandbox, and does not try the network.
    [said] = own["outputs"]
    assert said["output_type"] == "stream" and "Fetching" not in "".join(said["text"])


def test_what_an_undefined_function_fails_for_is_told(graded: Class) -> None:
    def reason(student: str) -> str:
        return str(verdict_of(graded, student).cells[0].checks[0].reason)

    assert reason("left-out") == (
        "identity_block is not defined: its cell ended in ModuleNotFoundError: No module named "
        "'my_blocks'; my_blocks.py was handed in and left out: it is larger than 500 KB"
    )
    assert "its cell ended in SyntaxError: " in reason("of-a-newer-python")
    assert "; the notebook was written with Python 3.14, and " in reason("of-a-newer-python")


def verdict_of(graded: Class, student: str) -> Any:
    small = graded.assignment
    return read_verdict(small.course, student, small.name, small.notebook)


def test_what_cannot_be_graded_has_its_reason_in_the_log(graded: Class) -> None:
    small = graded.assignment
    for student, reason in graded.hopeless.items():
        assert reason in submission_error(small.course, student, small.name), student
        assert not (small.course / "autograded" / student / small.name).exists()
    log = (small.course / LOG).read_text()
    failed = "There was an error processing assignment '"
    assert log.count(failed) == len(graded.hopeless)
    # Repair names what was changed; nbgrader's own warnings are left for what it cannot know.
    assert "has changed!" not in log


def test_nothing_handed_in_is_changed_and_no_link_is_followed(graded: Class) -> None:
    small = graded.assignment
    submitted = small.course / "submitted"
    assert (submitted / "exchanged").is_symlink()
    (submitted / "exchanged").unlink()
    (submitted / ".the real one").rename(submitted / "exchanged")
    assert digest(submitted) == graded.before
    copied = small.course / "autograded" / "planted" / small.name
    names = sorted(str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file())
    assert names == [
        NAME,
        "Small_Block_v1.verdict.json",
        "keras.py",
        "nbgrader.py",
        "resnets_utils.py",
        "sitecustomize.py",
        "small.png",
        "\udcff\n[1]*.png",
    ]
    assert (copied.parents[2] / "feedback" / "planted" / small.name / names[-1]).is_file()
    assert not any(path.is_symlink() for path in copied.rglob("*"))


def test_what_the_release_gives_is_not_kept_again(graded: Class) -> None:
    small = graded.assignment
    page, verdict = "Small_Block_v1.html", "Small_Block_v1.verdict.json"
    for step, who, files in (
        ("autograded", "honest", [NAME, verdict, "notes.md"]),
        ("feedback", "honest", [page, "notes.md"]),
        ("autograded", "in-a-zip", [NAME, verdict]),
        ("feedback", "in-a-zip", [page]),
    ):
        folder = small.course / step / who / small.name
        assert sorted(path.name for path in folder.rglob("*")) == files


def test_a_grading_that_was_broken_off_is_done_again(graded: Class) -> None:
    """As after a power cut: the folder is there, the verdict is not."""
    small = graded.assignment
    file = f"{small.notebook}.verdict.json"
    verdict = small.course / "autograded" / GROUP / small.name / file
    verdict.unlink()
    before = ages(small.course / "autograded", file)
    run_nbgrader(small.course, "autograde", small.name, *ONE)
    after = ages(small.course / "autograded", file)
    assert verdict in after
    # Nobody else, though other names fit this one if it is a pattern.
    assert {path: age for path, age in after.items() if path != verdict} == before
    assert graded.score(GROUP) == (RIGHT, False)


def test_a_page_of_one_student_is_made_whatever_the_name(graded: Class) -> None:
    small = graded.assignment
    before = ages(small.course / "feedback", "*.html")
    run_nbgrader(small.course, "generate_feedback", small.name, "--force", *ONE)
    after = ages(small.course / "feedback", "*.html")
    assert before.keys() == after.keys()
    assert {path.parts[-3] for path in after if after[path] != before[path]} == {GROUP}


def ages(folder: Path, file: str) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob(f"*/*/{file}")}


def test_nothing_runs_with_settings_that_could_not_be_read(graded: Class) -> None:
    course = graded.assignment.course
    settings = course / "nbgrader_config.py"
    text = settings.read_text()
    settings.write_text(text + "c.StudentKernel.cell_seconds = (")
    try:
        with pytest.raises(InfrastructureError, match="does not name JudgeAnswers") as caught:
            run_nbgrader(course, "autograde", graded.assignment.name, *ONE, "--force")
    finally:
        settings.write_text(text)
    assert "hint: if there is a traceback above, fix the mistake" in str(caught.value)
    assert graded.score(GROUP) == (RIGHT, False)


def test_a_regrade_without_the_notebook_takes_the_score_back(graded: Class) -> None:
    small = graded.assignment
    kept = graded.folder("honest") / NAME
    away = small.course / "put_away.ipynb"
    shutil.move(kept, away)
    try:
        with pytest.raises(InfrastructureError, match="no notebook was handed in"):
            run_nbgrader(small.course, "autograde", small.name, "--student", "honest", "--force")
        assert graded.score("honest") == (None, True)
    finally:
        shutil.move(away, kept)
    assert cell_of(json.loads(kept.read_text()), ANSWER)


def test_names_that_nobody_can_have_are_told_and_cost_nobody_else_anything(graded: Class) -> None:
    small = graded.assignment
    log = (small.course / LOG).read_text()
    for name, (shown, why) in NO_NAMES.items():
        said = f"error: submitted/{shown}/{small.name} was passed over: its student's name {why}"
        assert said in " ".join(log.split()), name
        assert not (small.course / "autograded" / name).exists()
