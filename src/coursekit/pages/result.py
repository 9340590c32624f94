"""The first screen of a feedback page as data, from the verdict and the gradebook alone.

What a student wrote reaches it only within a verdict's reasons and remarks, as plain text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursekit.judge.verdict import MAX_ROUNDING, CellVerdict, NotebookVerdict
from coursekit.pages.found_mistakes import Mistake, mistakes_in
from resnets_utils.checks.check_result import CheckResult

if TYPE_CHECKING:
    from coursekit.gradebook.given_scores import GivenScores
    from coursekit.gradebook.student_grades import CellGrade


@dataclass(frozen=True)
class CheckLine:
    """A check, and the number of the mistake that it failed through; 0 if it passed."""

    check: CheckResult
    mistake: int


@dataclass(frozen=True)
class Part:
    """What one graded cell got, in words.

    Attributes:
        grade_id: the cell's name.
        name: the function that it tests, or the cell's own name.
        points: what it is worth.
        score: what it got, extra credit included; None if there is no score yet.
        notes: where the score comes from, if not from the checks alone.
        checks: what each check found; none if a person graded it.

    """

    grade_id: str
    name: str
    points: float
    score: float | None
    notes: tuple[str, ...] = ()
    checks: tuple[CheckLine, ...] = ()

    @property
    def score_in_words(self) -> str:
        """Such as "3 of 6 points", or what it waits for."""
        if self.score is None:
            return f"no score yet, of {points(self.points)}"
        return f"{self.score:g} of {points(self.points)}"


@dataclass(frozen=True)
class Result:
    """What a submitted notebook got, and why.

    Attributes:
        assignment: the assignment's name.
        notebook: the notebook's name.
        student: the student's id.
        parts: what each graded cell got, in the notebook's order.
        mistakes: what cost points, the dearest first.
        comments: what people wrote about a cell, by its name.
        remarks: what happened to the submission as a whole.
        warnings: why the page is not the last word, if it is not.
        late_penalty: the points that are taken off for a late submission.

    """

    assignment: str
    notebook: str
    student: str
    parts: tuple[Part, ...]
    mistakes: tuple[Mistake, ...]
    comments: Mapping[str, str]
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    late_penalty: float = 0

    @property
    def points(self) -> float:
        """What the notebook is worth."""
        return sum(part.points for part in self.parts)

    @property
    def score(self) -> float:
        """What it got, less the late penalty."""
        return max(0.0, sum(part.score or 0 for part in self.parts) - self.late_penalty)

    @property
    def lost(self) -> float:
        """What the checks took."""
        return sum(mistake.lost for mistake in self.mistakes)

    @property
    def waiting(self) -> tuple[Part, ...]:
        """The parts without a score."""
        return tuple(part for part in self.parts if part.score is None)


def points(count: float) -> str:
    """Return a number of points in words."""
    return f"{count:g} point{'' if count == 1 else 's'}"


def result_of(
    place: tuple[str, str, str],
    given: GivenScores,
    verdict: NotebookVerdict | None,
    order: Sequence[str],
    *,
    changed: bool = False,
) -> Result:
    """Return what a submission got.

    Args:
        place: assignment, notebook and student.
        given: what the gradebook holds.
        verdict: what grading found; None if there is nothing that can be read.
        order: the names of the notebook's cells.
        changed: whether the student has handed in something else since.

    """
    verdicts = {cell.grade_id: cell for cell in verdict.cells} if verdict else {}
    mistakes = tuple(mistakes_in(verdicts.values()))
    numbers = {
        id(check): number for number, each in enumerate(mistakes, 1) for _, check in each.failed
    }
    places = {name: at for at, name in enumerate(order)}
    grades = sorted(given.cells, key=lambda grade: places.get(grade.cell, len(places)))
    parts = tuple(_part(grade, verdicts.get(grade.cell), numbers) for grade in grades)
    warnings = []
    if changed:
        warnings.append(
            "Another version was handed in after this one was graded. This page is about the "
            "earlier one."
        )
    if any(part.score is None for part in parts):
        warnings.append("Not everything has a score yet: the points can still change.")
    return Result(
        *place,
        parts,
        mistakes,
        given.comments,
        verdict.remarks if verdict else (),
        tuple(warnings),
        given.late_penalty,
    )


def _part(grade: CellGrade, verdict: CellVerdict | None, numbers: Mapping[int, int]) -> Part:
    extra = f"{grade.extra_credit:+g} extra credit" if grade.extra_credit else ""
    notes = [_origin(grade, verdict), extra]
    score = grade.score
    if score is None and grade.extra_credit:
        score = 0.0
    return Part(
        grade.cell,
        verdict.function if verdict and verdict.function else grade.cell,
        grade.max_score,
        None if score is None else score + grade.extra_credit,
        tuple(note for note in notes if note),
        tuple(CheckLine(check, numbers.get(id(check), 0)) for check in verdict.checks)
        if verdict
        else (),
    )


def _origin(grade: CellGrade, verdict: CellVerdict | None) -> str:
    """Where a score comes from, if the checks do not tell it."""
    again = "; to be looked at again" if grade.waits else ""
    if not grade.judged:
        if grade.by_hand is not None:
            return f"graded by hand{again}"
        return "waits to be graded by hand" if grade.waits else "left as it was released"
    if grade.by_hand is not None:
        found = "nothing" if grade.automatic is None else f"{grade.automatic:g}"
        return f"changed by hand to {grade.by_hand:g}: the checks gave {found}{again}"
    if grade.automatic is None:
        return "not graded: grading did not come to its end; this costs no points"
    if verdict is None:
        return "what the checks found cannot be read"
    if abs(verdict.score - grade.automatic) > MAX_ROUNDING:
        return f"the checks shown here gave {verdict.score:g}; the score is of another grading"
    return ""
