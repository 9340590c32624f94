"""The solution's own cells: the judge gets them as the specification of the exercise."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbgrader import utils

from coursekit.course.assignment import Assignment, read_notebook
from resnets_utils.checks.reference import Solution

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
_MARKERS = re.compile(f" *({BEGIN_SOLUTION}|{END_SOLUTION})$", re.MULTILINE)


def solution_pieces(cells: Iterable[NotebookNode]) -> list[tuple[str, str]]:
    """Return what a source notebook's graded functions need: names and texts, in order.

    Locked cells and solutions come whole. Other cells, and answers graded by hand, give only
    the statements that define a name which the others need, such as an import, a helper or a
    constant. Lines that only IPython reads, and test cells, are left out.
    """
    found: list[tuple[str, str, list[ast.stmt], bool]] = []
    for number, cell in enumerate(cells, 1):
        if cell.cell_type != "code" or (utils.is_grade(cell) and not utils.is_solution(cell)):
            continue
        nbgrader = cell.metadata.get("nbgrader", {})
        name = str(nbgrader.get("grade_id") or f"cell {number}")
        whole = bool(nbgrader) and not utils.is_grade(cell)
        text = python_text(cell.source)
        found.append((name, text, _statements(text), whole))
    whole_cells = [statements for *_, statements, whole in found if whole]
    others = [statements for *_, statements, whole in found if not whole]
    # An import of "*" binds whatever there is.
    needed = _names_needed(whole_cells, others) | {"*"}
    pieces = []
    for name, text, statements, whole in found:
        kept = [one for one in statements if whole or needed & set(_bound(one))]
        if kept:
            pieces.append((name, _only(text, kept)))
    return pieces


def python_text(source: str) -> str:
    """Return a cell's text as Python, without nbgrader's markers; each line stays in its place."""
    manager = TransformerManager()  # type: ignore[no-untyped-call]
    return manager.transform_cell(_MARKERS.sub("", source))


def _statements(text: str) -> list[ast.stmt]:
    """A cell's statements, without those that only IPython reads."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        # release/mistakes.py tells it.
        return []
    return [one for one in tree.body if "get_ipython" not in _read([one])]


def _names_needed(
    whole: Sequence[Sequence[ast.stmt]], others: Sequence[Sequence[ast.stmt]]
) -> set[str]:
    """The names that whole cells read, and those that their definitions read in turn."""
    needed = _read(one for statements in whole for one in statements)
    optional = [one for statements in others for one in statements]
    while True:
        more = _read(one for one in optional if needed & set(_bound(one))) - needed
        if not more:
            return needed
        needed |= more


def _read(statements: Iterable[ast.stmt]) -> set[str]:
    """The names that statements take from outside: a function's own variables are not."""
    tables = [
        symtable.symtable(ast.unparse(statement), "<cell>", "exec") for statement in statements
    ]
    found: set[str] = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        outermost = table.get_type() == "module"
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (outermost or symbol.is_global())
        }
    return found


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement gives a value, at the top level of its cell."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            # A part of what a name stands for.
            yield from (part.id for part in ast.walk(node.value) if isinstance(part, ast.Name))


def _only(text: str, kept: Sequence[ast.stmt]) -> str:
    """A text with only some of its statements, each on its own lines."""
    lines: set[int] = set()
    for one in kept:
        decorators = getattr(one, "decorator_list", [])
        first = min([one.lineno, *(decorator.lineno for decorator in decorators)])
        lines |= set(range(first, (one.end_lineno or one.lineno) + 1))
    return "\n".join(
        line if number in lines else "" for number, line in enumerate(text.split("\n"), 1)
    )


def solution_names(assignment: Assignment) -> dict[str, Any]:
    """Run an assignment's solution, which is our own code, in this process; return its names."""
    pieces = solution_pieces(read_notebook(assignment.source).cells)
    return Solution(pieces).namespace
