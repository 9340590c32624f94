"""environment.sh: which Python makes .venv, when it is made again, and what is said without one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

COURSE = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cat", "cksum", "dirname", "tr", "mkdir", "cp", "rm")

# It knows its version and whether it has a pip, makes environments of itself, and writes down
# what it was asked to install.
STAND_IN = """#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *_base_executable*) echo "{path}" ;;
    *"import pip"*) exit {no_pip} ;;
    "-m venv "*) rm -rf .venv; mkdir -p .venv/bin; cp "{path}" .venv/bin/python ;;
    "-m pip "*) echo "{version} $*" >>installed ;;
esac
"""


class Machine:
    """A folder with the kit's script, and a PATH with the Pythons that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.kit = folder / "the kit"
        self.kit.mkdir()
        self.bin = folder / "its bin"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)
        shutil.copy(COURSE / "environment.sh", self.kit)
        (self.kit / "requirements.lock").write_text("locked\n")
        (self.kit / "pyproject.toml").write_text("[project]\n")

    def add(self, name: str, version: str, *, pip: bool = True) -> Path:
        path = self.bin / name
        path.write_text(STAND_IN.format(version=version, path=path, no_pip=int(not pip)))
        path.chmod(0o755)
        return path

    def run(self, *named: Path | str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "environment.sh", *map(str, named)],
            cwd=self.kit,
            env={"PATH": f"{self.kit}/.venv/bin{os.pathsep}{self.bin}"},
            capture_output=True,
            text=True,
        )

    def installed(self, *named: Path | str) -> list[str]:
        """Run the script, and return the versions of the Pythons that installed something."""
        (self.kit / "installed").write_text("")
        done = self.run(*named)
        assert done.returncode == 0, done.stderr
        return [line.split()[0] for line in (self.kit / "installed").read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_accepted_python_makes_the_environment_once(machine: Machine) -> None:
    machine.add("python3", "3.12")
    machine.add("python3.13", "3.13")
    assert machine.installed() == ["3.12", "3.12"]
    assert machine.installed() == []


def test_a_python_that_is_not_accepted_is_passed_over(machine: Machine) -> None:
    machine.add("python3", "3.14")
    machine.add("python3.11", "3.11")
    assert machine.installed() == ["3.11", "3.11"]


def test_a_python_without_pip_is_passed_over(machine: Machine) -> None:
    machine.add("python3", "3.13", pip=False)
    machine.add("python3.12", "3.12")
    assert machine.installed() == ["3.12", "3.12"]


def test_another_version_makes_it_again_and_need_not_be_named_again(machine: Machine) -> None:
    machine.add("python3", "3.11")
    other = machine.add("other", "3.13")
    assert machine.installed() == ["3.11", "3.11"]
    assert machine.installed(other) == ["3.13", "3.13"]
    assert machine.installed() == []


def test_an_upgrade_of_the_system_makes_it_again(machine: Machine) -> None:
    python = machine.add("python3", "3.11")
    assert machine.installed() == ["3.11", "3.11"]
    machine.add("python3", "3.13")
    shutil.copy(python, machine.kit / ".venv/bin/python")
    assert machine.installed() == ["3.13", "3.13"]


def test_an_upgrade_to_a_version_not_accepted_takes_another(machine: Machine) -> None:
    python = machine.add("python3", "3.11")
    machine.installed()
    machine.add("python3", "3.14")
    shutil.copy(python, machine.kit / ".venv/bin/python")
    machine.add("python3.12", "3.12")
    assert machine.installed() == ["3.12", "3.12"]


def test_of_many_without_pip_the_first_is_named(machine: Machine) -> None:
    first = machine.add("python3", "3.11", pip=False)
    machine.add("python3.12", "3.12", pip=False)
    assert f"{first} has no pip" in machine.run().stderr


def test_a_python_that_is_gone_makes_it_again(machine: Machine) -> None:
    machine.add("python3", "3.11")
    assert machine.installed() == ["3.11", "3.11"]
    (machine.kit / ".venv/bin/python").unlink()
    assert machine.installed() == ["3.11", "3.11"]


def test_another_lock_makes_it_again_and_another_package_only_installs_the_kit(
    machine: Machine,
) -> None:
    machine.add("python3", "3.11")
    assert machine.installed() == ["3.11", "3.11"]
    (machine.kit / "pyproject.toml").write_text("[project]\nname = 'kit'\n")
    assert machine.installed() == ["3.11"]
    (machine.kit / "requirements.lock").write_text("locked again\n")
    assert machine.installed() == ["3.11", "3.11"]


def test_a_ready_environment_needs_no_pip(machine: Machine) -> None:
    machine.add("python3", "3.11")
    machine.installed()
    machine.add("python3", "3.11", pip=False)
    assert machine.installed() == []
    (machine.kit / "requirements.lock").write_text("locked again\n")
    assert "has no pip" in machine.run().stderr
    assert (machine.kit / ".venv/bin/python").exists()


@pytest.mark.parametrize(
    ("name", "version", "pip", "named", "error", "hint"),
    [
        ("python4", "4.0", True, "", "and there is no python3", "apt install python3 python3-pip"),
        ("python3", "3.10", True, "", "and python3 is 3.10", "make PYTHON=/path/to/python3.12"),
        ("python3", "3.13", False, "", "python3 has no pip", "apt install python3-pip"),
        ("python", "3.14", True, "python", "and python is Python 3.14", "make PYTHON="),
        ("python", "3.11", False, "python", "python has no pip", "apt install python3-pip"),
        ("python", "3.11", True, "/nowhere", "/nowhere is no Python that runs", "make PYTHON="),
    ],
)
def test_what_is_missing_is_told(
    machine: Machine, name: str, version: str, pip: bool, named: str, error: str, hint: str
) -> None:
    machine.add(name, version, pip=pip)
    done = machine.run(*filter(None, [named]))
    told = done.stderr.splitlines()
    assert done.returncode == 1 and len(told) == 2, done.stderr
    assert told[0].startswith("error: ") and error in told[0]
    assert told[1].startswith("hint: ") and hint in told[1]
    assert not (machine.kit / ".venv").exists()
