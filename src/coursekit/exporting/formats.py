"""The formats that scores can be exported in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coursekit.exporting.brightspace_grades import brightspace_grades
from coursekit.exporting.canvas_gradebook import canvas_gradebook
from coursekit.exporting.check_tables import long_table, wide_table
from coursekit.exporting.gradescope_results import gradescope_results
from coursekit.exporting.junit_report import junit_report
from coursekit.exporting.lms_scores import lms_scores
from coursekit.exporting.moodle_feedback import moodle_feedback
from coursekit.exporting.moodle_worksheet import moodle_worksheet
from coursekit.exporting.output import Exported, Request
from coursekit.exporting.prairielearn_results import prairielearn_results


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        export: makes the files.
        ending: the ending of its file's name; "" if it is a folder.
        fills: the file of a learning platform that it fills, in words; "" if it needs none.

    """

    export: Callable[[Request], Exported]
    ending: str
    fills: str = ""


FORMATS = {
    "csv": Format(long_table, ".csv"),
    "csv-wide": Format(wide_table, ".csv"),
    "gradescope": Format(gradescope_results, ""),
    "prairielearn": Format(prairielearn_results, ""),
    "junit": Format(junit_report, ".xml"),
    "canvas": Format(canvas_gradebook, ".csv", "the gradebook, as exported from Canvas"),
    "moodle": Format(moodle_worksheet, ".csv", "the grading worksheet"),
    "moodle-feedback": Format(moodle_feedback, ".zip", "the zip of all submissions"),
    "brightspace": Format(brightspace_grades, ".csv"),
    "ags": Format(lms_scores, ".json"),
}
