"""The students that the gradebook knows, and their ids on the learning platform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nbgrader.api import Gradebook

from coursekit.gradebook.database import is_missing, one_transaction


@dataclass(frozen=True)
class Student:
    """A student; the fields are nbgrader's, and "" is what is not known."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""


def read_students(url: str) -> list[Student]:
    """Return the students of a gradebook; [] if there is no gradebook yet."""
    if is_missing(url):
        return []
    with Gradebook(url) as gradebook:
        return students_in(gradebook)


def students_in(gradebook: Gradebook) -> list[Student]:
    """Return the students of a gradebook that is open, in the order of their names."""
    students = [
        Student(
            str(one.id),
            one.first_name or "",
            one.last_name or "",
            one.email or "",
            one.lms_user_id or "",
        )
        for one in gradebook.students
    ]
    # Each kind of database has an order of its own.
    return sorted(students, key=lambda one: (one.last_name, one.first_name, one.id))


def remember_students(url: str, students: Iterable[Student]) -> None:
    """Write what is known of students, those included whom the gradebook does not have yet.

    What is "" stays as it was, and so does a name or an address that is there already.
    """
    with one_transaction(url), Gradebook(url) as gradebook:
        known = {str(one.id): one for one in gradebook.students}
        for student in students:
            given = {key: value for key, value in vars(student).items() if value and key != "id"}
            before = known.get(student.id)
            changed = {
                key: value
                for key, value in given.items()
                if before is None or key == "lms_user_id" or not getattr(before, key)
            }
            if before is None or changed:
                gradebook.update_or_create_student(student.id, **changed)
