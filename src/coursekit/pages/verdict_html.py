"""Verdicts as the lists of a feedback page."""

from __future__ import annotations

from html import escape

from coursekit.judge.verdict import CellVerdict


def verdict_html(verdict: CellVerdict, remark: str = "") -> str:
    """Return a cell's verdict as an HTML list below the lines of a remark, all text escaped.

    Only tags that nbconvert's ``clean_html`` keeps are used. It does not keep
    tables: its parser adds a tbody, which it then removes.
    """
    head = f"{verdict.grade_id}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points"
    items = []
    for check in verdict.checks:
        line = (
            f"<strong>{check.outcome.signed}</strong> {check.earned:g}/{check.points:g} "
            f"<em>{escape(check.name)}</em>{' (hidden check)' if check.hidden else ''}"
        )
        # Further lines are mostly a student's words: the mark tells them from the judge's.
        first, *more = check.reason.split("\n")
        notes = [first, *(f"│ {line}" for line in more if line)]
        notes += [f"note: {remark}" for remark in check.remarks]
        reasons = "".join(f"<div>{escape(note)}</div>" for note in notes if note)
        items.append(f"<li>{line}{reasons}</li>")
    above = "".join(f"<div>note: {escape(line)}</div>" for line in remark.split("\n") if line)
    # MathJax would set formulas in a student's words, and a formula can cover other text.
    return (
        f'<div class="tex2jax_ignore">{above}<div><strong>{escape(head)}</strong></div>'
        f"<ul>{''.join(items)}</ul></div>"
    )
