"""Upgrade many students' older notebooks at once, into submissions that can be graded."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coursekit.course.assignment import assignments
from coursekit.course.assignment_file import version_of, version_order
from coursekit.errors import CourseKitError
from resnets_utils.border.reply import reason_of
from resnets_utils.hinted_errors import StudentError
from resnets_utils.notebooks.notebook_reader import read_file
from resnets_utils.notebooks.plain_notebook import PlainNotebook
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.notebooks.stamp import read_stamp
from resnets_utils.upgrade import upgrade_file
from resnets_utils.upgrade.carrier import Carrier
from resnets_utils.upgrade.release_files import read_release
from resnets_utils.upgrade.upgrade_report import SIGNS, Report

_LEFT_OUT = {".ipynb_checkpoints", "__MACOSX"}


@dataclass(frozen=True)
class _Job:
    """One notebook to be upgraded, and whose it is."""

    student: str
    notebook: Path


@dataclass(frozen=True)
class _Done:
    """What happened to one notebook: a report, or an error in words."""

    job: _Job
    report: Report | None
    error: str = ""


def upgrade_all(
    course: Path, sources: list[Path], to: str | None, student: str | None, console: Console
) -> int:
    """Upgrade notebooks into ``submitted/<student>/<assignment>/``, and show what was done.

    A notebook that cannot be upgraded is named with the reason; the others are still upgraded.

    Args:
        course: the course folder.
        sources: notebooks, or folders of them. The student's name is the file's name for
            notebooks directly in a folder, and the first sub-folder's name for others.
        to: the assignment; None for the newest fitting release of each notebook's family
            (assignments whose names differ only in their version).
        student: whose notebook it is, if there is only one; None to take it from the path.
        console: where progress and results are shown.

    Returns:
        0 if every notebook was written, else 1.

    Raises:
        CourseKitError: if there is no such release, or no notebook.

    """
    releases = _releases(course, to)
    jobs = [job for source in sources for job in _jobs(source)]
    if student is not None:
        if len(jobs) != 1:
            raise CourseKitError(
                f"--student names one student, but there are {len(jobs)} notebooks",
                "name one notebook, or leave --student out",
            )
        jobs = [_Job(_checked_name(student), jobs[0].notebook)]
    done = []
    for number, job in enumerate(jobs, 1):
        with console.status(f"{number} of {len(jobs)}: {job.notebook.name}"):
            done.append(_upgraded(course, job, releases))
        said = "written" if done[-1].report else "not written"
        line = f"{number} of {len(jobs)}: {job.student}, {job.notebook.name}: {said}"
        console.print(Text(line))
    _show(course, done, console)
    return 0 if all(entry.report for entry in done) else 1


def _releases(course: Path, to: str | None) -> dict[str, ReleasedNotebook]:
    """The releases that may be asked for, the newest last, by the assignment's name."""
    found: dict[str, ReleasedNotebook] = {}
    for assignment in assignments(course):
        if to in (None, assignment.name) and assignment.release.is_file():
            try:
                found[assignment.name] = read_release(assignment.release)
            except StudentError as error:
                raise CourseKitError(
                    error.message, "make it again, with: coursekit release"
                ) from None
    if not found:
        raise CourseKitError(
            f"there is no release of {to}" if to else f"there is no release in {course}",
            "make it, with: coursekit release",
        )
    return dict(sorted(found.items(), key=lambda entry: version_order(entry[0])))


def _jobs(source: Path) -> list[_Job]:
    if not source.is_dir():
        return [_Job(_safe_name(source.stem), source)]
    found = sorted(
        path
        for path in source.rglob("*.ipynb")
        if not _LEFT_OUT & set(path.relative_to(source).parts)
    )
    if not found:
        raise CourseKitError(
            f"there is no notebook in {source}", "name a folder that holds .ipynb files"
        )
    jobs = []
    for path in found:
        parts = path.relative_to(source).parts
        jobs.append(_Job(_safe_name(parts[0] if len(parts) > 1 else path.stem), path))
    return jobs


def _safe_name(name: str) -> str:
    """A student's name as a folder's: letters, digits, ``_``, ``-`` and ``.`` inside."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._-") or "student"


def _checked_name(name: str) -> str:
    if name != _safe_name(name):
        raise CourseKitError(
            f"{name!r} cannot be a student's folder",
            f"use letters, digits, _ and - only, such as {_safe_name(name)}",
        )
    return name


def _upgraded(course: Path, job: _Job, releases: dict[str, ReleasedNotebook]) -> _Done:
    try:
        assignment = _chosen_release(job.notebook, releases)
        release = releases[assignment]
        folder = course / "submitted" / job.student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return _Done(job, upgrade_file(job.notebook, release, folder / release.path.name))
        except StudentError:
            # What is not empty stays.
            with contextlib.suppress(OSError):
                folder.rmdir()
                folder.parent.rmdir()
            raise
    except StudentError as error:
        return _Done(job, None, str(error).removeprefix("error: "))
    except OSError as error:
        return _Done(job, None, f"{error.filename}: {error.strerror}")
    except Exception as error:
        # One strange notebook must not stop the others.
        return _Done(job, None, f"an error of the kit, {reason_of(error)}")


def _chosen_release(notebook: Path, releases: dict[str, ReleasedNotebook]) -> str:
    """The newest release of the notebook's family, if possible one that its answers fit.

    Raises:
        StudentError: if the notebook cannot be read, or does not tell its family.

    """
    if len(releases) == 1:
        return next(iter(releases))
    earlier = read_file(notebook)
    carriers = {name: Carrier(earlier, release) for name, release in releases.items()}
    family = _family_of(notebook.name, earlier, carriers)
    names = [name for name in releases if _family(name) == family]
    fitting = [name for name in names if carriers[name].fits]
    return (fitting or names)[-1]


def _family(assignment: str) -> str:
    """An assignment's name without its version."""
    return assignment.removesuffix(version_of(assignment)).removesuffix("-")


def _family_of(file: str, earlier: PlainNotebook, carriers: dict[str, Carrier]) -> str:
    """The family that a notebook's stamp names, or of whose functions it defines the most.

    Raises:
        StudentError: if neither tells one family.

    """
    defined: dict[str, set[str]] = {}
    for name, carrier in carriers.items():
        defined.setdefault(_family(name), set()).update(carrier.defined)
    stamp = read_stamp(earlier.metadata)
    if stamp is not None and _family(stamp.assignment) in defined:
        return _family(stamp.assignment)
    most = max(map(len, defined.values()))
    found = [family for family in defined if len(defined[family]) == most]
    if len(found) > 1:
        newest = [name for name in carriers if _family(name) == found[0]][-1]
        raise StudentError(
            f"{file} does not tell whether it is of {' or '.join(found)}",
            f"name the assignment, with: --to {newest}",
        )
    return found[0]


def _show(course: Path, done: list[_Done], console: Console) -> None:
    functions = list(
        dict.fromkeys(
            entry.function for one in done if one.report for entry in one.report.functions
        )
    )
    table = Table("student", *functions, "output", title="Upgraded notebooks")
    for one in done:
        if one.report is None:
            table.add_row(Text(one.job.student), *("" for _ in functions), "! not written")
            continue
        said = {entry.function: entry.outcome for entry in one.report.functions}
        words = [f"{SIGNS[said[name]]} {said[name]}" if name in said else "" for name in functions]
        output = one.report.output
        place = output.relative_to(course) if output.is_relative_to(course) else output
        table.add_row(Text(one.job.student), *words, Text(str(place)))
    console.print(table)
    for one in done:
        _show_reasons(one, console)


def _show_reasons(done: _Done, console: Console) -> None:
    lines = [f"! {done.error}"] if done.error else []
    for entry in done.report.functions if done.report else ():
        for problem in entry.problems:
            place = f"line {problem.line}: " if problem.line else ""
            lines.append(f"! {entry.function}: {place}{problem.reason}")
        for change in entry.changes:
            lines.append(
                f"~ {entry.function}: cell {change.cell}, line {change.line}: {change.why}"
            )
    if lines:
        console.print(Text(f"\n{done.job.student}, {done.job.notebook}", style="bold"))
    for line in lines:
        console.print(Padding.indent(Text(line), 2))
