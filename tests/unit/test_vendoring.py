"""The library in a release, and the kit that grades with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coursekit.course.assignment import Assignment
from coursekit.course.library import (
    library_content,
    library_files,
    refuse_other_library,
    whole_library,
)
from coursekit.errors import AuthoringError, InfrastructureError
from coursekit.release.vendoring import needed_files

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
    assert {
        "answering.py",
        "checks/checks.py",
        "checks/value_checks.py",
        "checks/reference.py",
    } <= set(files)
    for name, content in library_content(files).items():
        needed = {module.split(".")[0] for module in imports(content.decode())}
        assert not needed & {"keras", "tensorflow", "matplotlib", "h5py"}, name


@pytest.mark.parametrize("checks", [VALUES, GRAPHS], ids=["values", "graphs"])
def test_what_is_imported_is_there_and_nothing_for_type_checkers_alone(checks: list[str]) -> None:
    files = set(library_files([IMPORT], checks, []))
    assert files < set(whole_library())
    on_demand = {"graphs/tracing.py", "checks/network_calls.py"}
    needed = {"__init__.py", "answering.py", "checks/__init__.py", "checks/checks.py", *on_demand}
    for content in library_content(files).values():
        for module in imports(content.decode()):
            path = module.removeprefix("resnets_utils.").replace(".", "/")
            if module.startswith("resnets_utils."):
                needed.add(f"{path.partition('/')[0]}/__init__.py")
                needed |= {f"{path}.py", f"{path}/__init__.py"} & set(whole_library())
    if checks is VALUES:
        needed -= on_demand
    assert files == needed & set(whole_library())


def test_a_trace_check_takes_what_answers_and_compares_graphs() -> None:
    values, graphs = (set(library_files([IMPORT], checks, [])) for checks in (VALUES, GRAPHS))
    assert {
        "graphs/tracing.py",
        "checks/network_calls.py",
        "graphs/stand_ins.py",
    } <= graphs - values
    # Without checks nobody needs what they need.
    assert "graphs/tracing.py" not in library_files(["a = 1"], GRAPHS, [])


@pytest.mark.parametrize(
    ("code", "module"),
    [
        ("from resnets_utils import show_model", "experiments/model_drawing.py"),
        ("import resnets_utils\nresnets_utils.show_model(m)", "experiments/model_drawing.py"),
        ("import resnets_utils as ru\nru.show_model(m)", "experiments/model_drawing.py"),
        ("from resnets_utils import *", "experiments/model_drawing.py"),
        ("import resnets_utils.hands.photo", "hands/photo.py"),
        ("from resnets_utils.hands import photo", "hands/photo.py"),
        ("from resnets_utils.hands.photo import show_prediction", "hands/photo.py"),
        (
            "if True:\n    from resnets_utils import load_pretrained",
            "hands/trained_model/signs-resnet50.h5.xz",
        ),
        ("from resnets_utils.hands.drawing import draw_pictures", "hands/drawing/generator.py"),
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
    with pytest.raises(
        AuthoringError, match="library names 'attic', which is not a module"
    ) as caught:
        library_files([], [], ["attic"])
    assert "upgrade" in caught.value.hint


def test_a_release_has_what_its_notebook_needs(assignment: Assignment) -> None:
    files = set(needed_files(assignment))
    assert {"checks/checks.py", "graphs/tracing.py", "hands/trained_model.py"} <= files
    assert "upgrade/__main__.py" in files
    assert any(name.startswith("hands/trained_model/") for name in files)
    assert not any("__pycache__" in name for name in files)


@pytest.mark.parametrize("checks", [VALUES, GRAPHS], ids=["values", "graphs"])
def test_a_release_of_another_kit_is_not_graded_with(tmp_path: Path, checks: list[str]) -> None:
    release = released(tmp_path, [IMPORT], checks)
    refuse_other_library(release)
    answering = ["answering.py", "border/encoding.py", "border/reply.py", "__init__.py"]
    if checks is GRAPHS:
        answering += [
            "graphs/tracing.py",
            "graphs/stand_ins.py",
            "graphs/spot_check.py",
            "tensorflow1.py",
        ]
    for name in answering:
        path = release / "resnets_utils" / name
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        with pytest.raises(InfrastructureError, match=rf"{name} differs from this kit's") as caught:
            refuse_other_library(release)
        assert caught.value.hint == "regenerate it: coursekit release one"
        path.write_bytes(before)
        if name != "graphs/tracing.py":
            path.unlink()
            with pytest.raises(InfrastructureError, match=rf"{name} differs from this kit's"):
                refuse_other_library(release)
            path.write_bytes(before)
    refuse_other_library(release)
    # What only shows things to students is theirs.
    (release / "resnets_utils" / "checks" / "checks.py").write_text("")
    refuse_other_library(release)


def test_without_what_traces_a_release_of_graphs_is_told(tmp_path: Path) -> None:
    release = released(tmp_path, [IMPORT], GRAPHS)
    for name in ("answering.py", "graphs/stand_ins.py"):
        path = release / "resnets_utils" / name
        before = path.read_bytes()
        path.write_bytes(before.replace(b"\n", b"\r\n"))
        with pytest.raises(InfrastructureError, match=rf"{name} differs from this kit's"):
            refuse_other_library(release)
        path.write_bytes(before)
