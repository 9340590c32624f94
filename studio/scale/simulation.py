"""``python -m studio scale``: what the coordinator reaches with many workers and submissions.

Everything is real but the workers: planning, the journal, the results' files, nbgrader's steps,
the gradebook. `stub_engine` takes their place.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from inspect import unwrap
from pathlib import Path
from types import CodeType
from typing import Any

from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from rich.console import Console
from rich.table import Column, Table

from coursekit.class_grading import gradebook_writer, plan, results, run
from coursekit.class_grading.grade_class import grade_class
from coursekit.class_grading.journal import Journal
from coursekit.class_grading.progress import GradingProgress
from coursekit.class_grading.wish import Wish
from coursekit.command_runner import line_printer
from coursekit.course.assignment import Assignment
from coursekit.errors import InfrastructureError
from coursekit.gradebook import database
from coursekit.gradebook.address import GRADEBOOK, database_url
from coursekit.gradebook.scores import students_of
from coursekit.nbgrader_run import LOG
from coursekit.nbgrader_seam import graded_submission, submitted_folder
from coursekit.processes.temporary_files import temporary_folder
from studio.scale.large_class import OneGrading, grade_one, hand_in, make_course
from studio.scale.observer import Moment, Observer
from studio.scale.stub_engine import StubEngine

_MOMENTS = 10
_WAITING = "waiting for workers"
_STUB = "the stub of the workers"
PHASES: dict[CodeType, str] = {
    plan.Plan.__iter__.__code__: "planning: open, digest, decide",
    plan.Plan.__init__.__code__: "planning: the list",
    Journal.begin_jobs.__code__: "journal: jobs on the disk",
    StubEngine.grade.__code__: _WAITING,
    OneGrading.of.__code__: _STUB,
    results.write_result.__code__: "results: written as files",
    results.result_file.__code__: "results: removed",
    submitted_folder.init_destination.__code__: "writer: is it what was graded?",
    submitted_folder.prepare_folder.__code__: "writer: files beside the notebook",
    unwrap(Autograde.init_assignment).__code__: "writer: student and submission",
    graded_submission.convert_single_notebook.__code__: "writer: notebook and verdict",
    SaveAutoGrades.preprocess.__code__: "writer: scores",
    AssignLatePenalties.preprocess.__code__: "writer: late penalties",
    unwrap(Autograde.set_permissions).__code__: "writer: permissions",
    database._OneTransaction.end.__code__: "writer: commit",
    gradebook_writer.write_submissions.__code__: "writer: nbgrader's loop",
    GradingProgress._show.__code__: "progress",
    run._show_score.__code__: "progress: the score",
}


@dataclass(frozen=True)
class Size:
    """What is simulated.

    Attributes:
        submissions: how many submissions there are.
        workers: how many workers there are.
        seconds: what each of them takes for a submission.

    """

    submissions: int
    workers: int
    seconds: float


@dataclass(frozen=True)
class Simulated:
    """What came of it.

    Attributes:
        size: what was simulated.
        seconds: from the command's begin to its end.
        processor: seconds of processor time of the coordinator.
        first: seconds until the first job was sent.
        phases: seconds of wall time and of processor time by phase.
        moments: what the run was like meanwhile.

    """

    size: Size
    seconds: float
    processor: float
    first: float
    phases: dict[str, tuple[float, float]]
    moments: list[Moment]

    @property
    def rate(self) -> float:
        """Submissions a second, from the first job on."""
        return self.size.submissions / (self.seconds - self.first)

    @property
    def memory(self) -> int:
        """What the coordinator's memory grew by, in bytes."""
        return max(one.memory for one in self.moments) - self.moments[0].memory


def show_scale(course: Path, size: Size, console: Console, report: Path | None = None) -> None:
    """Simulate, and print the figures.

    Args:
        course: the course folder.
        size: what is simulated.
        console: where to print.
        report: the file that gets the figures as JSON.

    Raises:
        CourseKitError: if the course cannot be used.
        InfrastructureError: if something was not written.

    """
    say = line_printer(console)
    with temporary_folder("coursekit-scale-") as folder:
        with console.status("making the course"):
            assignment = make_course(course, folder / "course")
        graded = grade_one(assignment, folder / "model", console)
        with console.status(f"{size.submissions} students hand in"):
            hand_in(assignment, size.submissions)
        quiet = Console(file=(folder / "output.txt").open("w", encoding="utf-8"), width=120)
        with console.status(f"{size.submissions} submissions, {size.workers} workers"):
            found = simulate(assignment, graded, size, quiet)
    for table in tables(found):
        console.print(table)
    for line in sentences(found):
        say(line)
    if report:
        report.write_text(json.dumps(as_data(found), indent=1) + "\n", encoding="utf-8")


def simulate(assignment: Assignment, graded: OneGrading, size: Size, console: Console) -> Simulated:
    """Grade a class that has handed in.

    Args:
        assignment: what it has handed in.
        graded: what each worker gives.
        size: what is simulated.
        console: where grading says what it does.

    Raises:
        InfrastructureError: if something was not written.

    """
    engine = StubEngine(size.workers, size.seconds, graded.of)

    def look(seconds: float, memory: int) -> Moment:
        return Moment(seconds, memory, engine.sent, engine.taken, engine.waiting, engine.idle)

    observer = Observer(PHASES, look, 0.5)
    before, processor = time.monotonic(), time.process_time()
    with observer:
        status = grade_class(assignment.course, Wish(assignment.name), console, engine.start)
    seconds = time.monotonic() - before
    url = database_url(assignment.course / GRADEBOOK)
    count = len(students_of(url, assignment.name))
    if status or count != size.submissions:
        raise InfrastructureError(
            f"{count} of {size.submissions} submissions were written",
            f"see {assignment.course / LOG}",
        )
    return Simulated(
        size,
        seconds,
        time.process_time() - processor,
        engine.first - before,
        {
            phase: (observer.seconds[phase], observer.processor[phase])
            for phase in sorted(observer.seconds, key=lambda one: -observer.seconds[one])
        },
        observer.moments,
    )


def tables(found: Simulated) -> list[Table]:
    """Return where the time went, and what the run was like meanwhile."""
    phases = Table(
        "the coordinator",
        *(Column(name, justify="right") for name in ("seconds", "ms a submission", "processor")),
    )
    for phase, (seconds, processor) in found.phases.items():
        each = [1000 * one / found.size.submissions for one in (seconds, processor)]
        phases.add_row(phase, f"{seconds:.1f}", *(f"{one:.2f}" for one in each))
    headings = ("seconds", "sent", "taken", "taken a second", "wait", "idle workers", "memory")
    moments = Table(*(Column(heading, justify="right") for heading in headings))
    step = max((len(found.moments) - 1) // _MOMENTS, 1)
    shown = found.moments[:1] + found.moments[step:-1:step] + found.moments[-1:]
    for before, one in zip(shown[:1] + shown, shown, strict=False):
        rate = (one.taken - before.taken) / max(one.seconds - before.seconds, 1e-9)
        moments.add_row(
            f"{one.seconds:.0f}",
            str(one.sent),
            str(one.taken),
            f"{rate:.0f}",
            str(one.waiting),
            str(one.idle),
            f"{one.memory / 2**20:.0f} MB",
        )
    return [phases, moments]


def sentences(found: Simulated) -> list[str]:
    """Return what was reached, a line each."""
    size = found.size
    aside = [found.phases.get(phase, (0.0, 0.0)) for phase in (_WAITING, _STUB)]
    busy = found.seconds - sum(seconds for seconds, _ in aside)
    processor = found.processor - sum(processor for _, processor in aside)
    return [
        f"{size.submissions} submissions, {size.workers} workers of {size.seconds:g} s each: "
        f"{found.seconds:.0f} s, the first job after {found.first:.1f} s",
        f"throughput: {found.rate:.0f} submissions a second; the workers' own: "
        f"{size.workers / size.seconds:.0f}",
        f"the coordinator: {1000 * busy / size.submissions:.1f} ms a submission, of which "
        f"{1000 * processor / size.submissions:.1f} ms processor time; "
        f"its memory grew by {found.memory / 2**20:.0f} MB",
    ]


def as_data(found: Simulated) -> dict[str, Any]:
    """Return everything as plain data."""
    return {**asdict(found), "rate": found.rate, "memory": found.memory}
