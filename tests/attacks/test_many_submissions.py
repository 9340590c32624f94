"""Many submissions in one real `nbgrader autograde`, a third of them hostile or broken.

``pytest tests/attacks/test_many_submissions.py --submissions 200`` takes more of
them, and prints how the conductor's memory went.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from attacks import ATTACKS, PREPARATION
from broken_notebooks import ANSWER, REPAIRED, TEST, as_bytes
from command_in_process import generate
from nbgrader.api import Gradebook
from session import cell
from small_course import NAME, small_course
from test_limits import GREEDY, LIMITS

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import solution_cells
from coursekit.sandbox.levels import ZYGOTE, why_no_sandbox

pytestmark = pytest.mark.slow

RIGHT = 6.0
# What a conductor's memory may grow by, from the middle third to the last.
FLAT = 1.1
UNREADABLE = {
    "corrupt": b'{"cells": [',
    "noise": bytes(range(256)) * 99,
    "empty": b"",
    "nested": b'{"cells": ' + b"[" * 200_000,
    "no zip": b"PK\x03\x04 no zip",
}


@dataclass(frozen=True)
class Submission:
    """What is handed in, and the score it must get; None if it cannot be graded."""

    kind: str
    content: bytes
    score: float | None


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        course: the course folder.
        handed_in: each student's submission.
        seen: what `observed_run` saw.

    """

    course: Path
    handed_in: dict[str, Submission]
    seen: dict[str, Any]


def honest(small: Assignment) -> list[Submission]:
    """Right, wrong, unfinished and failing answers."""
    right = solution_cells(small)[ANSWER]
    wrong = right.replace('f"res', 'f"other')
    assert wrong != right
    answers = {
        "right": (right, RIGHT),
        "wrong names": (wrong, 3.0),
        "right, with a print": (f"print('here')\n{right}", RIGHT),
        "a typing error": (right.replace("def ", "df ", 1), 0.0),
        "an error when called": (right.replace("X_shortcut = X", "X_shortcut = Y"), 0.0),
    }
    made = [
        Submission(kind, _notebook(small, answer), score)
        for kind, (answer, score) in answers.items()
    ]
    return [*made, Submission("not begun", as_bytes(dict(released(small))), 0.0)]


def hostile(small: Assignment) -> list[Submission]:
    """Every attack, with a right answer; and everything that takes too much."""
    right = solution_cells(small)[ANSWER]
    targets = {
        "course": str(small.course),
        "home": str(small.course / "home"),
        "temporary": str(small.course.parent),
        "machine": os.uname().nodename,
        "pid": os.getpid(),
        "word": "python",
        "port": 9,
        "abstract": "none",
        "socket": str(small.course / "none"),
        "left": "/tmp/coursekit-left/x",
        "left in memory": "/dev/shm/coursekit-left/x",
        "nap": "600",
    }
    # Those that are looked at afterwards may seem to succeed: on the private disk.
    cells = [
        cell(attack, ZYGOTE)
        for name, attack in ATTACKS.items()
        if name != "a daemon" and not attack.path
    ]
    first = [f"T = {targets!r}\n{PREPARATION}", *cells]
    made = [Submission("attacks", _notebook(small, right, first=first), RIGHT)]
    return made + [
        Submission(kind, _notebook(small, f"{right}\n{code}\n"), score)
        for kind, (code, _, score) in GREEDY.items()
    ]


def broken(small: Assignment) -> list[Submission]:
    """Right answers in broken notebooks, and files that are not notebooks."""
    made = []
    for damage in REPAIRED:
        notebook = json.loads(_notebook(small, solution_cells(small)[ANSWER]))
        damage(notebook)
        made.append(Submission(damage.__name__, as_bytes(notebook), RIGHT))
    return made + [Submission(kind, content, None) for kind, content in UNREADABLE.items()]


def _notebook(small: Assignment, answer: str, **more: Any) -> bytes:
    return as_bytes(dict(fill_in(released(small), {ANSWER: answer}, **more)))


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    assignment: Assignment,
    pytestconfig: pytest.Config,
) -> Run:
    if why_no_sandbox():
        pytest.skip(f"this machine has no sandbox: {why_no_sandbox()}")
    course = tmp_path_factory.mktemp("many")
    small = small_course(course, assignment, LIMITS)
    generate(small)
    kinds = [honest(small), hostile(small), broken(small)]
    # Another mixture in each run of so many, the same in each run of as many.
    count: int = pytestconfig.getoption("submissions")
    mixing = random.Random(count)
    attacks, *others = kinds[1]
    mixing.shuffle(others)
    # However few there are, all attacks are among them.
    kinds[1] = [attacks, *others]
    mixing.shuffle(kinds[2])
    handed_in = {}
    for number in range(count):
        place, rest = divmod(number, 6)
        kind = kinds[0] if rest < 4 else kinds[rest - 3]
        turn = place * 4 + rest if rest < 4 else place
        handed_in[f"student-{number:03}"] = kind[turn % len(kind)]
    for student, submission in handed_in.items():
        folder = course / "submitted" / student / small.name
        folder.mkdir(parents=True)
        (folder / f"{small.notebook}.ipynb").write_bytes(submission.content)
    observer = Path(__file__).with_name("observed_run.py")
    done = subprocess.run(
        [sys.executable, str(observer), str(course), small.name], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Run(course, handed_in, json.loads(done.stdout.splitlines()[-1]))


def test_every_submission_gets_its_score(run: Run) -> None:
    found: dict[str, tuple[str, float | None]] = {}
    with Gradebook(f"sqlite:///{run.course}/gradebook.db") as gradebook:
        for student, submission in run.handed_in.items():
            grade = gradebook.find_grade(TEST, "Small_Block_v1", NAME, student)
            found[student] = (submission.kind, grade.auto_score)
    assert found == {
        student: (submission.kind, submission.score)
        for student, submission in run.handed_in.items()
    }


def test_no_attack_succeeds(run: Run) -> None:
    assert "attacks" in {submission.kind for submission in run.handed_in.values()}
    for student, submission in run.handed_in.items():
        if submission.kind == "attacks":
            notebook = run.course / "autograded" / student / NAME / "Small_Block_v1.ipynb"
            printed = [
                text
                for each in json.loads(notebook.read_text())["cells"]
                for output in each.get("outputs", [])
                for text in output.get("text", [])
            ]
            assert printed
            assert "True\n" not in printed


def test_only_what_cannot_be_read_is_not_graded(run: Run) -> None:
    unread = {name for name, each in run.handed_in.items() if each.score is None}
    told = run.seen["failure"]
    assert bool(told) == bool(unread), told
    graded = {path.parts[-3] for path in (run.course / "autograded").glob("*/*/*.verdict.json")}
    assert graded == set(run.handed_in) - unread, told


def test_nothing_is_left(run: Run) -> None:
    left = {name: run.seen[name] for name in ("processes", "files", "sockets", "mounts")}
    assert left == {"processes": [], "files": [], "sockets": [], "mounts": []}


def test_the_conductors_memory_stays_flat(run: Run) -> None:
    total = max(graded for graded, _ in run.seen["memory"])
    assert total > len(run.handed_in) / 2
    thirds: list[list[int]] = [[], [], []]
    for graded, size in run.seen["memory"]:
        if size:
            thirds[min(3 * graded // total, 2)].append(size)
    first, middle, last = (statistics.median(third) / 2**20 for third in thirds)
    print(f"conductor, median of each third: {first:.0f} MB, {middle:.0f} MB, {last:.0f} MB")
    assert last < FLAT * middle
