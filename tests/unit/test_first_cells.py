"""What a student meets first: imports without a red block, and what is missing told in words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit.course.assignment import Assignment, read_notebook
from resnets_utils.checks.reference import RECORD

COURSE = Path(__file__).parents[2]
LIBRARY = COURSE / "src"
ASSIGNMENTS = ("residual-networks-v2a", "residual-networks-v3")
# IPython shows an error as a notebook does; the kit's own installation is out of sight.
NOTEBOOK = """
import os
import sys
sys.path[:] = [place for place in sys.path if not os.path.isdir(place + "/resnets_utils")]
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
from IPython.core.interactiveshell import InteractiveShell
with open({cell!r}, encoding="utf-8") as file:
    ran = InteractiveShell.instance().run_cell(file.read())
sys.exit(not ran.success)
"""


def cells(assignment: str) -> dict[str, str]:
    notebook = read_notebook(Assignment(COURSE, assignment).source)
    return {cell.id: cell.source for cell in notebook.cells}


def run(
    program: str, *libraries: Path, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "PYTHON"))
    }
    environment["PYTHONPATH"] = os.pathsep.join(map(str, libraries))
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", ["from resnets_utils import glorot_uniform, Checks", "import resnets_utils, keras"]
)
def test_nothing_stands_in_red_above_the_first_result(first: str) -> None:
    done = run(f"{first}\nimport keras\nkeras.ops.ones(3) + 1\nprint('done')", LIBRARY)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_errors_after_the_import_are_still_shown(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'greetings')\n")
    said = run("import resnets_utils, tensorflow, os\nos.write(2, b'later')", LIBRARY, tmp_path)
    # The stand-in's first write comes while it is imported, the other one afterwards.
    assert said.stderr == "later"
    (tmp_path / "tensorflow.py").write_text("1 / 0\n")
    assert "ZeroDivisionError" in run("import resnets_utils, tensorflow", LIBRARY, tmp_path).stderr


@pytest.mark.parametrize(
    ("tensorflow", "said"),
    [
        ("raise ImportError('no TensorFlow here')", "cannot be loaded in this notebook's Python"),
        ("__version__ = '2.17.1'", "has TensorFlow 2.17.1; the exercise needs 2.18 or newer"),
    ],
)
def test_a_missing_or_old_tensorflow_is_told(tmp_path: Path, tensorflow: str, said: str) -> None:
    (tmp_path / "tensorflow.py").write_text(tensorflow)
    (tmp_path / "keras.py").touch()
    program = "from resnets_utils.hinted_errors import StudentError\ntry:\n    "
    program += "from resnets_utils import glorot_uniform\nexcept StudentError as error:\n    "
    done = run(f"{program}print(error)", LIBRARY, tmp_path)
    assert said in done.stdout and "hint: run %pip install" in done.stdout


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_folder_that_is_not_there_is_told_without_a_traceback(
    assignment: str, tmp_path: Path
) -> None:
    (tmp_path / "cell.py").write_text(cells(assignment)["imports"], encoding="utf-8")
    program = NOTEBOOK.format(cell=str(tmp_path / "cell.py"))
    done = run(program, folder=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "the folder resnets_utils is not beside this notebook" in said and "hint: keep" in said
    assert "Traceback" not in said and "line" not in said


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_newcomer_meets_the_upgrade_after_all_else(assignment: str) -> None:
    assert list(cells(assignment))[-2:] == ["earlier-heading", "earlier"]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_folder_knows_how_many_points_grading_adds(assignment: str) -> None:
    notebook = read_notebook(Assignment(COURSE, assignment).source)
    released = COURSE / "release" / assignment / RECORD
    hidden = json.loads(released.read_text(encoding="utf-8"))["hidden_points"]
    for function in ("identity_block", "convolutional_block", "ResNet50"):
        cell = next(cell for cell in notebook.cells if cell.id == f"test_{function}")
        visible = sum(float(points) for points in re.findall(r"points=([\d.]+)", cell.source))
        assert hidden[function] > 0
        assert visible + hidden[function] == cell.metadata.nbgrader["points"]
