"""The released folders on the oldest Python, TensorFlow and Keras that students may have.

The environment is built once, for a gigabyte and a half in the user's cache folder. It
holds no Jupyter: the notebook's code cells run in order in a plain Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import KnownAnswer, known_answers, solution_cells
from coursekit.course.normal_form import notebook_text

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]
VERSIONS = TESTS / "oldest-versions.txt"
OLDEST_PYTHON = "3.10"
# A small package that is downloaded to find out whether the registry can be reached.
SMALL = "keras==3.5.0"
# The whole notebook runs in one version of the exercise; the other leaves the training out.
TRAINING = {
    *("compile", "train", "curves", "evaluate", "batch-statistics", "summary", "draw"),
    *("try-depth", "try-remove", "try-skip"),
}
# How a check ended and its name, in a report.
OUTCOME = re.compile(r"^  . (passed|failed|error) +(.*) \(\d+ points?\)$", re.MULTILINE)
IMPORT_ALL = """
import importlib, pkgutil, resnets_utils
for module in pkgutil.walk_packages(resnets_utils.__path__, "resnets_utils."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
VERSIONS_USED = """
import sys, keras, tensorflow
print(*sys.version_info[:2], tensorflow.__version__, keras.__version__, resnets_utils.__file__)
"""


def candidates() -> Iterator[Path]:
    """Pythons to build the environment from, the oldest first; the running one's base last."""
    name = f"python{OLDEST_PYTHON}"
    if found := shutil.which(name):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{OLDEST_PYTHON}.*/bin/{name}"))
    yield Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def base_python() -> Path:
    """The first candidate that runs and has pip."""
    for candidate in candidates():
        if run([str(candidate), "-m", "pip", "--version"]).returncode == 0:
            return candidate
    pytest.skip("no Python on this machine has pip, which the environment is built with")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the environment, which is built if it is not in the cache yet."""
    base = base_python()
    version = run([str(base), "--version"]).stdout
    digest = hashlib.sha256(f"{version}{VERSIONS.read_text()}".encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "residual-networks-course-kit" / f"oldest-{digest}"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, ignore_cleanup_errors=True) as folder:
            build(base, Path(folder) / "environment")
            # Another run may have been quicker; then its environment serves both.
            if not home.is_dir():
                (Path(folder) / "environment").rename(home)
    return home / "bin" / "python"


def build(base: Path, home: Path) -> None:
    made = run([str(base), "-m", "venv", "--without-pip", str(home)])
    assert made.returncode == 0, made.stdout + made.stderr
    # What a run does not import needs no compiling.
    install = ["install", "--quiet", "--no-compile", "--requirement", str(VERSIONS)]
    pip = [str(base), "-m", "pip"]
    installed = run([*pip, "--python", str(home / "bin" / "python"), *install])
    if installed.returncode == 0:
        return
    download = ["download", "--no-cache-dir", "--no-deps", "--dest", str(home), SMALL]
    reached = run([*pip, *download])
    if reached.returncode != 0:
        why = (reached.stderr.strip() or "pip does not say why").splitlines()[0]
        pytest.skip(f"the package registry cannot be reached: {why}")
    pytest.fail(f"the oldest versions cannot be installed: {installed.stderr[-3000:]}")


def run_cells(python: Path, folder: Path, cells: list[tuple[str, str]]) -> dict[str, str]:
    """Run cells in a student's folder as nbgrader would; return what each printed or raised."""
    (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    # Nothing of this environment; and a terminal without UTF-8.
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TF_"))
    }
    done = subprocess.run(
        [str(python), str(TESTS / "run_cells.py")],
        cwd=folder,
        env={**kept, "MPLBACKEND": "Agg", "NBGRADER_EXECUTION": "validate", "LANG": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # TensorFlow's own messages would be a student's first output.
    assert not re.search("oneDNN|cuda|cuInit|cpu_feature", done.stderr), done.stderr
    return dict(json.loads((folder / "said.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("version", ["v2a", "v3"])
def test_the_oldest_versions_judge_as_the_newest_do(
    version: str, python: Path, tmp_path: Path
) -> None:
    assignment = Assignment(TESTS.parent, f"residual-networks-{version}")
    folder = tmp_path / "student"
    shutil.copytree(assignment.release.parent, folder)
    solution = solution_cells(assignment)
    filled = fill_in(released(assignment), solution)
    (folder / "earlier.ipynb").write_text(notebook_text(filled), encoding="utf-8")
    cells = [(cell.id, cell.source) for cell in filled.cells if cell.cell_type == "code"]
    tests = {name: text for name, text in cells if name.startswith("test_")}
    if version == "v3":
        cells = [(name, text) for name, text in cells if name not in TRAINING]
    wrong: dict[str, KnownAnswer] = {}
    for answer in known_answers(assignment, "wrong_answers.toml"):
        # Some are wrong for hidden checks alone.
        if any(f'checks("{check}"' in tests[f"test_{answer.function}"] for check in answer.fails):
            wrong.setdefault(answer.function, answer)
    for function, answer in wrong.items():
        cells += [(f"wrong {function}", answer.code)]
        cells += [(f"checks of wrong {function}", tests[f"test_{function}"])]
        cells += [(f"right {function}", solution[function])]
    upgrade = 'from resnets_utils.upgrade import upgrade\nupgrade("earlier.ipynb")'
    cells += [("all modules", IMPORT_ALL), ("upgrade", upgrade), ("versions", VERSIONS_USED)]
    said = run_cells(python, folder, cells)

    checked = {f"checks of wrong {function}" for function in wrong}
    raised = {name: text for name, text in said.items() if "Traceback" in text}
    assert set(raised) == checked, raised
    for name in tests:
        assert "✓ passed" in said[name] and "✗" not in said[name], said[name]
    for function, answer in wrong.items():
        ended = OUTCOME.findall(said[f"checks of wrong {function}"])
        missed = {name for outcome, name in ended if outcome != "passed"}
        assert missed and missed == answer.fails & {name for _, name in ended}, answer.name
    assert "Test Accuracy = 1.0000" in said["pretrained"]
    assert "looks like 5" in said["photo"]
    assert said["upgrade"].count("✓") == len(tests), said["upgrade"]
    oldest = ("2.18.0 3.5.0", "2.20.0 3.10.0")  # the second on Python 3.13
    assert any(f"{versions} {folder}" in said["versions"] for versions in oldest)
