"""Write the scores that a preview showed, and nothing else."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.database import GRADEBOOK
from coursekit.gradebook.scores import read_rows, read_scores, take_scores
from coursekit.processes.whole_files import write_whole
from coursekit.regrading.comparison import Comparison
from coursekit.regrading.preview import Preview
from coursekit.release.pipeline import generate


def write(shown: Preview, say: Say) -> None:
    """Write the new tests to the gradebook, then the changed scores and verdicts from the copy.

    Nothing is graded a second time: the files and scores are those that the
    preview compared. A submission's new scores count, all at once, when its
    files are in place. After an interruption the command can be repeated.

    Raises:
        CourseKitError: if the gradebook changed after the preview began; nothing
            is written then.
        InfrastructureError: if the gradebook does not have the preview's scores
            afterwards.

    """
    assignment, database = shown.assignment, shown.assignment.course / GRADEBOOK
    if read_rows(database) != shown.rows:
        raise CourseKitError(
            "the gradebook changed while the preview was made; nothing was written",
            f"repeat it while no one is grading: coursekit regrade {assignment.name} --write",
        )
    say(f"{assignment.name}: writing today's tests to the gradebook")
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
    """Replace the graded notebook and its verdict; each is replaced whole or not at all."""
    place = Path("autograded", comparison.student, shown.assignment.name)
    # The copy lacks links and the like, which are never read and which the digest counts.
    verdict = replace(comparison.new, digest=comparison.old.digest)
    graded = shown.copied.course / place / f"{shown.assignment.notebook}.ipynb"
    contents = {".ipynb": graded.read_bytes(), ".verdict.json": verdict.as_json().encode()}
    for ending, content in contents.items():
        name = f"{shown.assignment.notebook}{ending}"
        mode = stat.S_IMODE(graded.stat().st_mode)
        write_whole(shown.assignment.course / place / name, content, mode)


def _verify(shown: Preview, written: set[tuple[str, str]]) -> None:
    """Check that the gradebook has the scores shown, and that no other row changed."""
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
            "the gradebook does not have the scores that the preview showed: "
            f"{len(astray)} other rows changed, other scores for {', '.join(wrong) or 'no one'}",
            f"check whether others were grading, with: coursekit regrade {assignment.name}",
        )
