"""Tests of levels and limits, under the restrictions of a container that has no namespaces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import docker_restrictions
import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
# Those limits that the system keeps in another way here, or that another user shares.
LIMITS = ("disk", "files", "sockets", "zombies", "no-thread-left", "many-processes", "fork-bomb")


@pytest.mark.parametrize(
    ("options", "file", "chosen", "many"),
    [
        ([], "test_levels.py", "landlock or guardian or closed_folder or digits", 6),
        (["--user"], "test_limits.py", " or ".join(f"[{name}]" for name in LIMITS), 14),
    ],
    ids=["root", "user"],
)
def test_the_same_holds_without_namespaces(
    options: list[str], file: str, chosen: str, many: int, tmp_path: Path
) -> None:
    if why := docker_restrictions.why_not(user=bool(options)):
        pytest.skip(why)
    done = subprocess.run(
        [
            *(sys.executable, docker_restrictions.__file__, *options, "--"),
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-o", "addopts=", str(HERE / file), "-k", chosen),
        ],
        env={
            **{name: value for name, value in os.environ.items() if "PYTEST" not in name},
            "HOME": "/tmp",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    passed = re.search(r"^(\d+) passed, \d+ deselected", done.stdout.splitlines()[-1])
    assert passed and int(passed[1]) == many, done.stdout[-1000:]
