"""Verdicts for people: signs, words and the feedback page's tables."""

from __future__ import annotations

from html import escape

from coursekit.verdict import ERROR, FAILED, NOT_ATTEMPTED, PASSED, CellVerdict

# A sign and a word: no verdict is told by colour alone.
SIGNS = {PASSED: "✓", FAILED: "✗", ERROR: "!", NOT_ATTEMPTED: "–"}


def verdict_html(verdict: CellVerdict) -> str:
    """Return a cell's verdict as a table; every text in it is escaped.

    Only tags that nbconvert's sanitiser lets through are used.
    """
    rows = [_row("outcome", "points", "check", "reason", strong=True)]
    for check in verdict.checks:
        earned = check.points if check.outcome == PASSED else 0
        notes = [check.reason, *(f"note: {remark}" for remark in check.remarks)]
        rows.append(
            _row(
                f"{SIGNS[check.outcome]} {check.outcome}",
                f"{earned:g} / {check.points:g}",
                check.name,
                "\n".join(note for note in notes if note),
            )
        )
    head = f"{verdict.grade_id}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points"
    return f"<p><strong>{escape(head)}</strong></p><table>{''.join(rows)}</table>"


def _row(outcome: str, points: str, check: str, reason: str, *, strong: bool = False) -> str:
    narrow = [escape(text).replace(" ", "&nbsp;") + "&nbsp;" for text in (outcome, points)]
    wide = [escape(text).replace("\n", "<br>") for text in (check, reason)]
    cells = [f"<strong>{cell}</strong>" if strong else cell for cell in (*narrow, *wide)]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
