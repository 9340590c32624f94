"""``nbgrader export``: nbgrader's own table, and the kit's formats as its plugins.

As in ``nbgrader export --exporter=coursekit.exporting.grade_export.CanvasExport
--CanvasExport.into=FILE --assignment=NAME``; see `formats` for all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode

from coursekit.class_scores import GRADED, WAITING, ClassScores, class_scores, unknown
from coursekit.csv_text import csv_text
from coursekit.errors import CourseKitError
from coursekit.exporting.formats import FORMATS
from coursekit.exporting.output import Exported, Request
from coursekit.processes.whole_files import write_whole

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
# Others of this machine need not read grades.
_MODE = 0o600


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
        names = [str(assignment.name) for assignment in gradebook.assignments]
        wanted = [str(one) for one in self.assignment] or names
        if missing := [name for name in wanted if name not in names]:
            raise unknown(missing)
        students = tuple(map(str, self.student))
        rows: list[tuple[object, ...]] = [COLUMNS]
        for name in names:
            if name in wanted:
                rows += _totals(class_scores(gradebook, self.parent.coursedir, name, students))
        target = Path(self.to or "grades.csv")
        _write(target, csv_text(rows))
        waiting = sum(row[-1] in WAITING for row in rows)
        count = len(rows) - 1
        self.log.info("Exported to %s: %d lines, %d wait for a score", target, count, waiting)


def _totals(scores: ClassScores) -> list[tuple[object, ...]]:
    return [
        (
            scores.assignment,
            scores.duedate,
            one.timestamp,
            one.student.id,
            one.student.last_name,
            one.student.first_name,
            one.student.email,
            one.raw_score,
            one.penalty,
            one.score,
            scores.max_score,
            one.status,
        )
        for one in scores.students
    ]


class FormatExport(ExportPlugin):  # type: ignore[misc]
    """One assignment in one of the kit's formats."""

    into = Unicode("", help="the learning platform's file to fill").tag(config=True)
    column = Unicode("", help="the title of its column").tag(config=True)
    format_name = ""

    def export(self, gradebook: Gradebook) -> None:
        """Write the file, or the files into a folder.

        Raises:
            CourseKitError: if there is nothing to export, or it cannot be written.

        """
        names = list(map(str, self.assignment)) or [str(one.name) for one in gradebook.assignments]
        if len(names) != 1:
            raise CourseKitError(
                f"this format is for one assignment, not for {len(names)}",
                "name it, with: --assignment NAME",
            )
        chosen = FORMATS[self.format_name]
        coursedir = self.parent.coursedir
        scores = class_scores(gradebook, coursedir, names[0], tuple(map(str, self.student)))
        into = Path(self.into) if self.into else None
        pages = _pages(coursedir, scores) if self.format_name == "moodle-feedback" else {}
        request = Request(scores, _read(into), self.into, self.column, pages)
        exported = chosen.export(request)
        default = f"build/export/{names[0]}-{self.format_name}{chosen.ending}"
        target = Path(self.to or Path(coursedir.root, default))
        if into and target.exists() and target.samefile(into):
            raise CourseKitError(
                f"{into} is the file that is filled; it stays as it is",
                "name another file to write",
            )
        _write_all(target, exported, own=not self.to, folder=not chosen.ending)
        graded = sum(one.status == GRADED for one in scores.students)
        self.log.info("Exported to %s: %d with a score", target, graded)
        for note in exported.notes:
            self.log.warning("%s", note)


def _read(path: Path | None) -> bytes:
    try:
        return path.read_bytes() if path else b""
    except OSError as error:
        raise CourseKitError(
            f"{path} cannot be read ({error.strerror})", "name the learning platform's file"
        ) from None


def _pages(coursedir: Any, scores: ClassScores) -> dict[str, dict[str, bytes]]:
    """The feedback pages of those who have a score, by student and name."""
    found = {}
    for one in scores.students:
        if one.status == GRADED:
            who = one.student.id
            place = coursedir.format_path(coursedir.feedback_directory, who, scores.assignment)
            found[who] = {page.name: page.read_bytes() for page in Path(place).glob("*.html")}
    return found


def _write_all(target: Path, exported: Exported, *, own: bool, folder: bool) -> None:
    if not folder:
        _write(target, exported.files[""], parents=own)
        return
    if target.exists() and not target.is_dir():
        raise CourseKitError(f"{target} is no folder", "name another folder")
    left = sorted(target.iterdir()) if target.is_dir() else []
    if left and not own:
        raise CourseKitError(
            f"{target} has files already, perhaps of an earlier export",
            "name an empty folder, or a new one",
        )
    for path in left:
        path.unlink()
    for name, content in exported.files.items():
        _write(target / name, content, parents=True)


def _write(target: Path, content: bytes, *, parents: bool = False) -> None:
    try:
        if parents:
            target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content, _MODE)
    except OSError as error:
        raise CourseKitError(
            f"{target} cannot be written ({error.strerror})",
            "name another file, with: nbgrader export --to FILE",
        ) from None


class CheckTableExport(FormatExport):
    """CSV with a row for each student and check."""

    format_name = "csv"


class WideCheckTableExport(FormatExport):
    """CSV with a row for each student."""

    format_name = "csv-wide"


class GradescopeExport(FormatExport):
    """Gradescope's results, a file for each student."""

    format_name = "gradescope"


class PrairieLearnExport(FormatExport):
    """PrairieLearn's results, a file for each student."""

    format_name = "prairielearn"


class JunitExport(FormatExport):
    """JUnit XML."""

    format_name = "junit"


class CanvasExport(FormatExport):
    """A Canvas gradebook with one column filled."""

    format_name = "canvas"


class MoodleExport(FormatExport):
    """A Moodle grading worksheet, filled."""

    format_name = "moodle"


class MoodleFeedbackExport(FormatExport):
    """Feedback pages for Moodle, in a zip."""

    format_name = "moodle-feedback"


class BrightspaceExport(FormatExport):
    """Grades for Brightspace."""

    format_name = "brightspace"


class LmsScoresExport(FormatExport):
    """Score objects of LTI 1.3."""

    format_name = "ags"


EXPORTERS: dict[str, type[FormatExport]] = {
    plugin.format_name: plugin for plugin in FormatExport.__subclasses__()
}
