"""One bad thing for each gate of a release, from the command to the words on the terminal.

The numbers need no Keras: a release of theirs is quick. That cells of submissions are compared
is in `test_versions`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_in_process import generate
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from own_assignments import FUNCTIONS, put_in_place

from coursekit.cli import main
from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.normal_form import notebook_text
from coursekit.errors import GateError
from coursekit.release import pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The numbers, generated in a course of their own."""
    course = tmp_path_factory.mktemp("gates")
    for settings in Path(__file__).resolve().parents[2].glob("nbgrader_config.*"):
        shutil.copy(settings, course)
    made = put_in_place("numbers-v1", course)
    generate(made)
    return made


@pytest.fixture
def numbers(whole: Assignment, tmp_path: Path) -> Assignment:
    """A copy to spoil."""
    shutil.copytree(whole.course, tmp_path / "course")
    return Assignment(tmp_path / "course", whole.name)


def change(assignment: Assignment, cell: str, old: str, new: str) -> None:
    """Change a cell of the source, which stays in its normal form."""
    notebook = read_notebook(assignment.source)
    [found] = [one for one in notebook.cells if one.id == cell]
    assert found.source.count(old) == 1
    found.source = found.source.replace(old, new)
    assignment.source.write_text(notebook_text(notebook), encoding="utf-8")


def add_cells(assignment: Assignment, *cells: NotebookNode) -> None:
    """Add cells at the end of the source, which stays in its normal form."""
    notebook = read_notebook(assignment.source)
    notebook.cells += cells
    assignment.source.write_text(notebook_text(notebook), encoding="utf-8")


def test_everything_that_does_not_pass_a_gate_is_told_at_once(
    numbers: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    for answers in numbers.tests.glob("*.toml"):
        answers.unlink()
    with (numbers.course / "nbgrader_config.py").open("a") as settings:
        settings.write(
            "import uuid\n"
            "stub = f'raise NotImplementedError()  # {uuid.uuid4()}'\n"
            "c.ClearSolutions.code_stub = {'python': stub}\n"
            # Where what is only tried must not be written.
            f"c.CourseDirectory.db_url = 'sqlite:///{numbers.course}/theirs.db'\n"
        )
    (numbers.release.parent / "notes.txt").write_text("not from source/")
    secret = "return powers / powers.sum(axis=-1, keepdims=True)"
    change(numbers, "title", "# A few good numbers", f"Hint: {secret}")
    (numbers.source.parent / "data.txt").write_text("large = 900 + checks.random.uniform(0, 3, 5)")
    mean = "rounded(numbers.mean(), digits)"
    # Only a student's folder holds the record.
    wrong = f"{mean} + __import__('os').path.exists('expected.json')"
    change(numbers, "summary", mean, wrong)
    given = "if x.size == 0:\n        raise ValueError('empty')"
    solution = "    ### BEGIN SOLUTION\n"
    change(numbers, "softmax", solution, f"    {given}\n{solution}")
    add_cells(
        numbers,
        new_code_cell("open('measured.csv')", id="measured"),
        new_markdown_cell(
            "![a](figures/a.png) <img src='b.png'> ![c](attachment:c.png) [data](data.txt#4) "
            "[other](../other.txt) [page](https://a.example/b.png) $z[0](x)$ `z[0](x)`",
            id="figures",
        ),
        new_code_cell("import os\nos._exit(1)", id="last"),
    )
    assert main(["--course", str(numbers.course), "release", "--check"]) == 1
    said = capsys.readouterr().err
    notebook = f"source/numbers-v1/{numbers.source.name}"
    lacking = "which the release does not have"
    for line in (
        f"{notebook}, cell measured: with the solution, and the release's files alone, it ends in "
        "FileNotFoundError: [Errno 2] No such file or directory: 'measured.csv'",
        f"{notebook}, cell figures: it shows or links figures/a.png, {lacking}",
        f"{notebook}, cell figures: it shows or links b.png, {lacking}",
        f"{notebook}, cell figures: it shows or links attachment:c.png, {lacking}",
        f"{notebook}, cell figures: it shows or links ../other.txt, {lacking}",
        f"{notebook}: the kernel stopped while cell ",
        "error: numbers-v1 does not pass the gates:",
        f"two releases of the same source differ: {numbers.source.name}",
        "release/numbers-v1 is not what source/ generates: notes.txt is in only one of the two",
        f"{notebook}, cell title: students would see a line of the solution: {secret!r}",
        "source/numbers-v1/data.txt: students would see a line of a hidden test: ",
        f"{notebook}, cell test_summary: the solution does not pass 'five measurements': ",
        f"{notebook}, cell test_softmax: left as released, 'no scores' reads passed",
        f"{notebook}, cell test_softmax: left as released, 'rows without scores' reads passed",
        "hint: keep solutions between ",
    ):
        assert f"\n{line}" in f"\n{said}", said
    assert "build/" not in said
    assert not (numbers.course / "theirs.db").exists()
    # Nothing that passes is told.
    assert said.count(lacking) == 4 and said.count("it ends in") == 1
    assert said.count("left as released") == 2 and "'no measurements'" not in said


def test_a_fault_that_comes_while_generating_names_the_course_s_own_file(
    numbers: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    # The settings run in the copy as well, and spoil a file there.
    with (numbers.course / "nbgrader_config.py").open("a") as settings:
        settings.write(
            "from pathlib import Path\n"
            "Path('source/numbers-v1/assignment.toml').write_text('version =')\n"
        )
    assert main(["--course", str(numbers.course), "release"]) == 1
    said = capsys.readouterr().err
    assert "numbers-v1 has a mistake:\nsource/numbers-v1/assignment.toml: cannot be read" in said
    assert "build/" not in said


def test_an_error_about_a_copied_file_names_the_course_s_own() -> None:
    copied = Path("/course/build/gates/numbers-v1")
    with pytest.raises(GateError) as caught, pipeline.told_of_the_course(Path("/course"), copied):
        raise GateError(f"{copied}/source/a.ipynb: bad", f"edit {copied}/grader_tests/a.py")
    assert caught.value.message == "source/a.ipynb: bad"
    assert caught.value.hint == "edit grader_tests/a.py"


def test_what_can_be_told_before_nbgrader_runs_is_told_then(
    numbers: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    release = ["--course", str(numbers.course), "release"]
    numbers.source.write_text(numbers.source.read_text() + "\n")
    assert main([*release, "--check"]) == 1
    assert "Numbers_v1.ipynb is not normalised" in capsys.readouterr().err
    hidden = numbers.tests / "softmax.py"
    hidden.write_text(f"b = nothing\n{hidden.read_text()}")
    assert main(release) == 1
    told = capsys.readouterr()
    assert "name 'nothing' is not defined, line 1 of the hidden tests" in told.err
    assert "trying every check" in told.out and "generating" not in told.out


def test_a_release_that_is_not_the_one_that_passed_is_told(
    numbers: Assignment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the copy of the course, which the gates look at, the settings do something else.
    with (numbers.course / "nbgrader_config.py").open("a") as settings:
        settings.write(
            "from pathlib import Path\n"
            "stub = f'raise NotImplementedError()  # {Path.cwd().name}'\n"
            "c.ClearSolutions.code_stub = {'python': stub}\n"
            # Where what is only tried must not be written.
            f"c.CourseDirectory.db_url = 'sqlite:///{numbers.course}/theirs.db'\n"
        )
    monkeypatch.setattr(
        pipeline, "_pass_gates", lambda course, tried, **how: pipeline.generate(tried)
    )
    assert main(["--course", str(numbers.course), "release"]) == 1
    said = capsys.readouterr().err
    assert f"differs from the one that passed the gates: {numbers.source.name}\n" in said


def test_all_assignments_are_released_or_those_that_are_named(
    numbers: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[str] = []
    monkeypatch.setattr(pipeline, "_release", lambda one, **how: released.append(one.name))
    for name in FUNCTIONS:
        put_in_place(name, numbers.course)
    for names in ([], ["plain-network-v1"]):
        assert main(["--course", str(numbers.course), "release", *names]) == 0
    assert released == [*sorted(FUNCTIONS), "plain-network-v1"]
