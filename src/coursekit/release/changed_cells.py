"""Refuse changes to the cells of a released version once submissions of it exist."""

from __future__ import annotations

import os

from nbformat import NotebookNode

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.errors import GateError
from coursekit.gradebook.address import configured_url
from coursekit.gradebook.database import is_missing
from coursekit.gradebook.scores import students_of

# What a change is called, by nbgrader's key.
_WORDS = {
    "grade": "whether it is graded",
    "locked": "whether it is locked",
    "points": "its points",
    "solution": "whether it is the student's",
    "task": "whether it is a task",
}


def refuse_changed_cells(assignment: Assignment, generated: Assignment) -> None:
    """Raise if a cell that students have handed in would change.

    Text outside nbgrader's cells, and hidden tests, may change: they are neither
    overwritten in a submission nor compared with it.

    Args:
        assignment: the assignment in the course, with its release in place.
        generated: the same assignment in another folder, newly generated.

    Raises:
        GateError: if there are submissions and nbgrader's cells would change,
            naming the cells; or if the earlier release is missing.

    """
    students = students_with_submissions(assignment)
    if not students:
        return
    many = f"{len(students)} student{'s' if len(students) > 1 else ''}"
    if not assignment.release.is_file():
        raise GateError(
            f"{many} handed in {assignment.name}, but {assignment.release}, which the new release "
            "is compared with, is missing",
            "restore that folder from git or a backup",
        )
    changes = changed_cells(read_notebook(assignment.release), read_notebook(generated.release))
    if changes:
        raise GateError(
            f"{many} handed in {assignment.name}, and its release would change:\n"
            + "\n".join(changes),
            "undo these changes in source/, or begin the next version: "
            f"coursekit new-version {assignment.name} NEW",
        )


def students_with_submissions(assignment: Assignment) -> set[str]:
    """Return the students with a submission, in ``submitted/`` or in the gradebook."""
    submitted = assignment.course / "submitted"
    names = os.listdir(submitted) if submitted.is_dir() else []
    found = {name for name in names if os.path.lexists(submitted / name / assignment.name)}
    url = configured_url(assignment.course)
    # nbgrader creates a gradebook that does not exist.
    if not is_missing(url):
        found |= students_of(url, assignment.name)
    return found


def changed_cells(before: NotebookNode, after: NotebookNode) -> list[str]:
    """Return a line for each of nbgrader's cells that differs between two releases."""
    old, new = cells_by_grade_id(before), cells_by_grade_id(after)
    lines = [f"cell {name} is gone" for name in old if name not in new]
    lines += [f"cell {name} is new" for name in new if name not in old]
    for name in old:
        if name in new:
            changes = _changes(old[name], new[name])
            if changes:
                lines.append(f"cell {name} has changed: {', '.join(changes)}")
    return lines


def _changes(old: NotebookNode, new: NotebookNode) -> list[str]:
    before, after = old.metadata.nbgrader, new.metadata.nbgrader
    values = {"its type": (old.cell_type, new.cell_type)}
    values |= {said: (before.get(key), after.get(key)) for key, said in _WORDS.items()}
    found = [f"{said}, {was} to {now}" for said, (was, now) in values.items() if was != now]
    return [*found, "its text"] if old.source != new.source else found
