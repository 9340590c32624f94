"""Whether a worker may grade: its versions, its sandbox, and what it gives for known answers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from coursekit.class_grading.results import FailedGrading
from coursekit.cluster.kit_versions import different
from coursekit.cluster.packing import pack_folder
from coursekit.cluster.wire import Message
from coursekit.course.assignment import Assignment
from coursekit.course.filled_in import fill_in, released
from coursekit.course.known_answers import WRONG_ANSWERS, known_answers, solution_cells
from coursekit.course.normal_form import notebook_text
from coursekit.errors import CourseKitError
from coursekit.grading.job import Graded, Job
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.processes.plain_files import open_folder
from coursekit.processes.temporary_files import temporary_folder
from coursekit.sandbox.levels import LEVELS, NONE
from resnets_utils.checks.check_result import Outcome

_MOST_WRONG = 3
_CHANCE = random.SystemRandom()


@dataclass(frozen=True)
class Trial:
    """A known answer, as a submission.

    Attributes:
        name: what is special about it, for people.
        job: the job; nothing in it tells that it is no student's.
        folder: what the submitted folder is called.
        packed: the submitted folder.
        fails: the names of exactly the checks that must not pass, by function.
        share: what it must earn of all points, if every check is to pass or none.

    """

    name: str
    job: Job
    folder: str
    packed: Message
    fails: Mapping[str, frozenset[str]]
    share: float | None = None

    def why_not(self, outcome: Graded | FailedGrading) -> str:
        """Return why a result is not the one that this answer deserves; "" if it is."""
        if isinstance(outcome, FailedGrading):
            return f"it could not grade {self.name}: {outcome.message}"
        cells = NotebookVerdict.from_json(outcome.verdict).cells
        score, points = sum(cell.score for cell in cells), sum(cell.points for cell in cells)
        if self.share is not None and score != self.share * points:
            return f"it gave {score:g} of {points:g} points for {self.name}"
        for function, fails in self.fails.items():
            judged = [cell for cell in cells if cell.function == function]
            found = frozenset(name for cell in judged for name in _not_passed(cell))
            if not judged or found != fails:
                given = ", ".join(sorted(found)) or "no check"
                wanted = ", ".join(sorted(fails)) or "no check"
                return f"for {self.name}, {given} failed; {wanted} must fail"
        return ""


def _not_passed(cell: CellVerdict) -> list[str]:
    return [check.name for check in cell.checks if check.outcome is not Outcome.PASSED]


def make_trials(course: Path, name: str) -> list[Trial]:
    """Return known answers to an assignment: right, empty, and up to three known wrong ones.

    Raises:
        CourseKitError: if the course has no source or no release of it.

    """
    assignment = Assignment(course, name)
    solution, blank = solution_cells(assignment), released(assignment)
    # As which students they are handed in: a worker must not know an answer that is known.
    students = [path.parent.name for path in (course / "submitted").glob(f"*/{name}")]

    def trial(
        what: str,
        code: Mapping[str, str],
        fails: Mapping[str, frozenset[str]],
        share: float | None = None,
    ) -> Trial:
        student = _CHANCE.choice(students or ["student"])
        digest = f"sha256:{_CHANCE.randbytes(32).hex()}"
        job = Job(name, assignment.notebook, student, digest, _CHANCE.getrandbits(63))
        packed = _packed(fill_in(blank, code), assignment.release.name)
        return Trial(what, job, f"submitted/{student}/{name}", packed, fails, share)

    trials = [
        trial("the solution", solution, {}, 1.0),
        trial("the empty release", {}, {}, 0.0),
    ]
    if (assignment.tests / WRONG_ANSWERS).exists():
        known = known_answers(assignment, WRONG_ANSWERS)
        # Nobody knows beforehand which ones come.
        for answer in _CHANCE.sample(known, min(_MOST_WRONG, len(known))):
            what = f"the wrong answer {answer.name!r} to {answer.function}"
            code = {**solution, answer.function: answer.code}
            trials.append(trial(what, code, {answer.function: answer.fails}))
    return trials


def _packed(notebook: NotebookNode, name: str) -> Message:
    """A notebook as a submitted folder."""
    with temporary_folder("coursekit-trial-") as place:
        (place / name).write_text(notebook_text(notebook), encoding="utf-8")
        with open_folder(place) as folder:
            return pack_folder(folder)


def why_not_admitted(said: Mapping[str, Any], level: str) -> str:
    """Return why a worker may not grade, after what it says of itself; "" if it may.

    Args:
        said: its answer to "hello".
        level: the level of the sandbox that the course's settings ask for; "" for the strongest.

    """
    try:
        versions = {str(name): str(found) for name, found in said["versions"].items()}
        levels = [str(name) for name in said["levels"]]
    except (KeyError, TypeError, AttributeError):
        return "it does not say which versions and which sandbox it has"
    if not levels:
        return "its machine has no sandbox (see there: coursekit doctor)"
    if level and level not in levels:
        return f"its sandbox is {levels[0]}, and c.StudentKernel.level asks for {level}"
    if told := different(versions):
        return f"it has other versions: {told}; set it up from the same release of the kit"
    return ""


def refuse_no_sandbox(level: str) -> None:
    """Refuse a course that asks for no sandbox: other machines are not ours to risk.

    Raises:
        CourseKitError: if it does.

    """
    if level == NONE.name:
        names = ", ".join(each.name for each in LEVELS if each.sandboxed)
        raise CourseKitError(
            f'c.StudentKernel.level is "{level}": without a sandbox nothing is sent to other '
            "machines",
            f"choose one of: {names}; or leave it empty for the strongest of each machine",
        )
