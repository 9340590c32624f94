"""An installed kit has solutions and hidden tests: no level shows more of it than kernels need."""

from __future__ import annotations

import importlib.util
import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

import coursekit
from coursekit.sandbox.levels import BUBBLEWRAP
from coursekit.sandbox.view import bubblewrap_arguments, readable_places

NEEDED = {"__init__.py", "sandbox/__init__.py", "sandbox/inside", "sandbox/limits.py"}


@pytest.fixture(params=["plain", "through a link"])
def kit(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kit in a virtual environment, where lib64 is a link to lib; its Python has one, too."""
    prefix = tmp_path / "environment"
    other = Path(site.getsitepackages([str(tmp_path / "base")])[0]) / "coursekit"
    other.mkdir(parents=True)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "base"))
    packages = site.getsitepackages([str(prefix)])[0]
    own = Path(packages) / "coursekit"
    for name in (own / "new_course", own / "sandbox" / "inside", Path(packages) / "numpy"):
        name.mkdir(parents=True)
    (prefix / "lib64").symlink_to("lib")
    (tmp_path / "link").symlink_to("environment")
    if request.param != "plain":
        prefix = tmp_path / "link"
    place = prefix / own.relative_to(tmp_path / "environment")
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(coursekit, "__file__", str(place / "__init__.py"))
    return place


def kits_below() -> list[str]:
    """The kit of the Python below the environment."""
    packages = site.getsitepackages([sys.base_prefix])[0]
    return [f"{packages}/coursekit"]


def test_a_kernel_without_namespaces_can_read_only_what_it_needs(kit: Path) -> None:
    places = readable_places()
    hidden = os.path.realpath(kit)
    shown = {os.path.realpath(path) for path in places.readable}
    for secret in (hidden, *kits_below()):
        assert not [path for path in shown if Path(secret).is_relative_to(path)]
    inside = {os.path.relpath(path, hidden) for path in shown if path.startswith(f"{hidden}/")}
    assert inside == NEEDED
    assert os.path.realpath(kit.parent / "numpy") in shown
    # Python finds what it imports in folders that it can list.
    assert os.path.realpath(kit.parent) in map(os.path.realpath, places.listable)


def test_bubblewrap_covers_the_kit(kit: Path) -> None:
    words = bubblewrap_arguments(own_users=False)
    for secret in (str(kit), *kits_below()):
        covered = words.index(secret)
        assert words[covered - 1 : covered + 3] == ["--tmpfs", secret, "--remount-ro", secret]
        assert covered > max(words.index(sys.prefix), words.index(sys.base_prefix))


def test_the_solutions_beside_a_checkout_in_the_environment_are_hidden(kit: Path) -> None:
    # `pip install --editable git+https://...` clones into src/ there.
    solutions = Path(os.path.realpath(sys.prefix)) / "src" / "kit" / "source"
    solutions.mkdir(parents=True)
    template = kit / "new_course" / "template"
    template.mkdir()
    (template / "source").symlink_to(solutions)
    places = readable_places()
    shown = {os.path.realpath(path) for path in places.readable}
    assert not [path for path in shown if solutions.is_relative_to(path)]
    words = bubblewrap_arguments(own_users=False)
    place = Path(sys.prefix) / "src" / "kit" / "source"
    assert words[words.index(str(place)) - 1] == "--tmpfs"


def test_a_kit_in_place_is_not_shown_at_all() -> None:
    if coursekit.__file__.startswith((sys.prefix, "/usr/")):
        pytest.skip("the kit that runs these tests is installed, not in place")
    assert "--tmpfs" not in bubblewrap_arguments(own_users=False)


def test_packages_that_pip_installed_elsewhere_are_shown() -> None:
    if BUBBLEWRAP.why_not():
        pytest.skip("this machine has no bubblewrap that works")
    found = importlib.util.find_spec("ipykernel")
    assert found and found.origin
    # As after `pip install --user`: the Python that runs has no packages of its own.
    places = [str(Path(coursekit.__file__).parents[1]), str(Path(found.origin).parents[1])]
    code = "from coursekit.sandbox.probing import probe; print(probe())"
    done = subprocess.run(
        [os.path.realpath(sys.executable), "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "why_not=''" in done.stdout, done.stdout + done.stderr
