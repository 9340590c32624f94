"""`coursekit grade`: the same as `nbgrader autograde`, whatever ends it in between.

``pytest tests/integration/test_class_grading.py --kills 100 --class-of 40`` ends it that often.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import command_in_process
import psutil
import pytest
import written_results
from broken_notebooks import ANSWER, as_bytes, stripped
from nbgrader.api import Gradebook
from small_course import NAME, small_course
from test_nbgrader_commands import BY_HAND
from test_temporary_files import mounted

from coursekit.class_grading.progress import GradingProgress
from coursekit.cli import main
from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import solution_cells
from coursekit.course.ungraded import why_ungraded
from coursekit.errors import InfrastructureError
from coursekit.gradebook import database
from coursekit.nbgrader_run import LOG, run_nbgrader
from coursekit.release.new_version import new_version

pytestmark = pytest.mark.slow

SECOND = "small-block-v2"
DUE = "2026-01-31 23:59:59.000000 UTC"
LATE = "2026-02-02 23:59:59 UTC"
# What a file's name says is not what the gradebook's program says. One of them is in one line.
IN_USE = [f"{letters} is in use by another program.ipynb" for letters in ("a", "b" * 20)]
ODD = 'Zoë, "=1+1" [2026]'
LIMITS = {"cell_seconds": 20, "text_kilobytes": 4}
# A step that no other process can be told by its name.
OWN_STEP = """
def own_step(notebook, resources):
    return notebook, resources

c.Autograde.autograde_preprocessors.insert(0, own_step)
"""


@pytest.fixture(scope="module")
def ungraded(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Assignment:
    """A class that has handed in everything that can be handed in, one of each."""
    folder = tmp_path_factory.mktemp("class")
    first = small_course(folder, assignment, LIMITS)
    source = json.loads(first.source.read_text())
    for cell in BY_HAND:
        marks = cell["metadata"]["nbgrader"] | {"grade_id": cell["id"], "points": 3}
        source["cells"].append(cell | {"metadata": {"nbgrader": marks | {"schema_version": 3}}})
    first.source.write_text(json.dumps(source))
    second = new_version(folder, NAME, SECOND, print)
    version = second.source.parent / "assignment.toml"
    version.write_text('version = "v2"\nprevious = "v1"\nupdates = ["Nothing but its name."]\n')
    for made in (first, second):
        command_in_process.generate(made)
    with (folder / "nbgrader_config.py").open("a") as stream:
        stream.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
        stream.write(f"c.StudentKernel.by_assignment[{SECOND!r}] = {LIMITS!r}\n")
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(SECOND, duedate=DUE)
    right = solution_cells(second)[ANSWER]
    wrong = right.replace('bn_name + "2c"', '"mine"')
    assert wrong != right
    damaged = fill_in(released(second), {ANSWER: right})
    stripped(damaged)
    _hand_in(second, "right", _filled(second, right, last=["print('after the last cell')"]))
    _hand_in(second, "wrong", _filled(second, wrong))
    _hand_in(second, "not begun", released(second))
    _hand_in(second, ODD, damaged)
    _hand_in(second, "old", _filled(first, wrong))
    _hand_in(second, "ends it", _filled(second, right, first=["import os", "os._exit(1)"]))
    _hand_in(second, "floods it", _filled(second, right, first=["print('flood ' * 100_000)"]))
    _hand_in(second, "late", _filled(second, right))
    (folder / "submitted" / "late" / SECOND / "timestamp.txt").write_text(LATE)
    _hand_in(second, "unreadable", None)
    for name in IN_USE:
        (folder / "submitted" / "unreadable" / SECOND / name).write_bytes(b"{")
    _give_salts(second)
    return second


def _give_salts(assignment: Assignment) -> None:
    students = sorted(path.name for path in (assignment.course / "submitted").iterdir())
    (assignment.course / "salts.json").write_text(json.dumps({who: 2026 for who in students}))


def _filled(assignment: Assignment, answer: str, **more: Any) -> Any:
    return fill_in(released(assignment), {ANSWER: answer}, **more)


def _hand_in(assignment: Assignment, student: str, notebook: Any) -> None:
    folder = assignment.course / "submitted" / student / assignment.name
    folder.mkdir(parents=True, exist_ok=True)
    content = b"{" if notebook is None else as_bytes(dict(notebook))
    (folder / f"{assignment.notebook}.ipynb").write_bytes(content)


def _copy(original: Assignment, folder: Path) -> Assignment:
    shutil.copytree(original.course, folder)
    return Assignment(folder, SECOND)


def _class_of(number: int, original: Assignment, folder: Path) -> Assignment:
    """A class in which each kind of submission comes again and again, under other names."""
    larger = _copy(original, folder)
    submitted = larger.course / "submitted"
    kinds = sorted(path.name for path in submitted.iterdir())
    for at in range(len(kinds), number):
        kind = kinds[at % len(kinds)]
        shutil.copytree(submitted / kind, submitted / f"{kind} {at // len(kinds) + 1}")
    _give_salts(larger)
    return larger


def _settings(course: Path) -> str:
    return f"--JudgeAnswers.salts_file={course / 'salts.json'}"


def by_nbgrader(assignment: Assignment) -> None:
    # Where it has been graded before, there is little to do.
    first = not (assignment.course / "autograded").exists()
    run = run_nbgrader if first else command_in_process.run_nbgrader
    with pytest.raises(InfrastructureError, match="unreadable"):
        run(assignment.course, "autograde", assignment.name, _settings(assignment.course))


def by_kit(assignment: Assignment) -> None:
    # A number on the command line is one in the workers, too.
    settings = [_settings(assignment.course), "--JudgeAnswers.trace_timeout=60"]
    workers = "1" if (assignment.course / "autograded").exists() else "2"
    given = ["grade", assignment.name, "--workers", workers, *settings]
    assert main(["--course", str(assignment.course), *given]) == 1


def in_shards(assignment: Assignment) -> None:
    """As by machines that know nothing of each other, and one that writes what they found."""
    course, out = assignment.course, assignment.course / "build" / "shards"
    before = written(course)
    for shard in ("1/2", "2/2"):
        given = ["grade", assignment.name, "--workers", "1", _settings(course)]
        # Of the second part, one cannot be graded.
        status = main(["--course", str(course), *given, "--shard", shard, "--out", str(out)])
        assert status == (shard == "2/2")
        assert written(course) == before
    merge = ["--course", str(course), "merge", str(out), _settings(course)]
    assert main(merge) == 1


def grade_by_hand(assignment: Assignment) -> None:
    """An instructor's scores, extra credit and words, for two students."""
    with Gradebook(f"sqlite:///{assignment.course}/gradebook.db") as gradebook:
        for student in ("right", "late"):
            place = (assignment.notebook, assignment.name, student)
            for cell in ("essay", "plot"):
                grade = gradebook.find_grade(cell, *place)
                grade.manual_score, grade.needs_manual_grade = 2, False
            gradebook.find_grade("plot", *place).extra_credit = 1
            gradebook.find_comment("plot", *place).manual_comment = "Well drawn."
        gradebook.db.commit()


@dataclass(frozen=True)
class Graded:
    """A class graded in one way.

    Attributes:
        assignment: the assignment, after all of it.
        at_first: what `written` found after the first run.

    """

    assignment: Assignment
    at_first: Any

    @property
    def course(self) -> Path:
        return self.assignment.course


@pytest.fixture(scope="module")
def both(ungraded: Assignment, tmp_path_factory: pytest.TempPathFactory) -> list[Graded]:
    """The class graded in both ways: all of it, then by hand, then what has changed since."""
    found = []
    for grade, again in ((by_nbgrader, by_nbgrader), (by_kit, in_shards)):
        course = _copy(ungraded, tmp_path_factory.mktemp(grade.__name__) / "course")
        grade(course)
        at_first = written(course.course)
        grade_by_hand(course)
        _hand_in(course, "wrong", _filled(course, solution_cells(course)[ANSWER]))
        _hand_in(course, "late", _filled(course, "identity_block = 1"))
        again(course)
        command_in_process.run_nbgrader(course.course, "generate_feedback", SECOND)
        found.append(Graded(course, at_first))
    return found


def rows(course: Path) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """What the gradebook holds of the class."""
    return written_results.rows(course, SECOND)


def written(course: Path) -> tuple[Any, Any]:
    """All that grading has written."""
    return written_results.written(course, SECOND)


def test_both_ways_write_the_same_gradebook(both: list[Graded]) -> None:
    by_one, by_other = (rows(each.course) for each in both)
    assert by_one == by_other
    assert by_one["late",][2] > 0 and by_one["late", "Small_Block_v2"][0] is not None
    scores = _scores(both[0].course)
    assert scores["right"] == scores["wrong"] == scores[ODD] == 6
    assert scores["old"] == 3 and scores["not begun"] == scores["ends it"] == 0
    assert scores["unreadable"] is None
    for one in both:
        kept = {name: why_ungraded(one.course, SECOND, name) for name in scores}
        assert {name for name, why in kept.items() if why} == {"unreadable"}
        assert kept["unreadable"] and "unreadable" in kept["unreadable"].reason
        assert str(one.course) not in kept["unreadable"].reason


def test_both_ways_write_the_same_files(both: list[Graded]) -> None:
    by_one, by_other = (written_results.files(each.course) for each in both)
    assert set(by_one) == set(by_other)
    assert [name for name in by_one if by_one[name] != by_other[name]] == []
    assert sum(name.endswith(".verdict.json") for name in by_one) == 8
    assert sum(name.endswith(".html") for name in by_one) == 8


def test_the_rest_of_a_notebook_is_not_run_and_says_so_once(both: list[Graded]) -> None:
    page = both[1].course / "feedback" / "right" / SECOND / "Small_Block_v2.html"
    text = page.read_text()
    assert text.count("this cell and those below were not run") == 1
    assert "after the last cell\n" not in text


def test_the_log_repeats_no_student_s_code(both: list[Graded]) -> None:
    text = (both[1].course / LOG).read_text(encoding="utf-8")
    assert "Student code runs" in text and "os._exit(1)" not in text


def test_what_is_graded_is_not_graded_again(
    both: list[Graded], capsys: pytest.CaptureFixture[str]
) -> None:
    course = both[1].course
    before = written(course)
    by_kit(both[1].assignment)
    assert written(course) == before
    assert main(["--course", str(course), "grade", SECOND, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "unreadable: new" in said and "right: graded already" in said
    assert f"{SECOND}: 8 graded already, 1 new" in said
    assert not (course / "build" / "grading" / SECOND).exists()


class Run:
    """The command in a process of its own, parts of which are ended."""

    def __init__(self, course: Path, workers: int) -> None:
        number = ["--workers", str(workers)]
        given = ["--course", str(course), "grade", SECOND, *number, _settings(course)]
        program = "import sys; from coursekit.cli import main; sys.exit(main())"
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-c", program, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def lines(self) -> Iterator[str]:
        """What it says, as it says it."""
        assert self._process.stdout
        yield from self._process.stdout

    def wait(self) -> int:
        """Its exit status."""
        return self._process.wait()

    def end(self, part: str) -> list[psutil.Process]:
        """End the coordinator, or a process whose command has this part; return all of them."""
        every: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):  # it has said more than was read yet
            every = psutil.Process(self._process.pid).children(recursive=True)
        if part == INTERRUPTION:
            self._process.send_signal(signal.SIGINT)
        elif part == "coordinator":
            self._process.kill()
        else:
            for each in every:
                with contextlib.suppress(psutil.Error):
                    if part in " ".join(each.cmdline()):
                        each.kill()
                        break
        return every


INTERRUPTION = "Ctrl-C"
PARTS = ("coursekit.class_grading", "zygote", "coursekit.judge", "coursekit.repair", "coordinator")


def test_whatever_is_ended_the_same_command_ends_with_the_same_gradebook(
    both: list[Graded],
    ungraded: Assignment,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    """Each part by force, and the command as people do; ``--kills``: at random, so often."""
    kills: int = pytestconfig.getoption("kills")
    submissions: int = pytestconfig.getoption("class_of")
    wanted = both[1].at_first
    if submissions:
        ungraded = _class_of(submissions, ungraded, tmp_path / "ungraded")
        graded = _copy(ungraded, tmp_path / "graded")
        by_kit(graded)
        wanted = written(graded.course)
        assert len(list((ungraded.course / "submitted").iterdir())) == submissions
    chance = random.Random(kills)
    parts = [*PARTS, INTERRUPTION]
    if kills > len(parts):
        parts = [chance.choice(parts) for _ in range(kills)]
    said = ""
    while parts:
        course = _copy(ungraded, tmp_path / "course").course
        every: list[psutil.Process] = []
        status = None
        while status not in (0, 1):
            # A worker takes long to start, and this one is not needed for long.
            run = Run(course, 1 if parts[-1:] == [INTERRUPTION] else 2)
            # Soon, so that something is left for the next ones.
            number, after = 0, 1.0
            for line in run.lines():
                said += line
                # What it says at its end is no time to end anything.
                number += bool(re.match(r"\d+ of \d+ |.* going on ", line))
                if parts and number >= after:
                    time.sleep(chance.random())  # anywhere in what it does next
                    part = parts.pop()
                    every += run.end(part)
                    # Ctrl-C ends it in order, which takes a while: nothing else ends it then.
                    after = math.inf if part == INTERRUPTION else number + chance.randrange(1, 3)
            status = run.wait()
        assert status == 1  # of "unreadable"
        assert written(course) == wanted
        assert not (course / "build" / "grading" / SECOND).exists()
        assert psutil.wait_procs(every, timeout=30)[1] == []
        shutil.rmtree(course)
    if kills <= len(PARTS):
        assert "finished gradings are kept; run the command again" in said
        assert "going on with a run that was interrupted" in said


def test_without_workers_what_cannot_be_opened_does_not_end_a_run(
    ungraded: Assignment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = _copy(ungraded, tmp_path / "course").course
    with (course / "nbgrader_config.py").open("a") as stream:
        stream.write(OWN_STEP)
    for student in (course / "submitted").iterdir():
        if student.name != "unreadable":
            shutil.rmtree(student)
    link = course / "submitted" / "a link" / SECOND
    link.parent.mkdir()
    link.symlink_to(course / "submitted" / "unreadable" / SECOND)
    assert main(["--course", str(course), "grade", SECOND]) == 1
    said = capsys.readouterr().out
    assert "one submission after the other: the step own_step in nbgrader_config.py cannot" in said
    assert f"1 of 2  a link: not graded: submitted/a link/{SECOND}: the folder itself is a" in said
    # As this one cannot be read either, no kernel has to be started.
    assert "2 of 2  unreadable: not graded: " in said


def test_a_full_disk_and_a_gradebook_in_use_cost_nothing(
    both: list[Graded],
    ungraded: Assignment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(database, "MAX_WAIT_SECONDS", 1)
    place = tmp_path / "small"
    place.mkdir()
    with mounted(place, "size=64m"):
        course = _copy(ungraded, place / "course").course
        for student in (course / "submitted").iterdir():
            if student.name not in ("right", "old"):
                shutil.rmtree(student)
        given = ["--course", str(course), "grade", SECOND, "--workers", "1", _settings(course)]
        # Room for the journal, and for nothing that is as large as a notebook.
        filled = place / "filled"
        filled.write_bytes(b"x" * (shutil.disk_usage(place).free - 20 * 1024))
        assert main(given) == 1
        said = capsys.readouterr()
        assert re.search("the disk is full|there is no room left on the disk", said.out)
        assert "Traceback" not in said.out + said.err
        assert set(_scores(course).values()) <= {None}
        filled.unlink()
        with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as other:
            waits = GradingProgress.waits

            def let_go(self: GradingProgress) -> None:
                other.rollback()
                waits(self)

            monkeypatch.setattr(GradingProgress, "waits", let_go)
            hold = _after(lambda: other.execute("BEGIN EXCLUSIVE"))
            monkeypatch.setattr(GradingProgress, "__enter__", hold)
            assert main(given) == 0
        assert "the gradebook is in use by another program; waiting" in capsys.readouterr().out
        wanted = both[1].at_first
        found = written(course)
        assert found[0] == {
            key: row for key, row in wanted[0].items() if key[0] in ("right", "old")
        }
        assert set(found[1].items()) <= set(wanted[1].items()) and len(found[1]) == 2 * 2


def _after(step: Callable[[], object]) -> Callable[[GradingProgress], GradingProgress]:
    """What begins to show the progress, after a step of the test's."""
    begin = GradingProgress.__enter__

    def entered(self: GradingProgress) -> GradingProgress:
        step()
        return begin(self)

    return entered


def _scores(course: Path) -> dict[str, float | None]:
    return {key[0]: row[0] for key, row in rows(course).items() if key[3:] == (f"test_{ANSWER}",)}
