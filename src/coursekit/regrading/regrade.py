"""The command ``coursekit regrade``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from coursekit.command_runner import line_printer
from coursekit.regrading.comparison import Comparison
from coursekit.regrading.preview import Preview, preview
from coursekit.regrading.writing import write as write_shown


def regrade(course: Path, name: str, console: Console, *, write: bool) -> int:
    """Show whose score today's tests change, by how much and by which check; write if asked.

    Without ``write`` only ``build/regrade/<name>/`` changes.

    Returns:
        The exit status: 1 if the grading of a submission failed, else 0.

    Raises:
        CourseKitError: if there is nothing to grade again, if cells in students'
            notebooks would change, or if all grading fails.

    """
    say = line_printer(console)
    shown = preview(course, name, say)
    for line in report(shown):
        say(line)
    if write:
        write_shown(shown, say)
        say(f"written: {_people(len(shown.changed))}; all other grades are unchanged")
        if shown.changed:
            say(f"update the feedback pages with: nbgrader generate_feedback {name}")
    else:
        say(f"nothing was written; write these scores with: coursekit regrade {name} --write")
    return 1 if shown.failed else 0


def report(shown: Preview) -> list[str]:
    """Return the preview's lines: whose score changes, stays or is left alone, and why."""
    lines = [f"score changes: {_people(len(shown.changed))}"]
    for comparison in shown.changed:
        lines += _changed(comparison, shown.by_hand[comparison.student])
    stay = [comparison for comparison in shown.compared if not comparison.score_changes]
    lines.append(f"score stays: {_people(len(stay))}")
    for comparison in stay:
        if comparison.checks:
            lines.append(f"  {comparison.student}: the same score by other checks, unchanged")
            lines += [f"    {change.grade_id}, {change}" for change in comparison.checks]
    for title, people in (("left alone", shown.left), ("grading failed", shown.failed)):
        if people:
            lines.append(f"{title}: {_people(len(people))}")
            lines += [f"  {who}: {why.splitlines()[0]}" for who, why in people.items()]
    if shown.left:
        lines.append(f"grade those left alone with: nbgrader autograde {shown.assignment.name}")
    return lines


def _changed(comparison: Comparison, by_hand: dict[str, float]) -> list[str]:
    before, after = sum(comparison.before.values()), sum(comparison.after.values())
    lines = [f"  {comparison.student}: {before:g} -> {after:g} ({comparison.difference:+g})"]
    for cell, score in comparison.after.items():
        old = comparison.before.get(cell, 0)
        if score == old:
            continue
        lines.append(f"    {cell}: {old:g} -> {score:g}")
        if cell in by_hand:
            lines.append(f"      the score given by hand continues to count: {by_hand[cell]:g}")
        lines += [f"      {change}" for change in comparison.checks if change.grade_id == cell]
    return lines


def _people(count: int) -> str:
    return f"{count} submission{'' if count == 1 else 's'}"
