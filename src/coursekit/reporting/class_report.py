"""What a class report tells, from a class's scores and verdicts, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from coursekit.class_scores import (
    CHANGED,
    EXTRA,
    GRADED,
    HAND_GRADED,
    LATE,
    NOTHING,
    ClassScores,
    StudentScore,
)
from coursekit.course.assignment import Assignment
from coursekit.nbgrader_run import submission_error
from coursekit.plain_text import plain_text
from coursekit.reporting.alike_answers import AlikeAnswers, alike_answers, drawn
from coursekit.reporting.anonymity import FEWEST
from coursekit.reporting.check_figures import CheckFigures, check_figures
from coursekit.reporting.class_answers import Answer, class_answers
from coursekit.reporting.mistake_groups import Mistake, mistakes_of
from coursekit.reporting.new_wrong_answers import entry, is_new, known_failures
from coursekit.reporting.score_figures import ScoreFigures, score_figures
from coursekit.reporting.shown_code import AnswerCode, ShownCode
from resnets_utils.border.difference import NOT_ATTEMPTED

MAX_EXAMPLES = 3
MAX_REMARKS = 30
_MAX_REASON = 1_000


@dataclass(frozen=True)
class ToldMistake:
    """A mistake as the report tells it.

    Attributes:
        mistake: the mistake.
        reason: how one check told it; "" if nobody may be shown by it.
        examples: code of some who made it, each of whom drew something else.
        entry: an entry for ``wrong_answers.toml``; "" if there is one already.

    """

    mistake: Mistake
    reason: str = ""
    examples: tuple[ShownCode, ...] = ()
    entry: str = ""


@dataclass(frozen=True)
class OtherWay:
    """Right answers that most others do not draw, and the code of one."""

    alike: AlikeAnswers
    code: ShownCode | None


@dataclass(frozen=True)
class Drawings:
    """How a class drew one function.

    Attributes:
        function: the function.
        right: how many of its answers are right.
        ways: in how many ways these were drawn.
        wrong_ways: in how many ways the wrong ones were.
        others: the right ones that most do not draw.

    """

    function: str
    right: int
    ways: int
    wrong_ways: int
    others: tuple[OtherWay, ...]


@dataclass(frozen=True)
class Told:
    """A sentence, and of whom it is true."""

    words: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class ClassReport:
    """All that a report tells.

    Attributes:
        assignment: the assignment's name.
        max_score: what it is worth.
        written: when the report was written.
        anonymous: whether it may be shown to the class.
        handed_in: how many handed something in.
        graded: how many have a score.
        waiting: who handed in and has no score, with the reason.
        nothing: who handed nothing in.
        levels: the sandbox's levels, and how many ran in each.
        scores: the scores in figures.
        given: what people gave and took besides the checks' points, in words.
        checks: the checks, those that cost most first.
        untried: the functions that some have not attempted, likewise.
        mistakes: the mistakes, likewise.
        rare: how many mistakes are left out because too few made them.
        drawings: how each function was drawn.
        remarks: what happened to notebooks: repairs, limits, versions.

    """

    assignment: str
    max_score: float
    written: datetime
    anonymous: bool
    handed_in: int
    graded: int
    waiting: tuple[Told, ...]
    nothing: tuple[str, ...]
    levels: dict[str, int]
    scores: ScoreFigures
    given: tuple[str, ...]
    checks: tuple[CheckFigures, ...]
    untried: tuple[Mistake, ...]
    mistakes: tuple[ToldMistake, ...]
    rare: int
    drawings: tuple[Drawings, ...]
    remarks: tuple[Told, ...]


def class_report(
    assignment: Assignment, scores: ClassScores, *, written: datetime, anonymous: bool = False
) -> ClassReport:
    """Return the report.

    Args:
        assignment: the assignment in the course.
        scores: the class's scores.
        written: when.
        anonymous: whether to leave out ids, code, and whatever is about fewer than five.

    """
    fewest = FEWEST if anonymous else 1
    answers = class_answers(scores)
    functions = {answer.function for answer in answers}
    code = AnswerCode(assignment.course, assignment.name, functions)
    mistakes = mistakes_of(answers)
    shown = [one for one in mistakes if len(one.answers) >= fewest]
    known = known_failures(assignment)
    attempted = [one for one in shown if one.difference.kind != NOT_ATTEMPTED]
    handed_in = [one for one in scores.students if one.status != NOTHING]
    given = [one.score for one in scores.students if one.score is not None]
    enough = len(handed_in) >= fewest
    return ClassReport(
        scores.assignment,
        scores.max_score,
        written,
        anonymous,
        len(handed_in) if enough else 0,
        len(given) if len(given) >= fewest else 0,
        () if anonymous else tuple(_waiting(assignment, handed_in)),
        ()
        if anonymous
        else tuple(one.student.id for one in scores.students if one.status == NOTHING),
        {} if anonymous else _levels(handed_in),
        score_figures(given, scores.max_score, fewest),
        () if anonymous else tuple(_given(scores.students)),
        tuple(check_figures(scores, anonymous=anonymous)) if len(given) >= fewest else (),
        tuple(_without_ids(one) if anonymous else one for one in shown if one not in attempted),
        tuple(
            ToldMistake(_without_ids(one)) if anonymous else _told(one, code, known)
            for one in attempted
        ),
        len(mistakes) - len(shown),
        () if anonymous else tuple(_drawings(answers, code)),
        tuple(_remarks(handed_in, fewest, anonymous=anonymous)),
    )


def _without_ids(mistake: Mistake) -> Mistake:
    return replace(
        mistake, answers=tuple(replace(one, student="", notebook="") for one in mistake.answers)
    )


def _told(
    mistake: Mistake, code: AnswerCode, known: set[tuple[str, frozenset[str]]]
) -> ToldMistake:
    by_drawing: dict[object, Answer] = {}
    for answer in mistake.answers:
        by_drawing.setdefault(drawn(answer), answer)
    shown = (
        code.shown(answer, mistake.difference)
        for answer in list(by_drawing.values())[:MAX_EXAMPLES]
    )
    first = mistake.answers[0]
    source = code.source(first)
    # A check whose arguments students know is the easiest to follow.
    check = min(first.lost, key=lambda one: (one.difference != mistake.difference, one.hidden))
    return ToldMistake(
        mistake,
        plain_text(check.reason, _MAX_REASON),
        tuple(one for one in shown if one),
        entry(mistake, first, source) if source and is_new(first, known) else "",
    )


def _waiting(assignment: Assignment, handed_in: Iterable[StudentScore]) -> Iterable[Told]:
    """Who has no score, by the reason."""
    found: dict[str, list[str]] = {}
    for one in handed_in:
        if one.status != GRADED:
            try:
                why = submission_error(assignment.course, one.student.id, assignment.name)
            except OSError:
                why = ""
            words = f"{one.status}: {why}" if why else one.status
            found.setdefault(plain_text(words, _MAX_REASON), []).append(one.student.id)
    return (Told(words, tuple(who)) for words, who in found.items())


def _levels(handed_in: Iterable[StudentScore]) -> dict[str, int]:
    return dict(Counter(verdict.isolation for one in handed_in for verdict in one.verdicts))


def _given(students: Iterable[StudentScore]) -> Iterable[str]:
    """What counts besides the checks' points."""
    words = {
        LATE: "handed in late",
        CHANGED: "scores changed by hand",
        EXTRA: "extra credit",
        HAND_GRADED: "points given by hand",
    }
    found: dict[str, dict[str, float]] = {}
    for one in students:
        for line in one.lines:
            if line.kind in words and line.earned is not None and one.score is not None:
                sums = found.setdefault(line.kind, {})
                sums[one.student.id] = sums.get(one.student.id, 0.0) + line.earned
    for kind, told in words.items():
        if kind in found:
            count = len(found[kind])
            have = f"{count} student{'' if count == 1 else 's'}"
            yield f"{told}: {have}, {sum(found[kind].values()):+g} points in all"


def _drawings(answers: Iterable[Answer], code: AnswerCode) -> Iterable[Drawings]:
    for function, ways in alike_answers(answers).items():
        right = [one for one in ways if one.right]
        yield Drawings(
            function,
            sum(len(one.answers) for one in right),
            len(right),
            len(ways) - len(right),
            tuple(OtherWay(one, code.shown(one.answers[0])) for one in right[1:]),
        )


def _remarks(handed_in: Iterable[StudentScore], fewest: int, *, anonymous: bool) -> Iterable[Told]:
    found: dict[str, list[str]] = {}
    for one in handed_in:
        for remark in dict.fromkeys(one.remarks):
            found.setdefault(plain_text(remark, _MAX_REASON), []).append(one.student.id)
    told = sorted(found.items(), key=lambda pair: -len(pair[1]))
    for words, who in told[:MAX_REMARKS]:
        # A remark may hold a file's name, and that a student's.
        if len(who) >= fewest and not anonymous:
            yield Told(words, tuple(who))
