"""The library and the kit know no exercise: what is asked for stands in source/ alone."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from coursekit.course.assignment import assignments
from coursekit.course.known_answers import solution_cells

COURSE = Path(__file__).resolve().parents[2]
MODULES = sorted((COURSE / "src").rglob("*.py"))
# What stands for a part that is put together when the solution runs.
_PART = "(?:[0-9]+|[a-z])"


@cache
def solutions() -> dict[str, str]:
    """The texts of all solutions by their cells' ids, one after the other."""
    found: dict[str, str] = {}
    for assignment in assignments(COURSE):
        for grade_id, text in solution_cells(assignment).items():
            found[grade_id] = f"{found.get(grade_id, '')}\n{text}"
    return found


@cache
def nodes() -> list[ast.AST]:
    return [node for text in solutions().values() for node in ast.walk(ast.parse(text))]


@cache
def layer_names() -> list[re.Pattern[str]]:
    """Names that solutions give layers, whole texts, also those that are put together."""
    written: list[ast.expr] = []
    prefixes: dict[str, ast.expr] = {}
    for node in nodes():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            prefixes[node.targets[0].id] = node.value
        if isinstance(node, ast.Call):
            written += [keyword.value for keyword in node.keywords if keyword.arg == "name"]
    patterns = {pattern(expression, prefixes) for expression in written}
    return [re.compile(rf"\b{found}\b") for found in sorted(patterns)]


def pattern(expression: ast.expr, known: dict[str, ast.expr]) -> str:
    if isinstance(expression, ast.Constant):
        return re.escape(str(expression.value))
    if isinstance(expression, ast.JoinedStr):
        return "".join(pattern(part, known) for part in expression.values)
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add):
        return pattern(expression.left, known) + pattern(expression.right, known)
    if isinstance(expression, ast.FormattedValue):
        return pattern(expression.value, known)
    if isinstance(expression, ast.Name) and expression.id in known:
        return pattern(known[expression.id], known)
    return _PART


@cache
def filter_lists() -> set[tuple[int, ...]]:
    """Lists of three whole numbers or more that stand in a solution."""
    return {found for node in nodes() if (found := numbers(node))}


def numbers(node: ast.AST) -> tuple[int, ...]:
    items = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    values = [item.value for item in items if isinstance(item, ast.Constant)]
    whole = tuple(value for value in values if type(value) is int and value > 9)
    return whole if len(whole) == len(items) >= 3 else ()


def texts(tree: ast.AST) -> list[str]:
    """A module's names and texts, docstrings among them."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        for field in ("id", "attr", "name", "arg", "asname"):
            if isinstance(value := getattr(node, field, None), str):
                found.append(value)
    return found


def test_the_solutions_are_read() -> None:
    names = [found.pattern for found in layer_names()]
    assert len(MODULES) > 100 and len(solutions()) >= 3
    assert any("branch" in name for name in names) and len(names) >= 6
    assert len(filter_lists()) >= 4 and all(len(found) == 3 for found in filter_lists())


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(COURSE / "src").as_posix()
)
def test_a_module_names_nothing_of_an_exercise(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    text = "\n".join(texts(tree)) + "\n" + comments(path)
    functions = [name for name in solutions() if re.search(rf"\b{re.escape(name)}\b", text)]
    layers = [found[0] for known in layer_names() if (found := known.search(text))]
    lists = [row for node in ast.walk(tree) if (row := numbers(node)) in filter_lists()]
    assert (functions, layers, lists) == ([], [], [])


def comments(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").split("\n")
    return "\n".join(line.partition("#")[2] for line in lines if "#" in line)
