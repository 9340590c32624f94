from __future__ import annotations

import os
from pathlib import Path

# TensorFlow's start-up messages would bury a failing test's own words.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from coursekit.courses import Assignment
from coursekit.release.pipeline import copy_course, generate

COURSE = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def assignment() -> Assignment:
    return Assignment(COURSE, "residual-networks-v2a")


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The assignment in a course of its own, released by real nbgrader."""
    course = tmp_path_factory.mktemp("course")
    copy_course(COURSE, course)
    generated = Assignment(course, "residual-networks-v2a")
    generate(generated)
    return generated
