"""environment.yml, the lock file, pyproject.toml and what is installed agree."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

COURSE = Path(__file__).resolve().parents[2]
ASKED = ("jupyter", "nbgrader", "tensorflow", "numpy", "matplotlib", "pydot")


def locked() -> dict[str, str]:
    """Versions in the lock file that apply to this machine, by canonical name."""
    found: dict[str, str] = {}
    text = (COURSE / "requirements.lock").read_text()
    for line in re.findall(r"^([A-Za-z0-9].*?)\s*\\?$", text, re.MULTILINE):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = str(requirement.specifier)[2:]
    return found


def conda() -> dict[str, str]:
    environment: dict[str, Any] = yaml.safe_load((COURSE / "environment.yml").read_text())
    pins = {}
    for entry in environment["dependencies"]:
        lines = entry["pip"] if isinstance(entry, dict) else [entry]
        for line in lines:
            if not line.startswith(("-", "python")):
                name, _, pinned = re.sub("=+", "=", line).partition("=")
                pins[name] = pinned
    return pins


def test_every_locked_package_is_pinned_with_hashes() -> None:
    text = (COURSE / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(entries) > 100
    for entry in entries:
        assert "==" in entry.splitlines()[0] and "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text


def test_what_is_installed_is_what_is_locked() -> None:
    wrong = {name: (pin, version(name)) for name, pin in locked().items() if version(name) != pin}
    assert wrong == {}


def test_environment_yml_pins_what_the_lock_pins() -> None:
    pins, lock = conda(), locked()
    assert set(ASKED) <= set(pins)
    pins.pop("pip"), pins.pop("graphviz")
    assert {name: lock[canonicalize_name(name)] for name in pins} == pins


def test_every_dependency_of_the_package_is_locked() -> None:
    project = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *extras["cluster"],
        *extras["dev"],
        *extras["docs"],
        *extras["postgresql"],
    ]
    names = {canonicalize_name(Requirement(line).name) for line in wanted}
    assert names <= set(locked())


def test_a_wheel_brings_what_the_kit_imports_in_the_versions_that_it_is_tested_with() -> None:
    project = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]
    asked = {
        canonicalize_name((one := Requirement(line)).name): one.specifier
        for line in [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    }
    homes = packages_distributions()
    imported = {
        module.partition(".")[0]
        for path in (COURSE / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for module in imported_modules(node)
    }
    needed = {
        canonicalize_name(homes[name][0])
        for name in imported - sys.stdlib_module_names
        if name not in ("coursekit", "resnets_utils")
    }
    assert needed <= set(asked)
    for name, versions in asked.items():
        assert {each.operator for each in versions} == {">=", "<"}, name
        assert locked()[name] in versions, name


def imported_modules(node: ast.AST) -> list[str]:
    """The modules that a statement imports, but for those of its own package."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def test_every_place_accepts_the_same_versions_of_python() -> None:
    project = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]
    asked = project["requires-python"]
    accepted = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in SpecifierSet(asked)]
    classified = [line.rpartition(" :: ")[2] for line in project["classifiers"]]
    assert [version for version in classified if version.startswith("3.")] == accepted

    workflow = yaml.safe_load((COURSE / ".github/workflows/ci.yml").read_text())
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == accepted
    environment = yaml.safe_load((COURSE / "environment.yml").read_text())
    assert f"python{asked}" in environment["dependencies"]

    words = f"{', '.join(accepted[:-1])} or {accepted[-1]}"
    script = (COURSE / "environment.sh").read_text()
    assert f'accepted="{" ".join(accepted)}"' in script and f"Python {words} is needed" in script
    for path in ("README.md", "Makefile"):
        assert f"Python {words}" in (COURSE / path).read_text(), path


@pytest.mark.parametrize("path", [".ci/run", ".github/workflows/ci.yml", "README.md"])
def test_ci_and_readme_name_the_same_command(path: str) -> None:
    assert "make test" in (COURSE / path).read_text()
