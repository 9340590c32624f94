"""Export grades as CSV: a score stands only where one was given, and a name stays in its column."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from coursekit.course.student_names import why_no_student
from coursekit.errors import CourseKitError
from coursekit.gradebook.asked_cells import judged_cells
from coursekit.nbgrader_run import find_verdict
from coursekit.nbgrader_seam.course_folder import matching
from coursekit.nbgrader_seam.submitted_folder import digest_now

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
    "status",
)
GRADED = "graded"
BY_HAND = "needs manual grading"
NOT_GRADED = "not graded"
AGAIN = "handed in again, not graded yet"
NOTHING = "not handed in"
# A spreadsheet computes what begins so, in a cell or behind what it takes for a separator.
_FORMULA = re.compile(r"(^|[;,\t\r\n])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


class GradeExport(ExportPlugin):  # type: ignore[misc]
    """nbgrader's CSV with its columns, and one more that says what became of the submission.

    nbgrader exports 0 for whatever has no score. Here that is an empty score, for nobody is to
    get a grade, of whatever height, that was not given.
    """

    def export(self, gradebook: Gradebook) -> None:
        """Write the file.

        Raises:
            CourseKitError: if an assignment or student that was asked for is unknown, or the
                file cannot be written.

        """
        rows = list(self._rows(gradebook))
        target = Path(self.to or "grades.csv")
        try:
            with target.open("w", encoding="utf-8", errors="replace", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(COLUMNS)
                writer.writerows([[_cell(value) for value in row] for row in rows])
        except OSError as error:
            raise CourseKitError(
                f"{target} cannot be written ({error.strerror})",
                "name another file, with: nbgrader export --to FILE",
            ) from None
        waiting = sum(row[-1] in (BY_HAND, NOT_GRADED, AGAIN) for row in rows)
        self.log.info("Exported to %s: %d lines, %d wait for a score", target, len(rows), waiting)

    def _rows(self, gradebook: Gradebook) -> Any:
        names = [assignment.name for assignment in gradebook.assignments]
        people = {student.id: student for student in gradebook.students}
        folders = self._handed_in()
        new = {who for who, name in folders if name in names} - set(people)
        people |= dict.fromkeys(sorted(new))
        wanted = [str(one) for one in self.assignment] or names
        students = [str(one) for one in self.student] or list(people)
        unknown = [one for one in wanted if one not in names]
        unknown += [one for one in students if one not in people]
        if unknown:
            raise CourseKitError(
                f"the gradebook does not know {', '.join(unknown)}",
                "list what it knows, with: nbgrader db assignment list; nbgrader db student list",
            )
        for assignment in gradebook.assignments:
            for who in students if assignment.name in wanted else ():
                yield self._row(gradebook, assignment, who, people[who], folders)

    def _row(
        self, gradebook: Gradebook, assignment: Any, who: str, student: Any, folders: Any
    ) -> list[Any]:
        place = folders.get((who, assignment.name))
        try:
            if why_no_student(who):
                # It was never graded, and the gradebook cannot be asked for every name.
                raise MissingEntry(who)
            submission = gradebook.find_submission(assignment.name, who)
        except MissingEntry:
            submission, status = None, NOT_GRADED if place else NOTHING
        else:
            status = self._status(submission, place)
        scores: list[Any] = ["", "", ""]
        if submission and status == GRADED:
            penalty = submission.late_submission_penalty
            scores = [submission.score, penalty, max(0.0, submission.score - penalty)]
        return [
            assignment.name,
            assignment.duedate,
            submission and submission.timestamp,
            who,
            student and student.last_name,
            student and student.first_name,
            student and student.email,
            *scores,
            assignment.max_score,
            status,
        ]

    def _status(self, submission: Any, place: Path | None) -> str:
        root, who, name = Path(self.parent.coursedir.root), submission.student.id, submission.name
        for notebook in submission.notebooks:
            judged = {cell.name for cell in judged_cells(notebook.notebook)}
            for grade in notebook.grades:
                if grade.name in judged and (grade.auto_score, grade.manual_score) == (None, None):
                    return NOT_GRADED
            verdict = find_verdict(root, who, name, notebook.name)
            if (
                place
                and verdict
                and verdict.digest != digest_now(self.parent.coursedir, str(place))
            ):
                return AGAIN
        return BY_HAND if submission.needs_manual_grade else GRADED

    def _handed_in(self) -> dict[tuple[str, str], Path]:
        """The submitted folders, by student and assignment."""
        coursedir = self.parent.coursedir
        pattern = coursedir.format_path(coursedir.submitted_directory, "*", "*")
        parts = coursedir.format_path(
            coursedir.submitted_directory, "(?P<who>.*)", "(?P<name>.*)", escape=True
        )
        found = ((re.fullmatch(parts, path, re.DOTALL), Path(path)) for path in matching(pattern))
        return {(at["who"], at["name"]): path for at, path in found if at and path.is_dir()}


def _cell(value: Any) -> Any:
    """A value as it may stand in a spreadsheet: text that looks like a formula is quoted."""
    if value is None:
        return ""
    return value if isinstance(value, int | float) else _FORMULA.sub(r"\1\2'", str(value))
