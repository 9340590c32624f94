"""What a worker says, and whether the coordinator believes it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from test_verdict import VERDICT

import coursekit
from coursekit.class_grading.results import FailedGrading
from coursekit.cluster.admission import Trial, refuse_no_sandbox, why_not_admitted
from coursekit.cluster.kit_versions import _digest_of_code, different, versions_here
from coursekit.cluster.messages import result_of
from coursekit.cluster.wire import Message
from coursekit.errors import CourseKitError
from coursekit.grading.job import Graded, Job

JOB = Job(VERDICT.assignment, VERDICT.notebook, VERDICT.student, VERDICT.digest, VERDICT.salt)
GRADED = Graded('{"cells": []}', VERDICT.as_json())
FAILED = FailedGrading("the disk is full", "make room", passing=True)


def answer(graded: Any, log: Any = "") -> Message:
    return Message({}, json.dumps({"graded": graded, "log": log}).encode())


def test_what_a_worker_found_is_taken() -> None:
    ended = result_of(JOB, answer(asdict(GRADED), "[INFO] a line"))
    assert ended and (ended.job, ended.outcome, ended.log) == (JOB, GRADED, "[INFO] a line")
    failed = result_of(JOB, Message({"failed": asdict(FAILED)}))
    assert failed and failed.outcome == FAILED


def about(**changes: Any) -> dict[str, Any]:
    return asdict(replace(GRADED, verdict=replace(VERDICT, **changes).as_json()))


def other_verdict(**changes: Any) -> dict[str, Any]:
    data = json.loads(VERDICT.as_json()) | changes
    return {"notebook": "{}", "verdict": json.dumps(data)}


DEEP = "[" * 200_000
JUNK: dict[str, Message] = {
    "nothing": Message({}),
    "junk": Message({}, b"\xff" * 99),
    "no result": Message({}, b"[]"),
    "a text": Message({}, b'"graded"'),
    "nested": Message({}, DEEP.encode()),
    "another student": answer(about(student="eve")),
    "another submission": answer(about(digest="sha256:0")),
    "another salt": answer(about(salt=1)),
    "another assignment": answer(about(assignment="b-v1")),
    "another notebook": answer(about(notebook="B")),
    "no verdict": answer({"notebook": "{}", "verdict": ""}),
    "a nested verdict": answer({"notebook": "{}", "verdict": DEEP}),
    "a number": answer({"notebook": "{}", "verdict": 7}),
    "a list": answer({"notebook": "{}", "verdict": "[]"}),
    "no notebook": answer({**asdict(GRADED), "notebook": "{"}),
    "not even a text": answer({**asdict(GRADED), "notebook": None}),
    "a part is missing": answer(other_verdict(cells=[{}])),
    "another kind of cell": answer(other_verdict(cells=7)),
    "an unknown outcome": answer(
        other_verdict(
            cells=[{"checks": [{"outcome": "well done"}], "grade_id": "", "function": ""}]
        )
    ),
    "a student that is a list": answer(other_verdict(student=["zoë"])),
    "a log that is no text": Message({}, json.dumps({"graded": asdict(GRADED)}).encode()),
    "failed, without words": Message({"failed": {}}),
    "failed, as a text": Message({"failed": "yes"}),
    "failed, with numbers": Message({"failed": {"message": 1, "hint": 2, "passing": 3}}),
    "failed, in the result": Message(
        {}, json.dumps({"failed": {"message": 1, "hint": [], "passing": 0}, "log": ""}).encode()
    ),
}


@pytest.mark.parametrize("kind", JUNK)
def test_what_is_no_result_about_the_job_is_not_taken(kind: str) -> None:
    assert result_of(JOB, JUNK[kind]) is None


def test_versions() -> None:
    here = versions_here()
    assert {"Python", "the course kit", "keras", "nbgrader"} <= here.keys()
    assert different(dict(here)) == ""
    assert different({**here, "keras": "2.15"}) == f"keras (2.15 there, {here['keras']} here)"
    assert different({**here, "the course kit": "0"}) == "the course kit's own code"
    assert different({}).count("missing there") == len(here) - 1
    assert different({**here, "more": "1"}) == "more (1 there, missing here)"


def test_a_course_of_one_s_own_is_no_other_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _digest_of_code()
    read = Path.read_bytes
    changed = Path(coursekit.__path__[0], "new_course")

    def read_changed(path: Path) -> bytes:
        return b"changed" if path.is_relative_to(changed) else read(path)

    monkeypatch.setattr(Path, "read_bytes", read_changed)
    # In a checkout this folder leads to the course itself: its settings, its notebooks.
    assert _digest_of_code() == before
    changed = Path(coursekit.__path__[0], "judge")
    assert _digest_of_code() != before


@pytest.mark.parametrize(
    ("changes", "level", "why"),
    [
        ({}, "", ""),
        ({}, "landlock", ""),
        ({"levels": []}, "", "no sandbox .*coursekit doctor"),
        ({}, "zygote", "its sandbox is bubblewrap, and c.StudentKernel.level asks for zygote"),
        ({"versions": {}}, "", "other versions: .*from the same release"),
        ({"versions": None}, "", "does not say"),
        ({"levels": None}, "", "does not say"),
        ({"levels": 7}, "", "does not say"),
    ],
)
def test_who_may_grade(changes: dict[str, Any], level: str, why: str) -> None:
    said = {"versions": versions_here(), "levels": ["bubblewrap", "landlock"], **changes}
    assert re.fullmatch(f".*{why}.*" if why else "", why_not_admitted(said, level))


def test_nothing_is_sent_to_other_machines_without_a_sandbox() -> None:
    for level in ("", "zygote", "landlock"):
        refuse_no_sandbox(level)
    with pytest.raises(CourseKitError, match="nothing is sent to other machines"):
        refuse_no_sandbox("none")


def trial(**settings: Any) -> Trial:
    return Trial("a known answer", JOB, "submitted", Message({}), **settings)


def test_a_known_answer_decides() -> None:
    fails = {"f": frozenset({"values", "other arguments"}), "g": frozenset({"behaviour"})}
    assert trial(fails=fails).why_not(GRADED) == ""
    assert trial(fails={"f": frozenset({"values"})}).why_not(GRADED) == (
        "for a known answer, other arguments, values failed; values must fail"
    )
    # Who judges nothing does not find what must fail.
    assert "no check failed" in trial(fails={"h": frozenset({"values"})}).why_not(GRADED)
    assert "must fail" in trial(fails={"h": frozenset()}).why_not(GRADED)
    assert (
        trial(fails={}, share=1).why_not(GRADED) == "it gave 3.5 of 15.5 points for a known answer"
    )
    assert trial(fails={}, share=0).why_not(GRADED)
    assert trial(fails={}, share=3.5 / 15.5).why_not(GRADED) == ""
    assert trial(fails={}).why_not(FAILED) == "it could not grade a known answer: the disk is full"
