"""Write the scores that a preview showed, and by which tests they are; nothing else."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import Assignment
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.address import GRADEBOOK, configured_url, database_url
from coursekit.gradebook.scores import read_rows, read_scores, take_scores
from coursekit.judge.verdict import NotebookVerdict
from coursekit.processes.whole_files import write_whole
from coursekit.regrading.comparison import Comparison
from coursekit.regrading.preview import Preview
from coursekit.release.pipeline import generate


def write(shown: Preview, say: Say) -> None:
    """Write the new tests to the gradebook, then the changed scores and verdicts from the copy.

    Nothing is graded a second time: the files and scores are those that the
    preview compared. A submission's new scores count, all at once, when its
    files are in place. Where the score stays, the verdict notes today's tests.
    After an interruption the command can be repeated.

    Raises:
        CourseKitError: if the gradebook changed after the preview began; nothing
            is written then.
        InfrastructureError: if the gradebook does not have the preview's scores
            afterwards.

    """
    assignment, url = shown.assignment, configured_url(shown.assignment.course)
    if read_rows(url) != shown.rows:
        raise CourseKitError(
            "the gradebook changed while the preview was made; nothing was written",
            f"repeat it while no one is grading: coursekit regrade {assignment.name} --write",
        )
    say(f"{assignment.name}: writing today's tests to the gradebook")
    generate(assignment)
    written = set()
    for number, comparison in enumerate(shown.changed, 1):
        written |= take_scores(
            url,
            database_url(shown.copied.course / GRADEBOOK),
            (assignment.notebook, assignment.name, comparison.student),
            lambda comparison=comparison: _take_files(shown, comparison),  # type: ignore[misc]
        )
        say(f"{assignment.name}: wrote {number} of {len(shown.changed)}: {comparison.student}")
    for comparison in shown.compared:
        if not comparison.score_changes:
            _note_tests(shown, comparison)
    _verify(shown, written)


def _take_files(shown: Preview, comparison: Comparison) -> None:
    """Replace the graded notebook and its verdict; each is replaced whole or not at all."""
    graded = _graded_notebook(shown.copied, comparison)
    target = _graded_notebook(shown.assignment, comparison)
    write_whole(target, graded.read_bytes(), stat.S_IMODE(graded.stat().st_mode))
    # The copy lacks links and the like, which are never read and which the digest counts.
    _write_verdict(shown, comparison, replace(comparison.new, digest=comparison.old.digest))


def _note_tests(shown: Preview, comparison: Comparison) -> None:
    """Note that today's tests give the same score; nothing else of the verdict changes."""
    if comparison.old.tests != comparison.new.tests:
        _write_verdict(shown, comparison, replace(comparison.old, tests=comparison.new.tests))


def _write_verdict(shown: Preview, comparison: Comparison, verdict: NotebookVerdict) -> None:
    mode = stat.S_IMODE(_graded_notebook(shown.copied, comparison).stat().st_mode)
    path = _graded_notebook(shown.assignment, comparison).with_suffix(".verdict.json")
    write_whole(path, verdict.as_json().encode(), mode)


def _graded_notebook(assignment: Assignment, comparison: Comparison) -> Path:
    folder = assignment.course / "autograded" / comparison.student / assignment.name
    return folder / f"{assignment.notebook}.ipynb"


def _verify(shown: Preview, written: set[tuple[str, str]]) -> None:
    """Check that the gradebook has the scores shown, and that no other row changed."""
    assignment, url = shown.assignment, configured_url(shown.assignment.course)
    rows = read_rows(url)
    astray = {
        key for key in rows.keys() | shown.rows.keys() if rows.get(key) != shown.rows.get(key)
    } - written
    scores = read_scores(url, assignment.name, assignment.notebook)
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
