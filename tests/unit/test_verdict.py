"""Verdicts: what they add up to, and the form of their file."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from resnets_utils.border.difference import Difference
from resnets_utils.checks.check_result import CheckResult, Outcome

DOCS = Path(__file__).parents[2] / "docs"
GOLDEN = Path(__file__).parents[1] / "golden" / "verdict.json"
PASSED = CheckResult("output shape", 2, Outcome.PASSED)
NOTED = CheckResult(
    "names", 1.5, Outcome.PASSED, remarks=("the softmax is usually named 'fc6'", "größer: ≥ 6")
)
FAILED = CheckResult(
    "values",
    3,
    Outcome.FAILED,
    "f(x='naïve ☃') returned 1; the exercise asks for 2\nresult is 1; expected 2",
    difference=Difference("value", "the result", "value", sentence="it returns another result"),
    signature="0123456789abcdef",
)
RAISED = CheckResult(
    "other arguments",
    4,
    Outcome.ERROR,
    'f(x=3): KeyError: "k"\n    line 2: d[k]',
    hidden=True,
    difference=Difference("raised", "d[k]", "KeyError", sentence='KeyError: "k"'),
)
BLANK = CheckResult(
    "behaviour",
    5,
    Outcome.NOT_ATTEMPTED,
    "the placeholder is still in g",
    hidden=True,
    difference=Difference("not attempted", sentence="the placeholder is still there"),
)
VERDICT = NotebookVerdict(
    "an-assignment-v1",
    "An_Assignment_v1",
    "zoë",
    (
        CellVerdict("test_f", "f", (PASSED, NOTED, FAILED, RAISED)),
        CellVerdict("test_g", "g", (BLANK,)),
    ),
    2**63 - 1,
    "bubblewrap",
    ("made from an older version", "stopped after 6 s in cell 3"),
    "sha256:0123456789abcdef",
    "sha256:fedcba9876543210",
)


def test_the_files_form_is_the_golden_one() -> None:
    # A changed form needs a new number in SCHEMA; the test below keeps what describes it.
    assert VERDICT.as_json() == GOLDEN.read_text(encoding="utf-8")
    assert {check.outcome for cell in VERDICT.cells for check in cell.checks} == set(Outcome)


def test_it_has_the_form_of_the_json_schema() -> None:
    schema = json.loads((DOCS / "verdict.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(VERDICT.as_json())
    jsonschema.validate(data, schema)
    described = (DOCS / "verdict.md").read_text()
    described = (DOCS / "verdict.md").read_text()
    cell = data["cells"][0]
    check = cell["checks"][2]
    for part in (data, cell, check, check["difference"]):
        for name, value in list(part.items()):
            assert f"`{name}`" in described
            del part[name]
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(data, schema)
            part[name] = value


def test_the_golden_file_is_read_back() -> None:
    read = NotebookVerdict.from_json(GOLDEN.read_text(encoding="utf-8"))
    assert read == VERDICT
    assert all(type(check.outcome) is Outcome for cell in read.cells for check in cell.checks)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"schema": 5', '"schema": 4', "a verdict of schema 5 is needed"),
        ('"schema": 5,', "", "a verdict of schema 5 is needed"),
        ('"outcome": "passed"', '"outcome": "excellent"', "'excellent' is not a valid Outcome"),
        ('"salt": 9223372036854775807', '"salt": "1"', "changed after it was written"),
        ('"score": 3.5', '"score": 10.5', "changed after it was written"),
        ('"name": "names",', "", "damaged"),
        ('"grade_id": "test_g"', '"grade": "test_g"', "damaged"),
        ('"salt"', '"pepper"', "damaged"),
    ],
)
def test_another_form_is_refused(old: str, new: str, said: str) -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        NotebookVerdict.from_json(text.replace(old, new))


@pytest.mark.parametrize(
    ("checks", "outcome", "score", "points"),
    [
        ((PASSED, NOTED), Outcome.PASSED, 3.5, 3.5),
        ((BLANK,), Outcome.NOT_ATTEMPTED, 0, 5),
        ((BLANK, PASSED), Outcome.NOT_ATTEMPTED, 2, 7),
        ((BLANK, FAILED, PASSED), Outcome.FAILED, 2, 10),
        ((RAISED, FAILED, PASSED), Outcome.ERROR, 2, 9),
    ],
)
def test_scores_add_up_and_the_gravest_outcome_counts(
    checks: tuple[CheckResult, ...], outcome: Outcome, score: float, points: float
) -> None:
    cell = CellVerdict("test_f", "f", checks)
    assert (cell.outcome, cell.score, cell.points) == (outcome, score, points)
