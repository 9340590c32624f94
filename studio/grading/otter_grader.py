"""Otter-grader, where it is installed: the same asserts, and its program once a submission."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.errors import InfrastructureError
from studio.grading.graders import ASSIGNMENT, Grader, asserting_tests, stock_course

_ZIP, _RESULTS = "autograder.zip", "results.json"
_TEST = """\
from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}
points = {points}


@test_case()
def asserts(env):
    exec({text!r}, env)
"""
_GRADE_ALL = f"""\
for notebook in submitted/*/{ASSIGNMENT}/*.ipynb
do "$0" -m otter run --no-logo -a {_ZIP} -o "$(dirname "$notebook")" "$notebook" || exit
done"""


def otter_graders() -> list[Grader]:
    """Return otter-grader; [] if it is not installed."""
    if importlib.util.find_spec("otter") is None:
        return []
    command = ("sh", "-c", _GRADE_ALL, sys.executable)
    return [Grader("otter run, for each", command, otter_course, otter_marks)]


def otter_course(course: Path, folder: Path) -> None:
    """Make the release with asserting tests, and an autograder of the same tests."""
    stock_course(course, folder)
    cells = cells_by_grade_id(read_notebook(Assignment(folder, ASSIGNMENT).source))
    (folder / "tests").mkdir()
    for name, text in asserting_tests().items():
        points = cells[name].metadata.nbgrader.points
        test = _TEST.format(name=name, points=points, text=text)
        (folder / "tests" / f"{name}.py").write_text(test, encoding="utf-8")
    generate = [sys.executable, "-m", "otter", "generate", "-t", "tests", "-o", _ZIP]
    made = subprocess.run(generate, cwd=folder, capture_output=True, text=True, check=False)
    if made.returncode:
        raise InfrastructureError(f"otter generate failed: {(made.stderr or made.stdout)[-2000:]}")


def otter_marks(assignment: Assignment) -> dict[str, float]:
    """Return each student's share of the points, from otter-grader's results."""
    found = {}
    for path in (assignment.course / "submitted").glob(f"*/{assignment.name}/{_RESULTS}"):
        tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
        points = sum(test.get("max_score", 0) for test in tests)
        found[path.parts[-3]] = sum(test.get("score", 0) for test in tests) / points
    return found
