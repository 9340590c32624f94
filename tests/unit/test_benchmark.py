"""The network that is timed is that of the first assignment whose solution builds one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_course import small_course

from coursekit.course.assignment import Assignment, assignments
from coursekit.errors import CourseKitError
from studio.pretraining.trained_network import assignment_with_network
from studio.training_benchmark import run_benchmark


def test_an_assignment_without_a_network_is_passed_over(
    assignment: Assignment, tmp_path: Path
) -> None:
    small = small_course(tmp_path, assignment)
    with pytest.raises(CourseKitError, match=f"its assignments are {small.name}"):
        run_benchmark(tmp_path)
    small.source.parent.rename(tmp_path / "source" / "a-small-one-v1")
    shutil.copytree(assignment.source.parent, tmp_path / "source" / assignment.name)
    assert assignments(tmp_path)[0].name == "a-small-one-v1"
    assert assignment_with_network(tmp_path) == Assignment(tmp_path, assignment.name)
