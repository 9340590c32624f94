"""``python -m studio grading``: how long submissions take, in stock nbgrader and in the kit.

All graders grade the same right answers, in turns, so that they share the machine's quiet and
busy times. Each run is in a new copy of its course. In each round, every grader grades few
submissions and then many: the difference is the cost of submissions without that of starting.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from coursekit.command_runner import line_printer
from coursekit.course.assignment import Assignment, find_assignment
from coursekit.errors import CourseKitError
from coursekit.processes.temporary_files import temporary_folder
from studio.grading.graders import (
    ASSIGNMENT,
    AUTOGRADE,
    STOCK,
    Grader,
    environment,
    hand_in,
    parallel,
    refuse_wrong_marks,
)
from studio.grading.measured_run import Use, measure
from studio.grading.otter_grader import otter_graders
from studio.grading.rounds import Rounds


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        submissions: how many submissions are many.
        rounds: how often each grader has its turn.
        workers: the numbers of workers for ``coursekit grade``; may be empty.
        whole: whether the kit grades whole notebooks as well, training included.

    """

    submissions: int
    rounds: int
    workers: tuple[int, ...]
    whole: bool

    @property
    def few(self) -> int:
        """How many submissions are few: as many for each worker, whatever their number."""
        return math.lcm(*self.workers)

    def graders(self) -> list[Grader]:
        """Return the graders in the order of their turns.

        Raises:
            CourseKitError: if the workers cannot have the same number of submissions each.

        """
        if self.submissions <= self.few or self.submissions % self.few:
            raise CourseKitError(
                f"{self.submissions} submissions cannot be measured beside {self.few}: "
                f"every worker must have as many, and more than in the run of {self.few}",
                f"choose a multiple of {self.few}, such as: --submissions {4 * self.few}",
            )
        kit = [AUTOGRADE, *map(parallel, self.workers)]
        whole = [
            dataclasses.replace(each, name=f"{each.name}, whole notebooks", whole=True)
            for each in kit
            if self.whole
        ]
        return [STOCK, *kit, *whole, *otter_graders()]


def compare_graders(course: Path, plan: Plan, console: Console, report: Path | None = None) -> None:
    """Measure, and print a table.

    Args:
        course: the course folder.
        plan: what is measured.
        console: where to print.
        report: the file that gets the figures as JSON.

    Raises:
        CourseKitError: if the plan or the course cannot be used.
        InfrastructureError: if a grader fails, or gives wrong scores.

    """
    graders = plan.graders()
    if report and not report.resolve().parent.is_dir():
        # Told before all the work.
        raise CourseKitError(
            f"{report} cannot be written: there is no such folder",
            f"make it: mkdir -p {report.parent}",
        )
    find_assignment(course, ASSIGNMENT)
    say = line_printer(console)
    with temporary_folder("coursekit-benchmark-") as folder:
        for make in dict.fromkeys(grader.make_course for grader in graders):
            made = _course_folder(folder, make)
            with console.status(f"making the {made.name.replace('_', ' ')}"):
                made.mkdir()
                make(course, made)
        found: dict[Grader, list[tuple[Use, Use]]] = {grader: [] for grader in graders}
        for number in range(1, plan.rounds + 1):
            for grader in graders:
                uses = []
                for count in (plan.few, plan.submissions):
                    told = f"round {number} of {plan.rounds}, {grader.name}: {_submissions(count)}"
                    uses.append(_graded(grader, folder, count, told, console))
                    say(f"{told}, {uses[-1].seconds:.1f} s")
                found[grader].append((uses[0], uses[1]))
    rounds = {grader: Rounds(plan.few, plan.submissions, uses) for grader, uses in found.items()}
    console.print(table(plan, rounds))
    for line in comparisons(rounds):
        say(line)
    if not otter_graders():
        say("otter-grader is not installed, so it was not measured")
    if report:
        report.write_text(json.dumps(as_data(plan, rounds), indent=1) + "\n", encoding="utf-8")


def _course_folder(folder: Path, make: Callable[[Path, Path], None]) -> Path:
    return folder / make.__name__


def _graded(grader: Grader, folder: Path, count: int, told: str, console: Console) -> Use:
    """Grade submissions in a new copy of the grader's course; measure only the grading."""
    copied = folder / "run"
    shutil.copytree(_course_folder(folder, grader.make_course), copied)
    assignment = Assignment(copied, ASSIGNMENT)
    students = hand_in(assignment, count, whole=grader.whole)
    with console.status(told) as status:

        def watch(seconds: float) -> None:
            status.update(f"{told}, {seconds:.0f} s")

        use = measure(grader.command, copied, environment(folder), folder / "output.log", watch)
    refuse_wrong_marks(grader, assignment, students)
    shutil.rmtree(copied)
    return use


def _submissions(count: int) -> str:
    return f"{count} submission{'s' * (count > 1)}"


def table(plan: Plan, rounds: Mapping[Grader, Rounds]) -> Table:
    """Return the figures of every grader, medians over the rounds."""
    shared_once = all(each.shared_once for each in rounds.values())
    headings = (
        "start-up",
        "a submission",
        "throughput",
        "processor",
        f"memory ({'PSS' if shared_once else 'RSS'})",
    )
    found = Table(
        "",
        *(Column(heading, justify="right") for heading in headings),
        title=f"{plan.submissions} submissions beside {plan.few}, {plan.rounds} "
        f"round{'s' * (plan.rounds > 1)}, {os.cpu_count()} processors",
    )
    for grader, each in rounds.items():
        found.add_row(
            grader.name,
            f"{each.start:.1f} s",
            f"{each.seconds:.2f} s",
            f"{each.times_as_fast_as(rounds[STOCK]):.2f}",
            "not known" if each.processor is None else f"{each.processor:.2f} s",
            f"{each.memory:.0f} MB",
        )
    return found


def comparisons(rounds: Mapping[Grader, Rounds]) -> list[str]:
    """Return what more workers bring and cost, and what whole notebooks cost, a line each."""
    lines = []
    sharing = [grader for grader in rounds if grader.command != AUTOGRADE.command]
    for fewer, more in itertools.pairwise(sharing):
        if fewer.whole == more.whole and fewer.workers < more.workers:
            gain = rounds[more].times_as_fast_as(rounds[fewer])
            added = more.workers - fewer.workers
            memory = (rounds[more].memory - rounds[fewer].memory) / added
            lines.append(
                f"{more.name}: {gain:.2f} times the throughput of {fewer.workers}, an efficiency "
                f"of {gain * fewer.workers / more.workers:.2f}; {memory:.0f} MB for each worker "
                "more"
            )
    for grader, each in rounds.items():
        if grader.whole:
            shorter = next(
                one
                for one in rounds
                if dataclasses.replace(one, name=grader.name, whole=True) == grader != one
            )
            lines.append(
                f"{grader.name}: {each.seconds - rounds[shorter].seconds:.2f} s more a submission "
                "than one that ends at the last graded cell"
            )
    return lines


def as_data(plan: Plan, rounds: Mapping[Grader, Rounds]) -> dict[str, Any]:
    """Return the table's figures and every run behind them, as plain data."""
    return {
        "assignment": ASSIGNMENT,
        "few": plan.few,
        "many": plan.submissions,
        "processors": os.cpu_count(),
        "graders": [
            {
                "name": grader.name,
                "workers": grader.workers,
                "whole": grader.whole,
                "start_seconds": each.start,
                "submission_seconds": each.seconds,
                "throughput": each.times_as_fast_as(rounds[STOCK]),
                "processor_seconds": each.processor,
                "memory_megabytes": each.memory,
                "rounds": [
                    {"few": dataclasses.asdict(few), "many": dataclasses.asdict(many)}
                    for few, many in each.uses
                ],
            }
            for grader, each in rounds.items()
        ],
    }
