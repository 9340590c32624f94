"""Write what a preview showed, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook import GRADEBOOK
from coursekit.regrading.comparison import Comparison
from coursekit.regrading.gradebook_scores import read_rows, read_scores, take_scores
from coursekit.regrading.preview import Preview
from coursekit.release.pipeline import generate

Say = Callable[[str], None]


def write(shown: Preview, say: Say) -> None:
    """Take the new tests into the gradebook, then the changed scores and verdicts from the copy.

    Nothing is graded a second time: the files and scores are those that the
    preview compared. A submission's new scores count, all at once, when its
    files are in place; interrupted, the command can be given again.

    Args:
        shown: the preview.
        say: shows a line of progress.

    Raises:
        CourseKitError: if somebody wrote into the gradebook since the preview
            began; nothing is changed then.
        InfrastructureError: if the gradebook does not hold afterwards what the
            preview showed.

    """
    assignment, database = shown.assignment, shown.assignment.course / GRADEBOOK
    if read_rows(database) != shown.rows:
        raise CourseKitError(
            "somebody graded while the preview was made; nothing was written",
            "give the command again when nobody else is grading",
        )
    say(f"{assignment.name}: taking today's tests into the gradebook")
    generate(assignment)
    written = set()
    for number, comparison in enumerate(shown.changed, 1):
        written |= take_scores(
            database,
            shown.copied.course / GRADEBOOK,
            (assignment.notebook, assignment.name, comparison.student),
            lambda comparison=comparison: _take_files(shown, comparison),  # type: ignore[misc]
        )
        say(f"{assignment.name}: wrote {number} of {len(shown.changed)}: {comparison.student}")
    _verify(shown, written)


def _take_files(shown: Preview, comparison: Comparison) -> None:
    """Put the graded notebook and its verdict in place of the earlier ones, whole or not at all."""
    place = Path("autograded", comparison.student, shown.assignment.name)
    for ending in (".ipynb", ".verdict.json"):
        name = f"{shown.assignment.notebook}{ending}"
        # Beside the old file first: a rename within a folder is all or nothing.
        draft = shown.assignment.course / place / f".{name}.draft"
        draft.unlink(missing_ok=True)
        shutil.copy2(shown.copied.course / place / name, draft)
        os.replace(draft, shown.assignment.course / place / name)


def _verify(shown: Preview, written: set[tuple[str, str]]) -> None:
    """Ask that the gradebook holds what was shown, and in all other rows what it held before."""
    assignment, database = shown.assignment, shown.assignment.course / GRADEBOOK
    rows = read_rows(database)
    astray = {
        key for key in rows.keys() | shown.rows.keys() if rows.get(key) != shown.rows.get(key)
    } - written
    scores = read_scores(database, assignment.name, assignment.notebook)
    wrong = [
        comparison.student
        for comparison in shown.compared
        if scores[comparison.student].automatic != comparison.after
    ]
    if astray or wrong:
        raise InfrastructureError(
            "the gradebook does not hold what the preview showed: "
            f"{len(astray)} other rows changed, other scores for {', '.join(wrong) or 'nobody'}",
            f"was somebody grading meanwhile? Look with: coursekit regrade {assignment.name}",
        )
