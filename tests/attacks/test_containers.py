"""Real containers: which level each of them has, and what the attacks come to there.

The level "landlock" is attacked outside containers, too; here its ways are those that a
container's own restrictions leave.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import docker_container
import pytest
from attacks import ATTACKS
from session import WORD

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
LEVEL = "from coursekit.sandbox.levels import strongest; print(strongest().isolation)"
# They tell no student anything of another's work, and change no file.
SUCCEED = {"kit's own judge", "machine", "a shared folder to race in"}


def in_container(options: list[str], *command: str) -> str:
    """What Python prints in a container."""
    if why := docker_container.why_not():
        pytest.skip(why)
    done = subprocess.run(
        [sys.executable, docker_container.__file__, *options, "--", sys.executable, *command],
        env={
            **os.environ,
            "COURSE_SECRET": "kept from students",
            "HOME": "/tmp",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


# docs/containers.md says so.
@pytest.mark.parametrize(
    ("options", "level"),
    [
        ([], "landlock (own user)"),
        (["--user"], "landlock (your user)"),
        (["--pod"], "landlock (your user)"),
        (["--unconfined"], "zygote"),
        (["--user", "--unconfined"], "zygote"),
    ],
    ids=["root", "user", "pod", "root unconfined", "user unconfined"],
)
def test_the_level_that_a_container_has(options: list[str], level: str) -> None:
    assert in_container(options, "-c", LEVEL) == level


@pytest.mark.parametrize("options", [[], ["--pod"]], ids=["root", "pod"])
def test_no_other_attack_succeeds_in_a_container(options: list[str]) -> None:
    printed = in_container(options, str(HERE / "session.py"), "landlock", WORD)
    found: dict[str, str] = json.loads(printed)["results"]
    assert set(found) == set(ATTACKS)
    assert {name for name, outcome in found.items() if outcome == "True"} == SUCCEED
    # Python's own errors, after which nothing was tried, have a colon behind their names.
    assert {name: outcome for name, outcome in found.items() if ":" in outcome} == {}
