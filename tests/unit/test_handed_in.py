from __future__ import annotations

import json
from pathlib import Path

import pytest

from coursekit.handed_in import accept_other_names, notebook_handed_in
from resnets_utils.stamp import KEY, Stamp

DIGEST = "sha256:" + 64 * "0"
STAMP = Stamp("nets-v1", "v1", "", DIGEST, DIGEST, DIGEST, "0.1.0")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A submitted folder in a course that expects Nets_v2.ipynb."""
    monkeypatch.chdir(tmp_path)
    release = tmp_path / "release" / "nets-v2"
    release.mkdir(parents=True)
    (release / "Nets_v2.ipynb").touch()
    found = tmp_path / "submitted" / "ann" / "nets-v2"
    found.mkdir(parents=True)
    return found


def write(path: Path, stamp: Stamp | None = STAMP) -> Path:
    metadata = {KEY: stamp.as_metadata()} if stamp else {}
    notebook = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    return path


def listed(folder: Path) -> list[str]:
    """The names that nbgrader grades after the hook."""
    notebooks = sorted(str(path) for path in folder.glob("*.ipynb"))
    accept_other_names(notebooks=notebooks, assignment="*", student="*")
    return [Path(path).name for path in notebooks]


def test_the_expected_name_goes_first(folder: Path) -> None:
    write(folder / "Nets_v1.ipynb")
    path = write(folder / "Nets_v2.ipynb", None)
    assert notebook_handed_in(folder, "Nets_v2.ipynb") == path
    assert listed(folder) == ["Nets_v1.ipynb", "Nets_v2.ipynb"]


def test_the_only_stamped_notebook_is_taken_under_its_own_name(folder: Path) -> None:
    path = write(folder / "Nets_v1.ipynb")
    assert notebook_handed_in(folder, "Nets_v2.ipynb") == path
    assert listed(folder) == ["Nets_v2.ipynb"]
    assert [path.name for path in folder.iterdir()] == ["Nets_v1.ipynb"]


def test_another_name_is_not_taken_without_a_stamp_or_beside_others(folder: Path) -> None:
    assert notebook_handed_in(folder, "Nets_v2.ipynb") is None
    write(folder / "Mine.ipynb", None)
    assert notebook_handed_in(folder, "Nets_v2.ipynb") is None
    assert listed(folder) == ["Mine.ipynb"]
    (folder / "Mine.ipynb").write_text("{ no notebook")
    assert notebook_handed_in(folder, "Nets_v2.ipynb") is None
    write(folder / "Mine.ipynb")
    write(folder / "Nets_v1.ipynb")
    assert notebook_handed_in(folder, "Nets_v2.ipynb") is None
    assert listed(folder) == ["Mine.ipynb", "Nets_v1.ipynb"]
