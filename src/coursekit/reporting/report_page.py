"""A class report as one HTML file that loads nothing and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coursekit.course.student_names import escaped
from coursekit.pages.page_template import page_template
from coursekit.reporting.class_report import ClassReport
from resnets_utils.checks.check_result import Outcome

_YOURS = re.compile(r"\byours(?= has\b)")
_NO_BREAK = "\u00a0"
_FOLDER = Path(__file__).resolve().parent / "page"


def report_page(report: ClassReport) -> str:
    """Return the page."""
    filters: dict[str, Callable[..., Any]] = {
        "number": _number,
        "share": _share,
        "shown": escaped,
        "told": _told,
    }
    files = _FOLDER / "report.html.j2", _FOLDER / "report.css"
    template, style, digest = page_template(*files, filters)
    return template.render(report=report, style=style, style_digest=digest, outcomes=list(Outcome))


def _told(sentence: str) -> str:
    """A sentence that was written for a student, for somebody else."""
    return _YOURS.sub("theirs", sentence)


def _number(value: float) -> str:
    """A number for people: 12.5, and 40 for 40.0."""
    text = f"{value:,.1f}"
    return text.removesuffix(".0")


def _share(part: float, whole: float) -> str:
    """A share in per cent; a small one is not called 0 %, nor a large one 100 %."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return f"under 1{_NO_BREAK}%"
    if 99 < percent < 100:
        return f"over 99{_NO_BREAK}%"
    return f"{percent:.0f}{_NO_BREAK}%"
