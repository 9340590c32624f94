from __future__ import annotations

from nbconvert.filters.strings import clean_html

from coursekit.judge.verdict import CellVerdict, CheckVerdict, NotebookVerdict
from coursekit.pages.verdict_html import verdict_html

CELL = CellVerdict(
    "test_x",
    "x",
    (
        CheckVerdict("good", 2, "passed", remarks=("a remark",)),
        CheckVerdict("bad", 3, "failed", "<script>alert(1)</script>\nsecond line"),
        CheckVerdict("raised", 1, "error", "why"),
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


def test_scores_add_up_and_the_gravest_outcome_counts() -> None:
    assert (CELL.score, CELL.points, CELL.outcome) == (2, 6, "error")
    passed = CellVerdict("a", "a", CELL.checks[:1])
    assert passed.outcome == "passed"
    blank = CellVerdict("a", "a", (CheckVerdict("x", 1, "not attempted"),))
    assert blank.outcome == "not attempted"
    mixed = CellVerdict("a", "a", (*blank.checks, *passed.checks))
    assert mixed.outcome == "not attempted" and mixed.score == 2


def test_a_verdict_comes_back_from_its_json() -> None:
    verdict = NotebookVerdict("a", "N", "s", (CELL,), 5, "none", ("a remark",))
    assert NotebookVerdict.from_json(verdict.as_json()) == verdict
