"""Which packages a release's notebook and library import, in the versions that are here."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import PurePosixPath

from resnets_utils.notebooks.notebook_reader import read_text
from resnets_utils.notebooks.python_text import PythonText

# What a kernel is of, and what Keras asks for by itself when it draws a network.
_KERNEL, _DRAWING = "ipykernel", "pydot"
_DRAWN_WITH = "keras"


def pinned_packages(files: Mapping[str, bytes]) -> list[str]:
    """Return what pip installs for students: packages with the versions of this environment.

    A package that is not installed here is left out: no version of it was tried.

    Args:
        files: the releases' files, by their paths.

    """
    own = {part for name in files for part in _module_parts(name)}
    used = {_KERNEL}
    for name, content in files.items():
        for text in _programs(name, content):
            used |= set(_imported(text))
    if _DRAWN_WITH in used:
        used.add(_DRAWING)
    known = _installed()
    wanted = used - own - sys.stdlib_module_names
    packages = {package for name in wanted for package in known.get(name, ())[:1]}
    return [f"{name}=={version(name)}" for name in sorted(packages, key=str.lower)]


def draws_networks(packages: list[str]) -> bool:
    """Return whether graphviz, which pip does not install, is of use beside the packages."""
    return any(one.startswith(f"{_DRAWING}==") for one in packages)


@cache
def _installed() -> Mapping[str, list[str]]:
    """The packages that are installed here, by the names that they are imported by."""
    return packages_distributions()


def _module_parts(name: str) -> Iterator[str]:
    """The names by which a release's own files are imported."""
    path = PurePosixPath(name)
    if path.suffix == ".py":
        yield from (*path.parent.parts, path.stem)


def _programs(name: str, content: bytes) -> Iterator[str]:
    text = content.decode("utf-8", errors="replace")
    if name.endswith(".py"):
        yield text
    elif name.endswith(".ipynb"):
        yield from (cell.source for cell in read_text(text, name).cells if cell.kind == "code")


def _imported(text: str) -> Iterator[str]:
    """The names of the packages that a program imports, wherever in it."""
    tree = PythonText(text).tree
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
