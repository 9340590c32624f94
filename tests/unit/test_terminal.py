"""A terminal that has few letters, or none at all, gets words and no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_course import NAME, small_course

from coursekit.command_runner import line_printer, run_command
from coursekit.course.assignment import Assignment

# Where the studio lies, which is not installed.
HOUSE = Path(__file__).resolve().parents[2]
COURSEKIT = [sys.executable, "-c", "import sys; from coursekit.cli import main; sys.exit(main())"]
STUDIO = [sys.executable, "-m", "studio"]
ASCII = {"PYTHONIOENCODING": "ascii"}
POSIX = {"LC_ALL": "POSIX"}
# Neither is what Python does by itself: names of files are ASCII as well.
BARE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
# What the demo prints of a submission.
SHOWN = """
from coursekit.command_runner import run_command
from coursekit.demo import scores, show_reasons
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from resnets_utils.checks.check_result import CheckResult, Outcome
checks = (
    CheckResult("a", 1, Outcome.PASSED),
    CheckResult("b", 1, Outcome.FAILED, "3 × 3 – für …"),
)
cell = CellVerdict("test_f", "f", checks)
verdict = NotebookVerdict("a-v1", "A", "jörg", (cell,), 1, "none")
entry = {"student": "jörg", "assignment": "a-v1", "about": "schön"}
def show(console):
    console.print(scores([entry], [verdict])[0])
    show_reasons([entry], [verdict], console)
    return 0
run_command(show)
"""


@pytest.fixture
def course(tmp_path: Path, assignment: Assignment) -> Path:
    """A small course in a folder of a student's name, and that student's notebook."""
    folder = tmp_path / "jörg ✗"
    folder.mkdir()
    made = small_course(folder, assignment)
    made.release.parent.mkdir(parents=True)
    shutil.copy(made.source, made.release)
    (folder / "älter.ipynb").write_text("{")
    return folder


def run(command: list[str], settings: dict[str, str], course: Path, *arguments: str) -> list[str]:
    """What a command says in such a terminal."""
    done = subprocess.run(
        [*command, *arguments],
        cwd=course,
        env={**os.environ, "PYTHONPATH": str(HOUSE), **settings},
        capture_output=True,
        check=False,
    )
    said = (done.stdout + done.stderr).decode("utf-8")
    assert done.returncode in (0, 1, 2), said
    assert "Traceback" not in said, said
    if settings is not POSIX:
        assert said.isascii()
    return said.splitlines()


@pytest.mark.parametrize(
    ("settings", "name"),
    [(ASCII, "jorg x"), (POSIX, "jörg ✗"), (BARE, "j??rg ???")],
    ids=["ascii", "posix", "bare"],
)
def test_a_folder_is_told_in_the_letters_there_are(
    course: Path, settings: dict[str, str], name: str
) -> None:
    said = run(COURSEKIT, settings, course, "regrade", "small-block-v9")
    assert said[0].endswith(f"{name}/source") and said[1] == f"hint: choose one of: {NAME}"


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        (COURSEKIT, ["doctor"], "system "),
        (COURSEKIT, ["release", "größe"], "error: there is no assignment 'grosse'"),
        (COURSEKIT, ["demo"], "error: there is no examples/submissions.toml in "),
        (COURSEKIT, ["new-assignment", "warming-up", "größe"], "error: 'grosse' "),
        (COURSEKIT, ["new-version", NAME, "größe"], "error: 'grosse' "),
        (COURSEKIT, ["upgrade", "älter.ipynb"], "1 of 1: alter, alter.ipynb: not written"),
        (STUDIO, ["größe"], "usage: "),
    ],
)
def test_every_command_ends_in_words(
    course: Path, command: list[str], arguments: list[str], words: str
) -> None:
    assert run(command, ASCII, course, *arguments)[0].startswith(words)


def test_scores_and_reasons_keep_their_columns() -> None:
    said = run([sys.executable, "-c", SHOWN], ASCII, Path.cwd())
    table = [line for line in said if line.startswith(("+", "|"))]
    assert len(table) == 5 and len({len(line) for line in table}) == 1
    assert table[3] == "| jorg: schon | x failed 1/2 |   1/2 |"
    assert [line.rstrip() for line in said[-3:]] == [
        "jorg, where points were lost",
        "  x f, failed: b -1",
        "      3 x 3 - fur ...",
    ]


def test_a_closed_terminal_stops_nobody(course: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *COURSEKIT]
    assert run(closed, {}, course, "new-assignment", "warming-up") == []
    assert (course / "source" / "warming-up-v1").is_dir()
    assert run(closed, {}, course, "release", "größe") == []


def test_a_student_s_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    name = ":smiley: [red]ada[/red] {0}"
    run_command(lambda console: line_printer(console)(name) or 0)
    assert capsys.readouterr().out == f"{name}\n"
