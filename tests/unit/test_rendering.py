from __future__ import annotations

from nbconvert.filters.strings import clean_html

from coursekit.judge.verdict import CellVerdict
from coursekit.pages.verdict_html import verdict_html
from resnets_utils.checks.check_result import CheckResult, Outcome

CELL = CellVerdict(
    "test_x",
    "x",
    (
        CheckResult("good", 2, Outcome.PASSED, remarks=("a remark",)),
        CheckResult("bad", 3, Outcome.FAILED, "<script>alert(1)</script>\nsecond line"),
        CheckResult("raised", 1, Outcome.ERROR, "why", hidden=True),
    ),
)


def test_a_verdict_survives_nbconverts_cleaning_as_it_is() -> None:
    assert clean_html(verdict_html(CELL)) == verdict_html(CELL)


def test_what_a_student_wrote_is_escaped() -> None:
    page = verdict_html(CELL)
    assert "<script>" not in page and "&lt;script&gt;alert(1)" in page
    # Further lines could look like checks that were passed.
    assert "<div>│ second line</div>" in page


def test_outcomes_are_told_by_sign_and_word() -> None:
    page = verdict_html(CELL)
    for told in ("✓ passed", "✗ failed", "! error", "2/2", "0/3", "note: a remark"):
        assert told in page


def test_a_hidden_check_is_called_one_and_no_other_is() -> None:
    page = verdict_html(CELL)
    assert page.count("hidden check") == 1
    assert "<em>raised</em> (hidden check)" in page
