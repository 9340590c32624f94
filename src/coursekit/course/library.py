"""The library that students' notebooks import: the kit's own, and the one in a release.

A release holds what its notebook's code and checks use, and what that imports in turn.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from coursekit.errors import AuthoringError, InfrastructureError

STUDENT_LIBRARY = "resnets_utils"
_PREFIX = f"{STUDENT_LIBRARY}."
# What answers the judge from the student's kernel; the second only in releases that have it.
_ANSWERING = ("answering", "graphs.tracing")


def library_files(code: Iterable[str], checks: Iterable[str], rooms: Sequence[str]) -> list[str]:
    """Return the files of the student library that an assignment needs, within that library.

    Args:
        code: the texts of the notebook's code cells.
        checks: the texts of its test cells, hidden tests included.
        rooms: further modules that students get, by name.

    Raises:
        AuthoringError: if a room is not a module of the library.

    """
    wanted = set(_ANSWERING[:1])
    for text in code:
        wanted |= set(_modules_used(text))
    if "checks.checks" in wanted:
        on_demand = _literal("checks.checks", "ON_DEMAND")
        used = {
            node.attr for text in checks for node in _nodes(text) if isinstance(node, ast.Attribute)
        }
        wanted.update(*(modules for method, modules in on_demand.items() if method in used))
    refuse_unknown_rooms(rooms)
    for room in rooms:
        wanted |= {name for name in _all_modules() if f"{name}.".startswith(f"{room}.")}
    return sorted(_files(_closure(wanted)))


def refuse_unknown_rooms(rooms: Iterable[str]) -> None:
    """Raise if a name is not a module of the student library.

    Raises:
        AuthoringError: naming it.

    """
    known = sorted(name for name in _all_modules() if name and "." not in name)
    for room in rooms:
        if room not in _all_modules():
            raise AuthoringError(
                f"library names {room!r}, which is not a module of {STUDENT_LIBRARY}",
                f"choose from: {', '.join(known)}",
            )


def whole_library() -> list[str]:
    """Return the library's Python files, within that library."""
    folder = _own_library()
    return sorted(path.relative_to(folder).as_posix() for path in _all_modules().values())


def library_content(files: Iterable[str]) -> dict[str, bytes]:
    """Return the content of files of the student library by their path within a release."""
    return {f"{STUDENT_LIBRARY}/{name}": (_own_library() / name).read_bytes() for name in files}


def refuse_other_library(release: Path) -> None:
    """Raise if a release's library could answer the judge differently from the kit's own.

    Raises:
        InfrastructureError: if it does; every answer would then be misjudged.

    """
    folder = release / STUDENT_LIBRARY
    files = {name: next(_files([name])) for name in _ANSWERING}
    answering = {_ANSWERING[0], *(name for name in files if (folder / files[name]).is_file())}
    for name in sorted(_files(_closure(answering))):
        path = folder / name
        if not path.is_file() or path.read_bytes() != (_own_library() / name).read_bytes():
            raise InfrastructureError(
                f"{path} differs from this kit's: another version of the kit made the release",
                f"regenerate it: coursekit release {release.name}",
            )


@cache
def _own_library() -> Path:
    # Found without being imported: that would load TensorFlow.
    spec = importlib.util.find_spec(STUDENT_LIBRARY)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@cache
def _all_modules() -> dict[str, Path]:
    """Every module and package of the library by its name within it; "" for the library."""
    folder = _own_library()
    found = {}
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        parts = place.parent.parts if place.name == "__init__.py" else place.with_suffix("").parts
        found[".".join(parts)] = path
    return found


def _closure(modules: set[str]) -> set[str]:
    """Modules with what they import in turn, and the packages that they lie in."""
    found: set[str] = set()
    waiting = [*modules, ""]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting.append(name.rpartition(".")[0])
        waiting += _imports_of(name)
    return found


@cache
def _imports_of(module: str) -> frozenset[str]:
    return frozenset(_modules_used(_text_of(module)))


def _text_of(module: str) -> str:
    return _all_modules()[module].read_text(encoding="utf-8")


def _modules_used(text: str) -> Iterator[str]:
    """The library's modules that a text imports, or whose names it takes from the library."""
    homes = _literal("", "_HOMES")
    called = {
        alias.asname or STUDENT_LIBRARY
        for node in _nodes(text)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == STUDENT_LIBRARY
    }
    for node in _nodes(text):
        names: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
            names = [name.removeprefix(_PREFIX) for name in modules if name.startswith(_PREFIX)]
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = (node.module + ".").removeprefix(_PREFIX).rstrip(".")
            if node.module == STUDENT_LIBRARY:
                names = [homes.get(alias.name, alias.name) for alias in node.names]
                if "*" in names:
                    names = list(homes.values())
            elif node.module.startswith(_PREFIX):
                names = [within, *(f"{within}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and any(
            _is_name(node.value, name) for name in (*called, STUDENT_LIBRARY)
        ):
            names = [homes.get(node.attr, node.attr)]
        yield from (name for name in names if name in _all_modules() and name)


def _nodes(text: str) -> Iterator[ast.AST]:
    """A text's nodes, without what only type checkers read."""
    try:
        waiting: list[ast.AST] = [ast.parse(text)]
    except SyntaxError:
        return  # told as a mistake of its own
    while waiting:
        node = waiting.pop()
        if not (isinstance(node, ast.If) and _is_name(node.test, "TYPE_CHECKING")):
            yield node
            waiting += ast.iter_child_nodes(node)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


@cache
def _literal(module: str, name: str) -> dict[str, Any]:
    """A table that a module defines as a literal, without importing it."""
    for node in ast.parse(_text_of(module)).body:
        if isinstance(node, ast.Assign) and _is_name(node.targets[0], name):
            table: dict[str, Any] = ast.literal_eval(node.value)
            return table
    raise KeyError(f"{module or STUDENT_LIBRARY} defines no {name}")


def _files(modules: Iterable[str]) -> Iterator[str]:
    """The files of modules, and those in a folder of a module's name."""
    folder = _own_library()
    for name in modules:
        path = _all_modules()[name]
        yield path.relative_to(folder).as_posix()
        data = path.with_suffix("")
        if path.name != "__init__.py" and data.is_dir():
            yield from (
                one.relative_to(folder).as_posix()
                for one in data.rglob("*")
                if one.is_file() and "__pycache__" not in one.parts
            )
