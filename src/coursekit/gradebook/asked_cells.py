"""What an assignment asks for, as the gradebook holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

import coursekit.gradebook.database  # noqa: F401  (its engine takes any path)


@dataclass(frozen=True)
class SourceCell:
    """A cell that nbgrader keeps the text of; its fields are nbgrader's."""

    name: str
    cell_type: str
    locked: bool
    source: str
    checksum: str


@dataclass(frozen=True)
class AskedCell:
    """A cell that students are asked for, or that gives points.

    Attributes:
        name: its grade id.
        cell_type: "code" or "markdown"; "" if nbgrader keeps none.
        max_score: what it is worth; 0 if it gives no points by itself.

    """

    name: str
    cell_type: str = ""
    max_score: float = 0.0


@dataclass(frozen=True)
class NotebookCells:
    """What the gradebook holds of a released notebook; its lists have nbgrader's names.

    The cells are in the order of their names: the gradebook keeps no order, and what PostgreSQL
    gives out changes with whatever is written.

    Attributes:
        kernelspec: the kernel that the source names, as JSON text.
        source_cells: every cell that nbgrader knows.
        grade_cells: those that give points.
        solution_cells: those that students fill in.
        task_cells: those that are graded by hand as a whole.

    """

    kernelspec: str | None
    source_cells: tuple[SourceCell, ...]
    grade_cells: tuple[AskedCell, ...]
    solution_cells: tuple[AskedCell, ...]
    task_cells: tuple[AskedCell, ...]

    @property
    def tests(self) -> dict[str, tuple[str, float]]:
        """The test cells that a machine grades, as (text, points) by grade id.

        Every test cell goes to the judge; one without checks is then refused there, for
        run in the student's kernel its silence would be full marks.
        """
        texts = {cell.name: cell.source for cell in self.source_cells}
        return {cell.name: (texts[cell.name], cell.max_score) for cell in judged_cells(self)}

    @property
    def asks_for(self) -> tuple[frozenset[AskedCell], frozenset[str]]:
        """The grade cells, and the names of the cells that students fill in."""
        return frozenset(self.grade_cells), frozenset(cell.name for cell in self.solution_cells)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> NotebookCells:
        """Return the cells of which `dataclasses.asdict` made ``data``."""
        kinds = ("grade_cells", "solution_cells", "task_cells")
        return cls(
            data["kernelspec"],
            tuple(SourceCell(**cell) for cell in data["source_cells"]),
            *(tuple(AskedCell(**cell) for cell in data[kind]) for kind in kinds),
        )


def tests_digest(assignment: str, notebook: str, cells: NotebookCells) -> str:
    """Return a digest of the test cells that judge a notebook, as the gradebook holds them.

    Args:
        assignment: the assignment whose cells they are: two versions may have the same.
        notebook: its notebook.
        cells: that notebook's cells.

    """
    tests = json.dumps([assignment, notebook, list(cells.tests.items())])
    return f"sha256:{hashlib.sha256(tests.encode()).hexdigest()}"


def asked_cells(url: str) -> dict[str, dict[str, NotebookCells]]:
    """Return the cells of every notebook in the gradebook, by assignment and notebook."""
    with Gradebook(url) as gradebook:
        return {
            str(assignment.name): {
                str(notebook.name): _cells(notebook) for notebook in assignment.notebooks
            }
            for assignment in gradebook.assignments
        }


def _cells(notebook: Any) -> NotebookCells:
    def by_name(cells: Iterable[Any]) -> list[Any]:
        return sorted(cells, key=lambda cell: str(cell.name))

    return NotebookCells(
        notebook.kernelspec,
        tuple(
            SourceCell(
                cell.name, cell.cell_type, bool(cell.locked), cell.source or "", cell.checksum or ""
            )
            for cell in by_name(notebook.source_cells)
        ),
        tuple(
            AskedCell(cell.name, cell.cell_type, float(cell.max_score))
            for cell in by_name(notebook.grade_cells)
        ),
        tuple(AskedCell(cell.name) for cell in by_name(notebook.solution_cells)),
        tuple(
            AskedCell(cell.name, "", float(cell.max_score)) for cell in by_name(notebook.task_cells)
        ),
    )


def notebooks_of(url: str, assignment: str) -> list[str]:
    """Return the names of an assignment's notebooks; [] if the gradebook does not know it."""
    with Gradebook(url) as gradebook:
        try:
            found = gradebook.find_assignment(assignment)
        except MissingEntry:
            return []
        return sorted(str(notebook.name) for notebook in found.notebooks)


def judged_cells(notebook: Any) -> list[Any]:
    """Return the cells that a machine grades; what students fill in is graded by hand."""
    answers = {cell.name for cell in notebook.solution_cells}
    return [
        cell
        for cell in notebook.grade_cells
        if cell.cell_type == "code" and cell.name not in answers
    ]
