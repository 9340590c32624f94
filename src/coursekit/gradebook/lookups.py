"""What nbgrader looks up in a gradebook, looked up once in a transaction.

nbgrader's steps look for the assignment, the student and the submission before each score, with
a question to the database each time. Within a transaction the answer is the same object.
"""

from __future__ import annotations

from typing import Any

from nbgrader.api import (
    Assignment,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy.orm import selectinload


class SharedGradebook(Gradebook):  # type: ignore[misc]
    """A gradebook that takes part in a transaction which others take part in, too.

    What is found is kept in the session, and is forgotten with it.
    """

    def check_course(self, course_id: str = "default_course", **more: Any) -> Any:
        """See to it that there is the course."""
        return self._once(("course", course_id), super().check_course, course_id, **more)

    def find_student(self, student_id: str) -> Any:
        """Find a student."""
        return self._once(("student", student_id), super().find_student, student_id)

    def find_assignment(self, name: str) -> Any:
        """Find an assignment."""
        return self._once(("assignment", name), super().find_assignment, name)

    def find_notebook(self, name: str, assignment: str) -> Any:
        """Find an assignment's notebook."""
        found = _named(name, self.find_assignment(assignment).notebooks)
        return found or super().find_notebook(name, assignment)

    def find_submission(self, assignment: str, student: str) -> Any:
        """Find a submission."""
        key = ("submission", assignment, student)
        return self._once(key, super().find_submission, assignment, student)

    def find_submission_notebook(self, notebook: str, assignment: str, student: str) -> Any:
        """Find a submission's notebook."""
        found = _named(notebook, self.find_submission(assignment, student).notebooks)
        return found or super().find_submission_notebook(notebook, assignment, student)

    def find_grade(self, grade_cell: str, notebook: str, assignment: str, student: str) -> Any:
        """Find the grade of a cell."""
        place = (notebook, assignment, student)
        grades = self.find_submission_notebook(*place).grades
        found = self._of_cell(grade_cell, ("GradeCell", "TaskCell"), notebook, assignment, grades)
        return found or super().find_grade(grade_cell, *place)

    def find_comment(self, solution_cell: str, notebook: str, assignment: str, student: str) -> Any:
        """Find the comment on a cell."""
        place = (notebook, assignment, student)
        comments = self.find_submission_notebook(*place).comments
        kinds = ("SolutionCell", "TaskCell")
        found = self._of_cell(solution_cell, kinds, notebook, assignment, comments)
        return found or super().find_comment(solution_cell, *place)

    def add_student(self, student_id: str, **more: Any) -> Any:
        """Add a student."""
        added = super().add_student(student_id, **more)
        self._known["student", student_id] = added
        return added

    def add_submission(self, assignment: str, student: str, **more: Any) -> Any:
        """Add a submission."""
        added = super().add_submission(assignment, student, **more)
        self._known["submission", assignment, student] = added
        return added

    def look_up(self, submissions: list[tuple[str, str]]) -> None:
        """Look up many submissions and their students at once, as assignment and student."""
        assignments = {assignment for assignment, _ in submissions}
        students = {student for _, student in submissions}
        for name in assignments:
            for notebook in self.find_assignment(name).notebooks:
                notebook._base_cells  # noqa: B018 (they are read now, and kept)
        for one in self.db.query(Student).filter(Student.id.in_(students)):
            self._known["student", str(one.id)] = one
        with_all = selectinload(SubmittedAssignment.notebooks)
        found = (
            self.db.query(SubmittedAssignment)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .filter(Assignment.name.in_(assignments))
            .filter(SubmittedAssignment.student_id.in_(students))
            .options(with_all.selectinload(SubmittedNotebook.grades))
            .options(with_all.selectinload(SubmittedNotebook.comments))
        )
        for one in found:
            self._known["submission", str(one.assignment.name), str(one.student_id)] = one
        for assignment, student in submissions:
            self._known.setdefault(("student", student), (f"No such student: {student}",))
            self._known.setdefault(
                ("submission", assignment, student),
                (f"No such submission: {assignment} for {student}",),
            )

    def _of_cell(
        self, name: str, kinds: tuple[str, str], notebook: str, assignment: str, found: Any
    ) -> Any:
        """What belongs to a cell; of what was not written yet, only the cell's id is known."""
        cells = self.find_notebook(notebook, assignment)._base_cells
        by_cell = {one.cell_id: one for one in found}
        ids = [
            cell.id for kind in kinds for cell in cells if (cell.name, cell.type) == (name, kind)
        ]
        return next((by_cell[cell] for cell in ids if cell in by_cell), None)

    @property
    def _known(self) -> dict[tuple[str, ...], Any]:
        """What was found, and why something is missing, in the session that all share."""
        known: dict[tuple[str, ...], Any] = self.db.info.setdefault("known", {})
        return known

    def _once(self, key: tuple[str, ...], find: Any, *names: Any, **more: Any) -> Any:
        """Find something, or find out that it is missing, unless that was done before."""
        known = self._known
        if key not in known:
            try:
                known[key] = find(*names, **more)
            except MissingEntry as missing:
                known[key] = missing.args
        if isinstance(known[key], tuple):
            raise MissingEntry(*known[key])
        return known[key]


def _named(name: str, found: Any) -> Any:
    return next((one for one in found if one.name == name), None)
