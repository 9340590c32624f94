"""The kit from its wheel, in an environment of its own: from `pip install` to feedback.

The environment has hard links to the packages that run this test, but not to the kit: to fetch
2 GB of TensorFlow again would prove nothing of the kit. Nothing of the repository is on its path.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from one_core import one_core
from own_assignments import FOLDER as OWN_ASSIGNMENTS

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.known_answers import known_answers
from coursekit.demo import SUBMISSIONS
from coursekit.nbgrader_run import read_verdict
from coursekit.sandbox.levels import strongest

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).resolve().parents[2]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "src", "docs", "examples")
COURSE_FILES = ("source", "grader_tests", "nbgrader_config.py", "nbgrader_config.json")
KIT = ("coursekit", "resnets_utils", "__editable__", "residual_networks_course_kit")
# Files of the kit that tell answers, or how they are judged.
SECRET = {
    "wrong_answers.toml",
    "right_answers.toml",
    "identity_block.py",
    "Residual_Networks_v2a.ipynb",
    "judge_server.py",
}
SEEK = f"""
import os, sys
read, seen, walked = set(), set(), set()
for root in ("/", "/usr", sys.prefix, sys.base_prefix, *sys.path):
    for folder, folders, files in os.walk(root):
        if folder in walked:
            folders.clear()
            continue
        walked.add(folder)
        if folder == "/":
            folders.remove("proc")
        seen |= set(files)
        for name in {SECRET!r} & set(files):
            try:
                open(f"{{folder}}/{{name}}").read()
                read.add(name)
            except OSError:
                pass
print("read:", sorted(read), "seen of the packages:", "npyio.py" in seen)
"""
BUNDLED = """
[[submission]]
student = "ada"
assignment = "{assignment}"
about = "looks around"
answers = {{ softmax = "as in the solution", summary = "as in the solution" }}
first = ['''{seek}''']

[[submission]]
student = "bob"
assignment = "{assignment}"
about = "wrong"
answers = {{ softmax = "{answer}", summary = "as in the solution" }}
"""


@dataclass(frozen=True)
class Installed:
    """An environment with the kit from its wheel."""

    folder: Path
    home: Path
    wheel: Path

    def run(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment as somebody would who has nothing else."""
        program = self.folder / "bin" / words[0]
        kept = {name: os.environ[name] for name in ("COURSEKIT_UNSAFE",) if name in os.environ}
        path = os.pathsep.join([str(program.parent), "/usr/local/bin", "/usr/bin", "/bin"])
        return subprocess.run(
            [program, *words[1:]],
            cwd=cwd,
            env={**kept, "PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what is in the repository and nothing that was left there."""
    copy = tmp_path_factory.mktemp("repository")
    for name in (*BUILT_FROM, *COURSE_FILES):
        if (HOUSE / name).is_dir():
            left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
            shutil.copytree(HOUSE / name, copy / name, symlinks=True, ignore=left_out)
        else:
            shutil.copy(HOUSE / name, copy)
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [made] = (copy / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder, home = tmp_path_factory.mktemp("fresh") / "env", tmp_path_factory.mktemp("home")
    python: str = sys._base_executable  # type: ignore[attr-defined]
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    packages = Path(*Path(os.__file__).parts[-3:-1], "site-packages")
    for name in (packages, "share", "etc"):
        _link(Path(sys.prefix) / name, folder / name)
    for script in (Path(sys.prefix) / "bin").iterdir():
        if not script.is_symlink() and script.name not in {"coursekit", "activate"}:
            first, _, rest = script.read_bytes().partition(b"\n")
            if first == f"#!{sys.executable}".encode():
                (folder / "bin" / script.name).write_bytes(
                    f"#!{folder}/bin/python\n".encode() + rest
                )
                (folder / "bin" / script.name).chmod(0o755)
    pip = [python, "-m", "pip", f"--python={folder}/bin/python", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    return Installed(folder, home, wheel)


def _link(origin: Path, copy: Path) -> None:
    """Copy a folder without the kit, by hard links where the system lets us."""

    def link(one: str, other: str) -> None:
        with contextlib.suppress(OSError):
            os.link(one, other)
            return
        shutil.copy2(one, other)

    def left_out(_: str, names: list[str]) -> set[str]:
        return {name for name in names if name.startswith(KIT)}

    if origin.is_dir():
        shutil.copytree(origin, copy, copy_function=link, ignore=left_out, dirs_exist_ok=True)


def test_the_wheel_has_every_file_of_the_kit_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    template = "coursekit/new_course/template"
    pages = {path.name for path in (HOUSE / "src" / template / "docs").iterdir()}
    repository = wheel.parents[1]
    expected = {f"{template}/{name}" for name in COURSE_FILES[2:]}
    for room in ("src", "source", "grader_tests", "examples", "docs"):
        for path in (repository / room).rglob("*"):
            name = str(path.relative_to(repository))
            # Not what setuptools and the template's links leave beside the sources.
            if path.is_symlink() or not path.is_file() or ".egg-info/" in name:
                continue
            if room != "docs" or path.name in pages:
                expected.add(name.removeprefix("src/") if room == "src" else f"{template}/{name}")
    assert names == expected


def test_a_course_of_ones_own_from_installing_to_feedback(
    installed: Installed, tmp_path: Path
) -> None:
    def run(*words: str, cwd: Path = tmp_path) -> str:
        done = installed.run(*words, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    course = tmp_path / "mycourse"
    run("coursekit", "init", "mycourse", "--empty")
    own = Assignment(course, "numbers-v1")
    for part, place in (("source", course / "source" / own.name), ("grader_tests", own.tests)):
        shutil.copytree(OWN_ASSIGNMENTS / own.name / part, place)
    settings = own.source.parent / "assignment.toml"
    settings.write_text(settings.read_text().replace("library = []", 'library = ["hands"]'))
    run("coursekit", "release", cwd=course)
    for path in (HOUSE / "src" / "resnets_utils" / "hands" / "trained_model").iterdir():
        vendored = own.release.parent / "resnets_utils" / "hands" / "trained_model" / path.name
        assert vendored.read_bytes() == path.read_bytes()

    wrong = next(
        answer
        for answer in known_answers(own, "wrong_answers.toml")
        if answer.name == "shares of the whole table"
    )
    (course / "examples").mkdir()
    (course / SUBMISSIONS).write_text(
        BUNDLED.format(assignment=own.name, answer=wrong.name, seek=SEEK)
    )
    # It generates, grades and gives feedback, by the commands that people use.
    with one_core():
        said = run("coursekit", "--course", "mycourse", "demo")
    assert "✗ softmax, failed: " in said
    assert said.endswith(f"coursekit --course mycourse/build/demo report {own.name}\n")
    demo = course / "build" / "demo"
    missed = {
        student: {
            check.name
            for cell in read_verdict(demo, student, own.name, own.notebook).cells
            for check in cell.checks
            if check.outcome != "passed"
        }
        for student in ("ada", "bob")
    }
    assert missed == {"ada": set(), "bob": set(wrong.fails)}
    pages = demo / "feedback"
    assert "✗ failed" in (pages / "bob" / own.name / f"{own.notebook}.html").read_text()

    graded = demo / "autograded" / "ada" / own.name / own.release.name
    [said] = [
        output.text
        for cell in read_notebook(graded).cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream" and output.text.startswith("read:")
    ]
    there = {name for _, _, names in os.walk(installed.folder) for name in names}
    assert there >= SECRET
    if strongest().sandboxed:
        assert said == "read: [] seen of the packages: True\n"
