"""What `coursekit doctor` says of each kind of machine, and what it advises."""

from __future__ import annotations

import io
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import docker_restrictions
import pytest
from rich.console import Console
from test_levels import tried_afresh
from users import as_ordinary_user, is_root

from coursekit.errors import CourseKitError
from coursekit.sandbox import probing
from coursekit.sandbox.doctor import doctor
from coursekit.sandbox.inside import seccomp
from coursekit.sandbox.inside.landlock import AT_MOST
from coursekit.sandbox.inside.requests import Places
from coursekit.sandbox.levels import ZYGOTE

# A script's first line may name another environment, where this one is a copy.
COURSEKIT = "import sys; from coursekit.cli import main; sys.exit(main())"
STRONGER = "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined"


def said(before: list[str], **environment: str) -> str:
    """What the command prints when it is started through another one."""
    done = subprocess.run(
        [*before, sys.executable, "-c", COURSEKIT, "doctor"],
        env={
            **os.environ,
            "HOME": "/tmp",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def in_docker(*options: str, **environment: str) -> str:
    """What it says in a container, as root or with "--user"."""
    if why := docker_restrictions.why_not(user="--user" in options):
        pytest.skip(why)
    before = [sys.executable, docker_restrictions.__file__, *options, "--"]
    return said(before, container="docker", **environment)


def test_a_plain_machine_needs_no_advice() -> None:
    if why := ZYGOTE.why_not():
        pytest.skip(f"this machine has no level zygote: {why}")
    text = said([])
    assert "grading uses zygote" in text
    assert "for more" not in text


def test_a_machine_without_bubblewrap_is_told_to_install_it() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        Path(folder, "apt-get").symlink_to("/bin/true")
        # The path of the command alone, and not of what makes us an ordinary user.
        before = as_ordinary_user() if is_root() else []
        text = said([*before, "/usr/bin/env", f"PATH={folder}"])
    assert "bubblewrap   started cold in bubblewrap: no : bubblewrap is not installed" in text
    assert "grading uses landlock (your user)" in text
    assert "for more     apt install bubblewrap" in text


@pytest.mark.parametrize(
    ("options", "whose"), [([], "own"), (["--user"], "your")], ids=["root", "user"]
)
def test_a_container_is_told_its_level_and_what_gives_more(options: list[str], whose: str) -> None:
    text = in_docker(*options)
    assert f"grading uses landlock ({whose} user)" in text
    assert STRONGER in text
    assert "SYS_ADMIN" not in text


@pytest.mark.parametrize(
    ("options", "version", "why", "advice"),
    [
        ([], "0", "has no Landlock here", "use Linux 6.12 (as root: 6.2)"),
        (["--user"], "0", "has no Landlock here", "use Linux 6.12 (as root: 6.2)"),
        ([], "2", "a user id of its own needs Landlock 3", "use Linux 6.12"),
        (["--user"], "4", "your user id needs Landlock 6", "grade as root"),
    ],
)
def test_an_old_kernel_is_told_what_it_lacks(
    options: list[str], version: str, why: str, advice: str
) -> None:
    text = in_docker(*options, **{AT_MOST: version})
    assert why in text
    assert advice in text
    assert "error: students' code would run without a sandbox here" in text


def advised(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> str:
    """What it says in this process, on a machine without any sandbox."""
    monkeypatch.setenv("PATH", str(nowhere))
    printed = io.StringIO()
    with tried_afresh(), pytest.raises(CourseKitError) as raised:
        doctor(Console(file=printed, width=200))
    return printed.getvalue() + raised.value.hint


def test_another_architecture_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(seccomp, "MACHINE", "riscv64")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    text = advised(monkeypatch, tmp_path)
    assert "no list of system calls is known for riscv64" in text
    assert "x86_64 or aarch64" in text


@pytest.mark.skipif(not is_root(), reason="only root's kernels have another user id")
def test_a_python_in_a_closed_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as closed:
        found = Places((f"{closed}/python",), ())
        monkeypatch.setattr(probing, "readable_places", lambda: found)
        text = advised(monkeypatch, tmp_path)
    assert f"a kernel with a user id of its own cannot pass {closed} to Python or the kit" in text
    assert f"chmod o+x {closed}" in text
