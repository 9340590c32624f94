from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# TensorFlow's start-up messages would bury a failing test's own words.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import absl.logging
import pytest
from command_in_process import generate

from coursekit.course.assignment import Assignment
from coursekit.release.pipeline import copy_course
from coursekit.sandbox.levels import LEVELS, strongest
from coursekit.sandbox.settings import UNSAFE_VARIABLE
from resnets_utils.hands.dataset import load_dataset

if TYPE_CHECKING:
    from browsing import Visitor
    from postgresql_server import Server

COURSE = Path(__file__).resolve().parent.parent

# nbgrader sets up logging, and Python then closes what others log with. TensorFlow's way to log
# would close pytest's own stream where a test has put another one in its place.
absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__

if not strongest().sandboxed:
    # The tests' submissions are our own; those that attack are skipped and say why.
    os.environ.setdefault(UNSAFE_VARIABLE, "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--submissions",
        type=int,
        default=12,
        help="how many submissions tests/attacks/test_many_submissions.py grades in one run",
    )
    parser.addoption(
        "--kills",
        type=int,
        default=5,
        help="how often tests/integration/test_class_grading.py ends a run by force",
    )
    parser.addoption(
        "--class-on-postgresql",
        type=int,
        default=0,
        help="how many submissions tests/integration/test_postgresql.py grades in a course on a "
        "PostgreSQL server while four others write, after which every other command is tried",
    )
    parser.addoption(
        "--cluster-rounds",
        type=int,
        default=0,
        help="how many runs of 40 submissions tests/integration/test_cluster.py lets anything end",
    )
    parser.addoption(
        "--image-base",
        default="",
        help="build the Containerfile's image from this one, or from a made one: debootstrap",
    )
    parser.addoption(
        "--class-of",
        type=int,
        default=0,
        help="how many submissions the runs have that are ended so (default: one of each kind)",
    )


def pytest_report_header() -> str:
    found = strongest()
    missing = "; ".join(f"no {level.name}: {why}" for level in LEVELS if (why := level.why_not()))
    return f"isolation: {found.name}, {found.words}. {missing}".strip()


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


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the exercise's pictures, which pytest's workers draw once for all of them."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    with (place / "drawing").open("w") as line:
        fcntl.flock(line, fcntl.LOCK_EX)
        load_dataset(place / "datasets")
    return place / "datasets"


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    """One browser a module, for tests outside tests/browser that look at pages."""
    # Here, so that the other tests need no Playwright.
    from browsing import installed_browser

    with installed_browser() as found:
        yield found


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One PostgreSQL server; a test makes databases of its own there."""
    from postgresql_server import programs, running_server

    found = programs()
    if not found:
        pytest.skip(
            "no PostgreSQL server on this machine, so no gradebook on one is tried; try: "
            "apt install postgresql"
        )
    with running_server(found) as server:
        yield server
