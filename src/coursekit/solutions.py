"""Run an assignment's solution, our own code, in this very process."""

from __future__ import annotations

from typing import Any

from coursekit.courses import Assignment
from coursekit.known_answers import import_cells, solution_cells


def solution_names(assignment: Assignment) -> dict[str, Any]:
    """Return the names that the imports and the solution's own cells define."""
    names: dict[str, Any] = {}
    for code in (import_cells(assignment), *solution_cells(assignment).values()):
        exec(compile(code, str(assignment.source), "exec"), names)
    return names
