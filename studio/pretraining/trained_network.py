"""The network that an assignment's solution builds."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from coursekit.course.assignment import Assignment, assignments
from coursekit.course.known_answers import solution_cells
from coursekit.course.solution import solution_names
from coursekit.errors import CourseKitError

# The solution's function that builds the network.
BUILDER = "ResNet50"


def solution_model(assignment: Assignment) -> Any:
    """Return the Keras model that the solution builds for 64 x 64 pictures and six classes."""
    return solution_names(assignment)[BUILDER](input_shape=(64, 64, 3), classes=6)


def assignment_with_network(course: Path) -> Assignment:
    """Return the course's first assignment whose solution builds the network.

    Raises:
        CourseKitError: if no solution can.

    """
    found = assignments(course)
    for assignment in found:
        if _builds_the_network(assignment):
            return assignment
    raise CourseKitError(
        f"no solution in {course / 'source'} defines {BUILDER}, which builds the network; "
        f"its assignments are {', '.join(assignment.name for assignment in found)}",
        "run the command in the folder of a course that has such an assignment",
    )


def _builds_the_network(assignment: Assignment) -> bool:
    return any(
        isinstance(node, ast.FunctionDef) and node.name == BUILDER
        for code in solution_cells(assignment).values()
        for node in ast.parse(code).body
    )
