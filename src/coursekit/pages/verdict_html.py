"""Verdicts for people: the lists of the feedback page."""

from __future__ import annotations

from html import escape

from coursekit.judge.verdict import CellVerdict


def verdict_html(verdict: CellVerdict, remark: str = "") -> str:
    """Return a cell's verdict as a list; every text in it is escaped.

    A remark stands above, each of its lines by itself.

    Only tags that nbconvert's ``clean_html`` lets through are used; tables are
    not quite among them, for its parser adds a tbody that it then refuses.
    """
    head = f"{verdict.grade_id}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points"
    items = []
    for check in verdict.checks:
        line = (
            f"<strong>{check.outcome.signed}</strong> {check.earned:g}/{check.points:g} "
            f"<em>{escape(check.name)}</em>{' (hidden check)' if check.hidden else ''}"
        )
        # Further lines are mostly a student's words: marked, they are no line of ours.
        first, *more = check.reason.split("\n")
        notes = [first, *(f"│ {line}" for line in more if line)]
        notes += [f"note: {remark}" for remark in check.remarks]
        reasons = "".join(f"<div>{escape(note)}</div>" for note in notes if note)
        items.append(f"<li>{line}{reasons}</li>")
    above = "".join(f"<div>note: {escape(line)}</div>" for line in remark.split("\n") if line)
    # MathJax would set a formula in a student's words, which can move over other text.
    return (
        f'<div class="tex2jax_ignore">{above}<div><strong>{escape(head)}</strong></div>'
        f"<ul>{''.join(items)}</ul></div>"
    )
