"""A released notebook: its graded cells, its functions, and what else it gives to students."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText, signature_place
from resnets_utils.notebooks.stamp import GRADE_KEYS, stamped_version


class ReleasedNotebook:
    """One released notebook.

    Args:
        notebook: the notebook as students get it.
        path: its file.

    """

    def __init__(self, notebook: NotebookNode, path: Path) -> None:
        self.notebook = notebook
        self.path = path
        self.graded: dict[str, NotebookNode] = {}
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id:
                self.graded[str(grade_id)] = cell

    @property
    def version(self) -> str:
        """The release's version, such as v3; "" if it does not say."""
        return stamped_version(self.notebook.metadata, self.path)

    @cached_property
    def answers(self) -> list[str]:
        """Grade ids of the cells that students write in, in order."""
        return [
            name for name, cell in self.graded.items() if cell.metadata.nbgrader.get("solution")
        ]

    @cached_property
    def solutions(self) -> dict[str, NotebookNode]:
        """The cells for answers that are named after the function to be written."""
        return {name: self.graded[name] for name in self.answers if name.isidentifier()}

    @cached_property
    def tests(self) -> list[str]:
        """Grade ids of the test cells, in order."""
        return [
            name
            for name, cell in self.graded.items()
            if cell.metadata.nbgrader.get("grade") and name not in self.answers
        ]

    @cached_property
    def functions(self) -> dict[str, str]:
        """The functions that the cells for answers define, with each cell's grade id."""
        return {node.name: name for name, node in self._definitions}

    @cached_property
    def blank_functions(self) -> dict[str, ast.FunctionDef]:
        """The functions of `solutions` as the release's notebook now has them."""
        return {name: node for name, node in self._definitions if node.name == name}

    @cached_property
    def _definitions(self) -> list[tuple[str, ast.FunctionDef]]:
        return [
            (name, node)
            for name in self.answers
            for node in _statements(self.graded[name].source)
            if isinstance(node, ast.FunctionDef)
        ]

    def signature(self, function: str) -> str:
        """Return the text between the parentheses of a graded function's first line."""
        python = PythonText(self.solutions[function].source)
        start, end = signature_place(python, self.blank_functions[function])
        return python.text[start:end]

    @cached_property
    def words(self) -> str:
        """The text of the Markdown cells."""
        return "\n".join(c.source for c in self.notebook.cells if c.cell_type == "markdown")

    @cached_property
    def given(self) -> dict[str, str]:
        """The names that the locked imports cells give, with their full names."""
        found: dict[str, str] = {}
        for cell in self.notebook.cells:
            nbgrader = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and nbgrader.get("locked") and not nbgrader.get("grade"):
                for node in _statements(cell.source):
                    found |= imported_names(node)
        return found

    def is_untouched(self) -> bool:
        """Return whether every cell for an answer is still as released."""
        return all(
            Cell(cell.cell_type, cell.source, cell.metadata).is_unchanged
            for cell in self.solutions.values()
        )

    def answers_before(self, test: str) -> list[str]:
        """Return the cells for answers that stand above a test cell."""
        names = list(self.graded)
        return [name for name in names[: names.index(test)] if name in self.answers]

    def recognise(self, cell: Cell) -> str:
        """Return the grade id of the cell that a submitted one was; "" if it is the student's own.

        Nbgrader's metadata tells it, or, where that is lost, the cell's id or its
        unchanged text.
        """
        if cell.grade_id:
            return cell.grade_id if cell.grade_id in self.graded else ""
        if cell.cell_id in self._by_cell_id:
            return self._by_cell_id[cell.cell_id]
        return self._by_text.get(cell.source.strip(), "")

    def is_ungraded(self, cell: Cell) -> bool:
        """Return whether a cell is one of the released notebook's that nobody grades."""
        text = cell.source.strip()
        return cell.cell_id in self._other_ids or (bool(text) and text in self._other_texts)

    def is_as_released(self, cell: Cell, name: str) -> bool:
        """Return whether a cell's text is that of this release, or of the one it came from."""
        return cell.source.strip() == self.graded[name].source.strip() or cell.is_unchanged

    def without_its_text(self, source: str) -> str:
        """Return a cell's text without the released text cells that were merged into it."""
        for text in self._other_texts:
            if "\n" in text or " " in text:
                source = source.replace(text, "")
        return source

    def gave(self, function: str, text: str) -> bool:
        """Return whether the text of a graded function is what the release gives."""
        return text.strip() in self.graded[self.functions[function]].source

    def binds(self, text: str, name: str) -> bool:
        """Return whether code gives a cell's graded functions a value, or begins to.

        A cell that holds only "pass", or the text of another cell, does not. For a cell
        that defines no graded function the answer is always yes.
        """
        functions = {function for function, cell in self.functions.items() if cell == name}
        if not functions:
            return True
        tree = PythonText(text).tree
        if tree is None:
            return any(re.search(rf"\b{function}\b", text) for function in functions)
        return not functions.isdisjoint(_bound_names(tree))

    def has_its_metadata(self, cell: Cell, name: str) -> bool:
        """Return whether nbgrader's metadata of a cell is the release's."""
        ours, theirs = self.graded[name].metadata.nbgrader, cell.nbgrader
        return all(
            _same(theirs.get(key), ours.get(key))
            for key in (*GRADE_KEYS, "schema_version")
            if key in ours or key in theirs
        )

    @cached_property
    def _by_cell_id(self) -> dict[str, str]:
        return {cell.id: name for name, cell in self.graded.items() if cell.get("id")}

    @cached_property
    def _by_text(self) -> dict[str, str]:
        return {cell.source.strip(): name for name, cell in self.graded.items()}

    @cached_property
    def _ungraded(self) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if "nbgrader" not in cell.metadata]

    @cached_property
    def _other_ids(self) -> set[str]:
        return {cell.id for cell in self._ungraded if cell.get("id")}

    @cached_property
    def _other_texts(self) -> set[str]:
        return {cell.source.strip() for cell in self._ungraded}


def imported_names(statement: ast.stmt) -> dict[str, str]:
    """Return the names that an import statement binds, with their full names."""
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        return {
            alias.asname or alias.name: f"{statement.module}.{alias.name}"
            for alias in statement.names
            if alias.name != "*"
        }
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]: (
                alias.name if alias.asname else alias.name.split(".")[0]
            )
            for alias in statement.names
        }
    return {}


def _statements(source: str) -> list[ast.stmt]:
    tree = PythonText(source).tree
    return tree.body if tree else []


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """The names that a text gives a value, in whatever way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def _same(one: object, other: object) -> bool:
    # True equals 1, and is not a schema.
    return one == other and isinstance(one, bool) == isinstance(other, bool)
