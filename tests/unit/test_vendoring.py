"""The library in a release, and the kit that grades with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coursekit.courses import Assignment
from coursekit.errors import AuthoringError, InfrastructureError
from coursekit.release.vendoring import needed_files
from coursekit.student_library import (
    library_content,
    library_files,
    refuse_other_library,
    whole_library,
)

IMPORT = "from resnets_utils import Checks\n"
VALUES = ['checks = Checks("f")\nchecks.call(x=1).equals()']
GRAPHS = ['checks = Checks("f")\nchecks.trace((4, 4, 1)).behaves()']


def released(tmp_path: Path, code: list[str], checks: list[str]) -> Path:
    """A release's folder with the library that these cells need."""
    release = tmp_path / "release" / "one"
    for name, content in library_content(library_files(code, checks, [])).items():
        path = release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return release


def imports(text: str) -> set[str]:
    """The names of the modules that a text imports when it runs, wherever it does."""
    nodes = list(ast.walk(ast.parse(text)))
    guarded = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in nodes:
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_a_notebook_of_numbers_gets_nothing_that_needs_keras() -> None:
    files = library_files([IMPORT], VALUES, [])
    assert {"__init__.py", "calls.py", "checks.py", "values.py", "reference.py"} <= set(files)
    for name, content in library_content(files).items():
        needed = {module.split(".")[0] for module in imports(content.decode())}
        assert not needed & {"keras", "tensorflow", "matplotlib", "h5py"}, name


@pytest.mark.parametrize("checks", [VALUES, GRAPHS], ids=["values", "graphs"])
def test_what_is_imported_is_there_and_nothing_for_type_checkers_alone(checks: list[str]) -> None:
    files = set(library_files([IMPORT], checks, []))
    assert files < set(whole_library())
    needed = {"__init__.py", "calls.py", "checks.py", "tracing.py", "network_checks.py"}
    for content in library_content(files).values():
        for module in imports(content.decode()):
            path = module.removeprefix("resnets_utils.").replace(".", "/")
            if module.startswith("resnets_utils."):
                needed |= {f"{path}.py", f"{path}/__init__.py"} & set(whole_library())
    if checks is VALUES:
        needed -= {"tracing.py", "network_checks.py"}
    assert files == needed


def test_a_trace_check_takes_what_answers_and_compares_graphs() -> None:
    values, graphs = (set(library_files([IMPORT], checks, [])) for checks in (VALUES, GRAPHS))
    assert {"tracing.py", "network_checks.py", "answers.py", "stand_ins.py"} <= graphs - values
    # Without checks nobody needs what they need.
    assert "tracing.py" not in library_files(["a = 1"], GRAPHS, [])


@pytest.mark.parametrize(
    ("code", "module"),
    [
        ("from resnets_utils import show_model", "model_drawing.py"),
        ("import resnets_utils\nresnets_utils.show_model(m)", "model_drawing.py"),
        ("import resnets_utils as ru\nru.show_model(m)", "model_drawing.py"),
        ("from resnets_utils import *", "model_drawing.py"),
        ("import resnets_utils.photo", "photo.py"),
        ("from resnets_utils import photo", "photo.py"),
        ("from resnets_utils.photo import show_prediction", "photo.py"),
        (
            "if True:\n    from resnets_utils import load_pretrained",
            "pretrained/signs-resnet50.h5.xz",
        ),
        ("from resnets_utils.signs import draw_pictures", "signs/generator.py"),
    ],
)
def test_what_a_notebook_uses_comes_along(code: str, module: str) -> None:
    assert any(name.startswith(module) for name in library_files([code], [], []))
    other = "def resnets_utils(): pass\nresnets_util.show_model\nimport photo"
    assert not any(name.startswith(module) for name in library_files([other], [], []))


def test_a_room_comes_whole_and_an_unknown_one_is_told() -> None:
    files = library_files([], [], ["upgrade"])
    assert {name for name in whole_library() if name.startswith("upgrade/")} <= set(files)
    assert "upgrade/__main__.py" in files
    with pytest.raises(AuthoringError, match="library names 'attic', which is no module") as caught:
        library_files([], [], ["attic"])
    assert "upgrade" in caught.value.hint


def test_a_release_has_what_its_notebook_needs(assignment: Assignment) -> None:
    files = set(needed_files(assignment))
    assert {"checks.py", "tracing.py", "pretrained.py", "upgrade/__main__.py"} <= files
    assert any(name.startswith("pretrained/") for name in files)
    assert not any("__pycache__" in name for name in files)


@pytest.mark.parametrize("checks", [VALUES, GRAPHS], ids=["values", "graphs"])
def test_a_release_of_another_kit_is_not_graded_with(tmp_path: Path, checks: list[str]) -> None:
    release = released(tmp_path, [IMPORT], checks)
    refuse_other_library(release)
    answering = ["calls.py", "plain_data.py", "raised.py", "__init__.py"]
    if checks is GRAPHS:
        answering += ["tracing.py", "stand_ins.py", "sampling.py", "initializers.py"]
    for name in answering:
        path = release / "resnets_utils" / name
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        with pytest.raises(InfrastructureError, match=rf"{name} is not this kit's") as caught:
            refuse_other_library(release)
        assert caught.value.hint == "make it again: coursekit release one"
        path.write_bytes(before)
        if name != "tracing.py":
            path.unlink()
            with pytest.raises(InfrastructureError, match=rf"{name} is not this kit's"):
                refuse_other_library(release)
            path.write_bytes(before)
    refuse_other_library(release)
    # What only shows things to students is theirs.
    (release / "resnets_utils" / "checks.py").write_text("")
    refuse_other_library(release)


def test_without_what_traces_a_release_of_graphs_is_told(tmp_path: Path) -> None:
    release = released(tmp_path, [IMPORT], GRAPHS)
    for name in ("calls.py", "stand_ins.py"):
        path = release / "resnets_utils" / name
        before = path.read_bytes()
        path.write_bytes(before.replace(b"\n", b"\r\n"))
        with pytest.raises(InfrastructureError, match=rf"{name} is not this kit's"):
            refuse_other_library(release)
        path.write_bytes(before)
