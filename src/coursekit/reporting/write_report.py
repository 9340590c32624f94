"""``coursekit report``: write the class report, and show the first mistakes."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin

from coursekit.class_scores import ClassScores, class_scores
from coursekit.command_runner import Say
from coursekit.course.assignment import find_assignment, refuse_other_folder
from coursekit.course.student_names import escaped
from coursekit.errors import CourseKitError
from coursekit.exporting.check_tables import long_table, wide_table
from coursekit.exporting.output import Exported, Request
from coursekit.exporting.plugin_app import plugin_app
from coursekit.gradebook.database import is_missing
from coursekit.processes.whole_files import write_whole
from coursekit.reporting.class_report import ClassReport, class_report
from coursekit.reporting.report_page import report_page

FOLDER = "reports"
PAGE, ANONYMOUS_PAGE = "report.html", "anonymous.html"
LONG_TABLE, WIDE_TABLE = "report.csv", "report-wide.csv"
SHOWN = 10
# Others of this machine need not read grades.
_MODE, _FOLDER_MODE = 0o600, 0o700


def write_report(course: Path, name: str, say: Say, *, anonymous: bool = False) -> Path:
    """Write ``reports/<assignment>/``, and show the mistakes that cost most.

    Args:
        course: the course folder.
        name: the assignment's name.
        say: shows a line.
        anonymous: whether to write the page for the class, and no tables.

    Returns:
        The page.

    Raises:
        CourseKitError: if there is no such assignment, or the files cannot be written.

    """
    refuse_other_folder(course)
    assignment = find_assignment(course, name)
    scores = _read_scores(course, name)
    report = class_report(assignment, scores, written=datetime.now(), anonymous=anonymous)
    files = {ANONYMOUS_PAGE if anonymous else PAGE: report_page(report).encode("utf-8", "replace")}
    if not anonymous:
        request = Request(scores)
        files[LONG_TABLE] = _only_file(long_table(request))
        files[WIDE_TABLE] = _only_file(wide_table(request))
    folder = course / FOLDER / name
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        for file, content in files.items():
            write_whole(folder / file, content, _MODE)
    except OSError as error:
        raise CourseKitError(
            f"{folder} cannot be written ({error.strerror})",
            "make room there, or give yourself the right to write, then run the command again",
        ) from None
    for line in _summary(report):
        say(escaped(line))
    say(f"\nwritten: {', '.join(str(Path(FOLDER, name, file)) for file in files)}")
    if not anonymous:
        say(f"hint: for showing it in class, run: coursekit report {name} --anonymous")
    return folder / next(iter(files))


def _only_file(exported: Exported) -> bytes:
    return exported.files[""]


def _summary(report: ClassReport) -> list[str]:
    """The report in a few lines."""
    lines = [f"{report.assignment}: {report.handed_in} handed in, {report.graded} with a score"]
    if report.scores.median is not None:
        lines[0] += f", median {report.scores.median:g} of {report.max_score:g}"
    for reason in report.waiting:
        lines.append(f"without a score: {len(reason.students)}, {reason.words.splitlines()[0]}")
    lines += [
        f"not attempted: {one.function}, {len(one.answers)} of {one.asked}"
        for one in report.untried
    ]
    if report.mistakes:
        lines.append(f"mistakes: {len(report.mistakes)}; those that cost most:")
    for number, told in enumerate(report.mistakes[:SHOWN], 1):
        one = told.mistake
        lines.append(
            f"{number:4}. {len(one.answers):3} of {one.asked}, {one.points_lost:6.4g} points  "
            f"{one.function}: {one.difference.sentence.splitlines()[0]}"
        )
    return lines


class ScoresReader(ExportPlugin):  # type: ignore[misc]
    """Keeps a class's scores: a plugin's gradebook is opened as the course is configured."""

    found: ClassScores | None = None

    def export(self, gradebook: Gradebook) -> None:
        """Read the scores; an assignment that is not in the gradebook has nobody's."""
        [name] = self.assignment
        if name in {assignment.name for assignment in gradebook.assignments}:
            self.found = class_scores(gradebook, self.parent.coursedir, name)


def _read_scores(course: Path, name: str) -> ClassScores:
    """The scores of an assignment, of an empty class if it was never generated."""
    scores = ClassScores(name, 0.0, None, ())
    log = logging.Logger("coursekit report", logging.ERROR)
    with plugin_app(course, ScoresReader, log, assignment=[name]) as app:
        if not is_missing(app.coursedir.db_url):
            app.start()
            scores = app.plugin_inst.found or scores
    return scores
