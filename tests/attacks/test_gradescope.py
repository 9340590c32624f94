"""Gradescope's autograder, unpacked as Gradescope does, in a container's restrictions.

Not tried here: what `setup.sh` installs. The kit is the wheel that the zip brings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import docker_restrictions
import pytest
from own_assignments import put_in_place
from users import is_root

from coursekit.cli import main
from coursekit.course.assignment import SETTINGS, Assignment
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.gradebook.database import GRADEBOOK
from coursekit.gradebook.student_grades import open_gradebook
from coursekit.release.pipeline import generate

pytestmark = pytest.mark.slow

COURSE = Path(__file__).resolve().parents[2]
SECRET = "a-name-of-somebody-else"
HOSTILE = """
import json, os
found = []
for place in ("/autograder/source", "/autograder/results", "/autograder/submission_metadata.json"):
    for folder, _, files in os.walk(place):
        found += files
    try:
        open(place if place.endswith("json") else place + "/results.json", "a").write("{}")
        found.append("written")
    except OSError:
        pass
softmax = lambda x: found
"""


@dataclass(frozen=True)
class Autograder:
    """Gradescope's folder, and an assignment to hand in for."""

    assignment: Assignment
    root: Path

    def run(self, notebook: bytes) -> subprocess.CompletedProcess[str]:
        """Hand in, and run the autograder in a root where the folder is /autograder."""
        handed_in = self.root / "submission" / "answer.ipynb"
        handed_in.write_bytes(notebook)
        (self.root / "results" / "results.json").write_text('{"score": 99}')
        words = ["bwrap", "--proc", "/proc", "--dev-bind", "/dev", "/dev"]
        for path in sorted(Path("/").iterdir()):
            if path.is_symlink():
                words += ["--symlink", os.readlink(path), str(path)]
            elif path.is_dir() and path.name not in ("proc", "dev", "autograder", "opt"):
                words += ["--dev-bind", str(path), str(path)]
        words += ["--bind", str(self.root / "opt"), "/opt"]
        words += ["--bind", str(self.root), "/autograder", "--chdir", "/autograder"]
        words += ["--cap-add", "ALL", "--", sys.executable, docker_restrictions.__file__, "--"]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [*words, "/autograder/run_autograder"],
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=300,
        )

    @property
    def results(self) -> Path:
        return self.root / "results" / "results.json"


@pytest.fixture(scope="module")
def autograder(tmp_path_factory: pytest.TempPathFactory) -> Autograder:
    if not is_root():
        pytest.skip("Gradescope runs an autograder as root, which only root can imitate")
    if why := docker_restrictions.why_not(user=False):
        pytest.skip(why)
    course, root = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("gradescope")
    for name in SETTINGS:
        (course / name).write_bytes((COURSE / name).read_bytes())
    assignment = put_in_place("numbers-v1", course)
    generate(assignment)
    with open_gradebook(course / GRADEBOOK) as gradebook:
        gradebook.add_student(SECRET)
        gradebook.add_submission(assignment.name, SECRET)
        gradebook.db.commit()
    assert main(["--course", str(course), "gradescope", assignment.name]) == 0
    made = course / "build" / "gradescope" / assignment.name / "autograder.zip"
    for folder in ("source", "submission", "results", "opt/coursekit/bin", "packages"):
        (root / folder).mkdir(parents=True)
    (root / "submission_metadata.json").write_text('{"users": [], "previous_submissions": []}')
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        archive.extractall(root / "source")
    assert {"setup.sh", "run_autograder", "README.md"} <= set(names)
    assert not [name for name in names if "template/" in name or "submitted" in name]
    for path in (root / "source").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
    # What setup.sh installs: here the packages of these tests, and the kit from the zip.
    [wheel] = (root / "source" / "kit").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(root / "packages")
    python = root / "opt" / "coursekit" / "bin" / "python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH=/autograder/packages exec {sys.executable} "$@"\n'
    )
    runs = root / "run_autograder"
    runs.write_bytes((root / "source" / "run_autograder").read_bytes())
    for program in (python, runs):
        program.chmod(0o755)
    return Autograder(assignment, root)


def _notebook(assignment: Assignment, **answers: str) -> bytes:
    cells = solution_cells(assignment) | {"why_stable": "It cancels."} | answers
    return submit(assignment, "ada", fill_in(released(assignment), cells)).read_bytes()


def test_what_comes_out_on_gradescope(autograder: Autograder) -> None:
    assignment = autograder.assignment
    done = autograder.run(_notebook(assignment))
    print(done.stdout[-3000:], done.stderr[-3000:])
    results = json.loads(autograder.results.read_text())
    assert done.returncode == 0
    print(results)
