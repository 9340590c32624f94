"""JUnit XML: a suite for each student, a test case for each check."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from coursekit.class_scores import GRADED, NOTHING, Line, StudentScore
from coursekit.csv_text import points_text
from coursekit.exporting.output import Exported, Request, waiting_notes
from resnets_utils.checks.check_result import Outcome

# What XML 1.0 has no way to write.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.NOT_ATTEMPTED: "skipped"}


def junit_report(request: Request) -> Exported:
    """Return one file for the class."""
    whole = Element("testsuites", name=_text(request.scores.assignment))
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for one in request.scores.students:
        suite = SubElement(whole, "testsuite", name=_text(one.student.id))
        _properties(suite, one, request.scores.max_score)
        judged = [line for line in one.lines if line.outcome is not None]
        for line in judged:
            _case(suite, request.scores.assignment, line)
        if one.status != GRADED and not judged:
            case = SubElement(suite, "testcase", name="submission", classname="grading")
            # A submission without a score is an error of grading's, and no failed test.
            tag = "skipped" if one.status == NOTHING else "error"
            SubElement(case, tag, message=one.status)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            count = len(suite.findall(f"testcase/{tag}"))
            suite.set(name, str(count))
            totals[name] += count
        count = len(suite.findall("testcase"))
        suite.set("tests", str(count))
        totals["tests"] += count
    for name, count in totals.items():
        whole.set(name, str(count))
    indent(whole)
    text: bytes = tostring(whole, encoding="utf-8", xml_declaration=True)
    return Exported({"": text + b"\n"}, waiting_notes(request.scores))


def _properties(suite: Element, one: StudentScore, max_score: float) -> None:
    properties = SubElement(suite, "properties")
    told = {"status": one.status, "max_score": points_text(max_score)}
    if one.score is not None:
        told["score"] = points_text(one.score)
    for line in one.lines:
        if line.outcome is None and line.earned is not None:
            told[f"{line.cell} {line.kind}".strip()] = points_text(line.earned)
    for name, value in told.items():
        SubElement(properties, "property", name=_text(name), value=value)


def _case(suite: Element, assignment: str, line: Line) -> None:
    place = ".".join(filter(None, [assignment, line.notebook, line.cell]))
    case = SubElement(suite, "testcase", name=_text(line.title), classname=_text(place))
    if line.outcome is not None and (tag := _TAGS.get(line.outcome)):
        first = line.reason.partition("\n")[0]
        SubElement(case, tag, message=_text(first)).text = _text(line.reason)


def _text(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", text)
