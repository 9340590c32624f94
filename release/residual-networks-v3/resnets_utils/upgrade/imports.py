"""Update an older notebook's imports to today's modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.upgrade.edits import Edit
from resnets_utils.upgrade.todays_names import has_moved, is_there, meaning, todays_home

SEEDS = "another initializer draws other numbers from a seed"
MOVED = "today's Keras keeps it elsewhere"


@dataclass(frozen=True)
class Problem:
    """Something in an answer that only its author can fix.

    Attributes:
        line: the line in the text, from 1; 0 if it is about the whole text.
        reason: what it is, in words.

    """

    line: int
    reason: str


def import_line(name: str, full_name: str, given: Mapping[str, str]) -> str:
    """Return the line that imports a name today; "" if it cannot be imported.

    Args:
        name: the name that the notebook uses.
        full_name: what it was bound to, such as ``keras.layers.merge.add``.
        given: the names that the release gives, with their full names.

    """
    home = _home(full_name, given)
    if not home or not is_there(home):
        return ""
    if "." not in home or (name == home.split(".")[0]):
        root = home.split(".")[0]
        return f"import {root}" if name == root else f"import {root} as {name}"
    module, _, original = home.rpartition(".")
    return f"from {module} import {original}" + (f" as {name}" if name != original else "")


def _home(full_name: str, given: Mapping[str, str]) -> str:
    """Where to import a name from: the release's own initializers before Keras's."""
    kind, _, name = meaning(full_name).partition(":")
    if kind == "initializer" and name in given:
        return given[name]
    return todays_home(full_name) if has_moved(full_name) else full_name


def updated_imports(
    python: PythonText, given: Mapping[str, str]
) -> tuple[list[Edit], list[Problem]]:
    """Return the edits that a text's import statements need, and what cannot be imported today."""
    edits, problems = [], []
    assert python.tree is not None
    for node in ast.walk(python.tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            lines = list(_from_lines(node, given))
        elif isinstance(node, ast.Import):
            lines = list(_plain_lines(node))
        else:
            continue
        gone = [old for old, new in lines if not new]
        if gone:
            problems.append(Problem(node.lineno, f"{', '.join(gone)} can no longer be imported"))
        elif any(old != new for old, new in lines):
            edits.append(_edit(python, node, lines))
    return edits, problems


def _from_lines(node: ast.ImportFrom, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each name's import as it is and as it must be; "" if it cannot be imported."""
    for alias in node.names:
        bound = f" as {alias.asname}" if alias.asname else ""
        old = f"from {node.module} import {alias.name}{bound}"
        full_name = f"{node.module}.{alias.name}"
        if alias.name == "*":
            home = todays_home(f"{node.module}.x").rpartition(".")[0]
            moved = has_moved(f"{node.module}.x")
            yield old, (f"from {home} import *" if home else "") if moved else old
        elif _home(full_name, given) == full_name:
            yield old, old if is_there(full_name) else ""
        else:
            yield old, import_line(alias.asname or alias.name, full_name, given)


def _plain_lines(node: ast.Import) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        old = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
        if has_moved(alias.name) and alias.asname:
            yield old, import_line(alias.asname, alias.name, {})
        else:
            yield old, old if not has_moved(alias.name) and is_there(alias.name) else ""


def _edit(
    python: PythonText, node: ast.Import | ast.ImportFrom, lines: list[tuple[str, str]]
) -> Edit:
    start, end = python.start(node), python.end(node)
    before = python.text[python.text.rfind("\n", 0, start) + 1 : start]
    between = "; " if before.strip() else f"\n{before}"
    seeds = any("resnets_utils" in new and old != new for old, new in lines)
    return Edit(
        start,
        end,
        between.join(dict.fromkeys(new for _, new in lines)),
        f"with today's Keras {SEEDS}" if seeds else MOVED,
    )
