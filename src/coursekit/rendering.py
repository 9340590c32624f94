"""Verdicts for people: in the feedback page, and on a terminal."""

from __future__ import annotations

from html import escape

from coursekit.verdict import ERROR, FAILED, NOT_ATTEMPTED, PASSED, CellVerdict

# A sign and a word: no verdict is told by colour alone.
SIGNS = {PASSED: "✓", FAILED: "✗", ERROR: "!", NOT_ATTEMPTED: "–"}


def verdict_html(verdict: CellVerdict) -> str:
    """Return a cell's verdict as a table; every text in it is escaped."""
    rows = []
    for check in verdict.checks:
        earned = check.points if check.outcome == PASSED else 0
        notes = [check.reason, *(f"note: {remark}" for remark in check.remarks)]
        said = "<br>".join(escape(note).replace("\n", "<br>") for note in notes if note)
        rows.append(
            f"<tr><td>{SIGNS[check.outcome]} {check.outcome}</td><td>{escape(check.name)}</td>"
            f"<td>{earned:g} / {check.points:g}</td><td>{said}</td></tr>"
        )
    return (
        f"<table><caption>{escape(verdict.grade_id)}: {verdict.outcome}, "
        f"{verdict.score:g} of {verdict.points:g} points</caption>"
        "<thead><tr><th>outcome</th><th>check</th><th>points</th><th>reason</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def verdict_text(verdict: CellVerdict) -> str:
    """Return a cell's verdict as lines of text."""
    lines = [
        f"{verdict.grade_id}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points"
    ]
    for check in verdict.checks:
        earned = check.points if check.outcome == PASSED else 0
        points = f"{earned:>2g}/{check.points:<2g}"
        lines.append(f"  {SIGNS[check.outcome]} {check.outcome:<13} {points} {check.name}")
        lines += [f"      {line}" for line in check.reason.split("\n") if line]
        lines += [f"      note: {remark}" for remark in check.remarks]
    return "\n".join(lines) + "\n"
