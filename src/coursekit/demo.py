"""The whole work on one screen: release, grade the bundled submissions, show scores and reasons."""

from __future__ import annotations

import os
import shlex
import time
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from coursekit.course.assignment import Assignment, find_assignment, read_text
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import known_answers, solution_cells
from coursekit.errors import AuthoringError, CourseKitError, InfrastructureError
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import LOG, of_its_own, read_verdict, run_grading, run_nbgrader
from coursekit.release.pipeline import build_folder, copy_course, generate, told_of_the_course
from coursekit.sandbox.levels import strongest, why_no_sandbox
from resnets_utils.checks.check_result import CheckResult, Outcome

SUBMISSIONS = "examples/submissions.toml"
# What each of them has.
_KEYS = ("student", "assignment", "about")


def demo(course: Path, console: Console) -> Path:
    """Grade the bundled submissions in a course of their own.

    Returns:
        The folder of that course, with gradebook, autograded/ and feedback/.

    Raises:
        CourseKitError: if the release cannot be generated or grading fails.

    """
    if not (course / SUBMISSIONS).is_file():
        raise CourseKitError(
            f"there is no {SUBMISSIONS} in {course}",
            "make a course that has it, and run the demo there: coursekit init mycourse",
        )
    folder = build_folder(course, "demo")
    copy_course(course, folder)
    with told_of_the_course(course, folder):
        _demo(course, folder, console)
    return folder


def _demo(course: Path, folder: Path, console: Console) -> None:
    """Release, grade and show in a copy of the course."""
    entries = _entries(course)
    names = list(dict.fromkeys(entry["assignment"] for entry in entries))
    known = {name: find_assignment(folder, name) for name in names}
    here = of_its_own(folder)
    for name in names:
        with console.status(f"generating {name}"):
            generate(known[name], *here)
        console.print(f"generated  {known[name].release.parent.relative_to(course)}")
    for entry in entries:
        assignment = known[entry["assignment"]]
        submit(assignment, entry["student"], bundled(assignment, entry))
    console.print(f"submitted  {len(entries)} notebooks")
    show_isolation(console)
    started = time.monotonic()
    graded: list[str] = []

    def show_graded() -> None:
        """Print a line for each submission that has been graded since."""
        for entry in entries:
            verdicts = (folder / "autograded" / entry["student"]).glob("*/*.verdict.json")
            if entry["student"] not in graded and any(verdicts):
                graded.append(entry["student"])
                place = f"{len(graded)} of {len(entries)}"
                console.print(f"graded     {place}: {entry['student']}, {entry['about']}")

    for name in names:
        with console.status(f"coursekit grade {name}"):
            run_grading(folder, name, *here, watch=show_graded, our_own=True)
        show_graded()
    each = (time.monotonic() - started) / len(entries)
    console.print(f"           {each:.1f} s a submission, start and kernels included")
    for name in names:
        with console.status(f"nbgrader generate_feedback {name}"):
            run_nbgrader(folder, "generate_feedback", name, *here)
    verdicts = []
    for entry in entries:
        name, notebook = entry["assignment"], known[entry["assignment"]].notebook
        verdicts.append(read_verdict(folder, entry["student"], name, notebook))
        page = folder / "feedback" / entry["student"] / name / f"{notebook}.html"
        if not page.exists():
            raise InfrastructureError(f"there is no feedback page {page}", f"read {folder / LOG}")
    for table in scores(entries, verdicts):
        console.print(table)
    show_reasons(entries, verdicts, console)
    console.print(
        f"\nFeedback pages: {folder.relative_to(course)}/feedback/<student>/<assignment>/"
        "<notebook>.html",
        highlight=False,
    )
    for name in names:
        console.print(
            f"What the class got wrong: coursekit --course {shlex.quote(os.path.relpath(folder))} "
            f"report {name}",
            highlight=False,
            soft_wrap=True,
        )


def _entries(course: Path) -> list[dict[str, Any]]:
    """The submissions of the demo, in words."""
    try:
        entries: list[dict[str, Any]] = tomllib.loads(read_text(course / SUBMISSIONS))["submission"]
        missing = [key for entry in entries for key in _KEYS if key not in entry]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        missing = [f"{type(error).__name__}: {error}"]
    if missing:
        raise AuthoringError(
            f"{SUBMISSIONS} cannot be used: {', '.join(missing)}",
            f"begin each entry with [[submission]], and give it {', '.join(_KEYS)}",
        )
    return entries


def show_isolation(console: Console) -> None:
    """Print the sandbox in use; the bundled notebooks are ours and may run without one."""
    level = strongest()
    console.print(f"isolation  {level.name}: {level.words}")
    if not level.sandboxed:
        console.print(
            f"warning: this machine has no sandbox ({why_no_sandbox()}).\n"
            "         The demo goes on, as it grades only its own notebooks. nbgrader autograde\n"
            "         refuses students' notebooks. For a sandbox, run: coursekit doctor",
            highlight=False,
        )


def bundled(assignment: Assignment, entry: dict[str, Any]) -> Any:
    """Return the notebook that an entry of ``examples/submissions.toml`` describes.

    Raises:
        AuthoringError: if it names an unknown function or answer.

    """
    functions = list(solution_cells(assignment))
    strange = [name for name in entry.get("answers", {}) if name not in functions]
    if strange:
        raise AuthoringError(
            f"{SUBMISSIONS}: {entry['student']} answers {', '.join(strange)}, "
            f"for which {assignment.name} has no cell",
            f"choose one of: {', '.join(functions)}",
        )
    known = {
        (answer.function, answer.name): answer.code
        for file in ("right_answers.toml", "wrong_answers.toml")
        for answer in known_answers(assignment, file)
    }
    answers = {}
    for function in functions:
        wanted = entry.get("answers", {}).get(function, entry.get("otherwise", ""))
        if wanted and (function, wanted) not in known:
            raise AuthoringError(
                f"{SUBMISSIONS}: {entry['student']} gives {wanted!r} for {function}, "
                "which grader_tests/ does not know",
                "use a name from there, or leave the function out",
            )
        if wanted:
            answers[function] = known[function, wanted]
    return fill_in(
        released(assignment),
        answers,
        first=entry.get("first", []),
        last=entry.get("last", []),
        graded_only=not entry.get("trained", False),
    )


def scores(entries: list[dict[str, Any]], verdicts: list[NotebookVerdict]) -> list[Table]:
    """Return a table of scores for each assignment, a row a student and a column a test cell."""
    of_assignment: dict[str, list[tuple[dict[str, Any], NotebookVerdict]]] = {}
    for entry, verdict in zip(entries, verdicts, strict=True):
        of_assignment.setdefault(entry["assignment"], []).append((entry, verdict))
    return [_scores(name, rows) for name, rows in of_assignment.items()]


def _scores(assignment: str, rows: list[tuple[dict[str, Any], NotebookVerdict]]) -> Table:
    # A submission may be graded by another version's tests: its cells are found by their names.
    functions = list(dict.fromkeys(cell.function for _, verdict in rows for cell in verdict.cells))
    numbers = (Column(heading, justify="right") for heading in (*functions, "total"))
    table = Table("student", *numbers, title=f"Scores, {assignment}")
    for entry, verdict in rows:
        total = sum(cell.score for cell in verdict.cells)
        possible = sum(cell.points for cell in verdict.cells)
        said = {
            cell.function: f"{cell.outcome.signed} {cell.score:g}/{cell.points:g}"
            for cell in verdict.cells
        }
        table.add_row(
            f"{entry['student']}: {entry['about']}",
            *(said.get(function, "") for function in functions),
            f"{total:g}/{possible:g}",
        )
    return table


def show_reasons(
    entries: list[dict[str, Any]], verdicts: list[NotebookVerdict], console: Console
) -> None:
    """Print the reason for each lost point."""
    for entry, verdict in zip(entries, verdicts, strict=True):
        if all(cell.outcome is Outcome.PASSED for cell in verdict.cells):
            continue
        console.print(f"\n[bold]{entry['student']}[/bold], where points were lost")
        for cell in verdict.cells:
            reasons: dict[str, list[CheckResult]] = {}
            for check in cell.checks:
                if check.outcome is not Outcome.PASSED:
                    reasons.setdefault(check.reason, []).append(check)
            for reason, checks in reasons.items():
                names = ", ".join(f"{check.name} -{check.points:g}" for check in checks)
                outcome = checks[0].outcome
                text = f"{outcome.sign} {cell.function}, {outcome}: {names}"
                for indent, part in ((2, text), (6, reason)):
                    console.print(Padding.indent(Text(part), indent))
