"""The command line, ``coursekit``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from coursekit.command_runner import line_printer, run_command

_MOST_WORKERS = 256
_PLATFORMS = ("canvas", "moodle", "blackboard", "brightspace", "gradescope", "folders")
# Those of `exporting.formats`, which needs nbgrader.
_FORMATS = (
    "csv",
    "csv-wide",
    "canvas",
    "moodle",
    "moodle-feedback",
    "brightspace",
    "gradescope",
    "prairielearn",
    "junit",
    "ags",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0, or 1 after an error told in words."""
    parser = argparse.ArgumentParser(prog="coursekit", description="The course kit's commands.")
    parser.add_argument(
        "--course", type=Path, default=Path(), metavar="DIR", help="course folder (default: here)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    release = commands.add_parser(
        "release", help="generate releases and test them before they replace the old ones"
    )
    release.add_argument("assignment", nargs="*", help="the assignments to release (default: all)")
    release.add_argument(
        "--check", action="store_true", help="change nothing; fail if release/ is out of date"
    )
    begun_course = commands.add_parser(
        "init", help="make a course folder, or bring into a course what it lacks"
    )
    begun_course.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="the new folder (default: --course)"
    )
    begun_course.add_argument(
        "--empty", action="store_true", help="leave out the bundled assignments"
    )
    export = commands.add_parser(
        "export", help="give out scores: for a learning platform, as a table, or as a report"
    )
    export.add_argument("assignment", help="the assignment whose scores are wanted")
    export.add_argument(
        "--to",
        required=True,
        choices=_FORMATS,
        metavar="FORMAT",
        help=f"one of: {', '.join(_FORMATS)}",
    )
    export.add_argument(
        "--into", type=Path, metavar="FILE", help="the learning platform's own file, to be filled"
    )
    export.add_argument(
        "--column", default="", metavar="TITLE", help="its column (default: the assignment's name)"
    )
    export.add_argument(
        "--out", type=Path, metavar="PATH", help="what to write (default: in build/export/)"
    )
    autograder = commands.add_parser(
        "gradescope", help="make an autograder of an assignment for Gradescope, in a zip"
    )
    autograder.add_argument("assignment", help="the assignment to grade there")
    autograder.add_argument(
        "--out", type=Path, metavar="FILE", help="what to write (default: in build/gradescope/)"
    )
    commands.add_parser("demo", help="grade the bundled assignments' submissions, show scores")
    commands.add_parser(
        "doctor", help="show which sandbox this machine supports and how to get a stronger one"
    )
    begun = commands.add_parser("new-assignment", help="begin a new assignment")
    begun.add_argument("name", metavar="NAME", help="its name, such as warming-up-v1")
    begun.add_argument(
        "functions",
        metavar="FUNCTION",
        nargs="*",
        default=["my_function"],
        help="the functions that students will write (default: my_function)",
    )
    new = commands.add_parser("new-version", help="begin the next version of an assignment")
    new.add_argument("old", metavar="OLD", help="the assignment to start from")
    new.add_argument(
        "new", metavar="NEW", help="the new version's name, such as residual-networks-v2b"
    )
    collect = commands.add_parser(
        "collect", help="put what a learning platform hands out where submissions are"
    )
    collect.add_argument("assignment", help="the assignment that was handed in")
    collect.add_argument(
        "download",
        nargs="+",
        type=Path,
        metavar="ZIP_OR_FOLDER",
        help="the platform's archive, or the folder that it was unpacked into",
    )
    collect.add_argument(
        "--from",
        dest="platform",
        choices=_PLATFORMS,
        default="",
        help="the platform (default: by the names in the download)",
    )
    collect.add_argument(
        "--roster",
        type=Path,
        metavar="CSV",
        help="who is who, with the columns student,lms_id,name (default: roster.csv, if there)",
    )
    collect.add_argument(
        "--timezone",
        default="",
        metavar="ZONE",
        help="where the platform's clock stands, such as Europe/Berlin (default: as here)",
    )
    collect.add_argument(
        "--force",
        action="store_true",
        help="replace submissions even if they may be newer; they are kept in collected/",
    )
    collect.add_argument(
        "--dry-run", action="store_true", help="show what would be collected; change nothing"
    )
    grade = commands.add_parser(
        "grade",
        help="grade the submissions of an assignment side by side; the same command goes on "
        "after an interruption",
    )
    grade.add_argument("assignment", help="the assignment to grade")
    grade.add_argument(
        "--workers",
        type=_workers,
        default=0,
        metavar="N",
        help="how many are graded side by side, or auto (default: auto, by cores and memory)",
    )
    grade.add_argument("--student", default="*", metavar="ID", help="one student, or a pattern")
    grade.add_argument("--force", action="store_true", help="grade what has been graded already")
    grade.add_argument(
        "--dry-run", action="store_true", help="say what would be graded, and why; change nothing"
    )
    regrade = commands.add_parser(
        "regrade",
        help="preview how changed tests would change scores (writes nothing without --write)",
    )
    regrade.add_argument("assignment", help="the assignment whose tests have changed")
    regrade.add_argument(
        "--write", action="store_true", help="write the scores and verdicts that the preview shows"
    )
    report = commands.add_parser(
        "report", help="write a report on the class: its mistakes, checks and scores"
    )
    report.add_argument("assignment", help="the assignment to report on")
    report.add_argument(
        "--anonymous",
        action="store_true",
        help="for showing in class: no names, no code, nothing about fewer than five students",
    )
    upgrade = commands.add_parser(
        "upgrade", help="carry answers from older notebooks into submissions of a newer release"
    )
    upgrade.add_argument("source", nargs="+", type=Path, help="older notebooks, or folders of them")
    upgrade.add_argument(
        "--to", metavar="ASSIGNMENT", help="the newer release (default: the newest version)"
    )
    upgrade.add_argument(
        "--student",
        metavar="NAME",
        help="the student, for a single notebook (default: its file's or folder's name)",
    )
    chosen, settings = parser.parse_known_args(arguments)
    if wrong := [one for one in settings if chosen.command != "grade" or not _is_setting(one)]:
        parser.error(f"unrecognized arguments: {' '.join(wrong)}")
    chosen.settings = settings
    return run_command(lambda console: _run(chosen, chosen.course.resolve(), console))


def _run(chosen: argparse.Namespace, course: Path, console: Console) -> int:
    """Run the chosen command; return its exit status.

    Each imports what it needs: nbgrader takes a second, and TensorFlow three.
    """

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    match chosen.command:
        case "release":
            from coursekit.release.pipeline import release_all

            release_all(
                course,
                chosen.assignment,
                check=chosen.check,
                say=say,
            )
        case "init":
            from coursekit.new_course.make_course import make_course

            make_course(chosen.folder or chosen.course, say, empty=chosen.empty)
        case "demo":
            from coursekit.demo import demo

            demo(course, console)
        case "doctor":
            from coursekit.sandbox.doctor import doctor

            doctor(console)
        case "new-assignment":
            from coursekit.release.new_assignment import new_assignment

            new_assignment(course, chosen.name, chosen.functions, say)
        case "new-version":
            from coursekit.release.new_version import new_version

            new_version(course, chosen.old, chosen.new, say)
        case "grade":
            from coursekit.class_grading.grade_class import Wish, grade_class

            wish = Wish(
                chosen.assignment,
                chosen.student,
                chosen.workers,
                chosen.force,
                chosen.dry_run,
                tuple(chosen.settings),
            )
            return grade_class(course, wish, console)
        case "collect":
            from coursekit.collecting.collect import CollectingWish, collect

            return collect(
                course,
                CollectingWish(
                    chosen.assignment,
                    chosen.download,
                    chosen.platform,
                    chosen.roster,
                    chosen.timezone,
                    chosen.force,
                    chosen.dry_run,
                ),
                console,
            )
        case "export":
            from coursekit.exporting.export_scores import export_scores

            export_scores(
                course,
                chosen.assignment,
                chosen.to,
                line_printer(console),
                into=chosen.into,
                out=chosen.out,
                column=chosen.column,
            )
        case "gradescope":
            from coursekit.exporting.gradescope_zip import make_autograder

            make_autograder(course, chosen.assignment, chosen.out, line_printer(console))
        case "regrade":
            from coursekit.regrading.regrade import regrade

            return regrade(course, chosen.assignment, console, write=chosen.write)
        case "report":
            from coursekit.reporting.write_report import write_report

            write_report(
                course, chosen.assignment, line_printer(console), anonymous=chosen.anonymous
            )
        case "upgrade":
            from coursekit.upgrading import upgrade_all

            done: int = upgrade_all(course, chosen.source, chosen.to, chosen.student, console)
            return done
    return 0


def _workers(text: str) -> int:
    """A number of workers; 0 stands for "auto"."""
    if text == "auto":
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor 1 to {_MOST_WORKERS}")
    return int(text)


def _is_setting(argument: str) -> bool:
    """Whether an argument is one of nbgrader's settings, such as --JudgeAnswers.run_all=True."""
    return re.fullmatch(r"--[A-Z]\w*(\.\w+)+=.*", argument, re.DOTALL) is not None
