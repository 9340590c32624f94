"""The released notebook, as repair asks about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from nbformat import NotebookNode

from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.notebooks.released import checksum

# What nbgrader goes by in a cell; the checksum follows from these and the text.
KEYS = ("grade", "grade_id", "locked", "points", "schema_version", "solution")


class ReleasedNotebook:
    """One released notebook: its cells for answers, its locked cells, and all else.

    Args:
        notebook: the notebook as students get it.

    """

    def __init__(self, notebook: NotebookNode) -> None:
        self.notebook = notebook
        self.graded: dict[str, NotebookNode] = {}
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id:
                self.graded[grade_id] = cell

    @cached_property
    def answers(self) -> list[str]:
        """Grade ids of the cells that students write in, in order."""
        return [name for name, cell in self.graded.items() if cell.metadata.nbgrader.solution]

    @cached_property
    def tests(self) -> list[str]:
        """Grade ids of the test cells, in order."""
        return [
            name
            for name, cell in self.graded.items()
            if cell.metadata.nbgrader.grade and name not in self.answers
        ]

    @cached_property
    def functions(self) -> dict[str, str]:
        """The function that each cell for an answer defines, and the cell's grade id."""
        found = {}
        for name in self.answers:
            tree = PythonText(self.graded[name].source).tree
            for node in tree.body if tree else ():
                if isinstance(node, ast.FunctionDef):
                    found[node.name] = name
        return found

    def answers_before(self, test: str) -> list[str]:
        """Return the cells for answers that a test cell stands below."""
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
        if cell.source.strip() == self.graded[name].source.strip():
            return True
        nbgrader = _nbgrader(cell)
        try:
            return nbgrader.get("checksum") == checksum(cell.kind, cell.source, nbgrader)
        except (TypeError, ValueError):
            return False

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

        A cell that the student left with "pass", or in which another cell's text
        came to stand, does not. A cell that defines no graded function cannot be told by this.
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
        ours, theirs = self.graded[name].metadata.nbgrader, _nbgrader(cell)
        return all(
            _same(theirs.get(key), ours.get(key)) for key in KEYS if key in ours or key in theirs
        )

    @cached_property
    def _by_cell_id(self) -> dict[str, str]:
        return {cell.id: name for name, cell in self.graded.items() if cell.get("id")}

    @cached_property
    def _by_text(self) -> dict[str, str]:
        return {cell.source.strip(): name for name, cell in self.graded.items()}

    @cached_property
    def _ungraded(self) -> list[Any]:
        return [cell for cell in self.notebook.cells if "nbgrader" not in cell.metadata]

    @cached_property
    def _other_ids(self) -> set[str]:
        return {cell.id for cell in self._ungraded if cell.get("id")}

    @cached_property
    def _other_texts(self) -> set[str]:
        return {cell.source.strip() for cell in self._ungraded}


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """The names that a text gives a value, in whatever way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def _nbgrader(cell: Cell) -> dict[str, Any]:
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def _same(one: object, other: object) -> bool:
    # True equals 1, and is no schema.
    return one == other and isinstance(one, bool) == isinstance(other, bool)
