"""The options of every command of ``coursekit``, as a parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from coursekit.class_grading.shard import Shard, shard_named

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


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line, with one for each command."""
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
    _add_publish(
        commands.add_parser(
            "publish", help="write releases into a folder that students open notebooks from"
        )
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
    _add_workers(grade)
    grade.add_argument("--student", default="*", metavar="ID", help="one student, or a pattern")
    grade.add_argument("--force", action="store_true", help="grade what has been graded already")
    grade.add_argument(
        "--dry-run", action="store_true", help="say what would be graded, and why; change nothing"
    )
    grade.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="grade the I-th of N parts of the class, and write nothing but --out: "
        "for machines that know nothing of each other",
    )
    grade.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where a shard's results are kept"
    )
    grade.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="grade on the workers of a cluster, such as tls://grader.example.org:8786 "
        "(docs/cluster.md)",
    )
    grade.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="the coordinator's certificate file (default: cluster/coordinator.pem in the course "
        "folder)",
    )
    grade.add_argument(
        "--twice",
        type=_percent,
        default=1.0,
        metavar="PERCENT",
        help="the share of submissions that two machines of a cluster grade (default: 1)",
    )
    merge = commands.add_parser(
        "merge", help="write what shards have graded (coursekit grade --shard) into the gradebook"
    )
    merge.add_argument(
        "folder", nargs="+", type=Path, help="the shards' folders, or the one that holds them"
    )
    merge.add_argument(
        "--force", action="store_true", help="write also what has been graded already"
    )
    _add_gradebook(commands.add_parser("gradebook", help="move the gradebook of a course"))
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
    _add_cluster(commands.add_parser("cluster", help="grade on several machines"))
    return parser


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was chosen on a command line: `command`, and the options of that command.

    Args:
        arguments: the command line's words; None for those that the process was started with.

    Raises:
        SystemExit: if they are wrong, or ask for help.

    """
    parser = command_parser()
    chosen, settings = parser.parse_known_args(arguments)
    takes_settings = chosen.command in ("grade", "merge")
    if wrong := [one for one in settings if not (takes_settings and _is_setting(one))]:
        parser.error(f"unrecognized arguments: {' '.join(wrong)}")
    if chosen.command == "grade" and (chosen.shard is None) != (chosen.out is None):
        parser.error("--shard and --out belong together")
    if chosen.command == "grade" and chosen.cluster and (chosen.shard or chosen.workers):
        parser.error("--cluster has its own workers and no shards")
    chosen.settings = settings
    return chosen


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder to publish")
    parser.add_argument(
        "assignment", nargs="*", help="the assignments (default: all that have a release)"
    )
    parser.add_argument(
        "--address",
        default="",
        metavar="URL",
        help="the public repository that DIR is pushed to, such as "
        "https://github.com/OWNER/REPOSITORY (default: as before)",
    )
    parser.add_argument(
        "--branch", default="", metavar="NAME", help="its branch (default: as before, or main)"
    )
    parser.add_argument(
        "--files",
        default="",
        metavar="URL",
        help="where else the files in DIR can be fetched (default: as before, or there)",
    )
    parser.add_argument(
        "--hub",
        default="",
        metavar="URL",
        help="a JupyterHub with nbgitpuller, or none (default: as before, or none)",
    )


def _add_gradebook(parser: argparse.ArgumentParser) -> None:
    copy = parser.add_subparsers(dest="action", required=True).add_parser(
        "copy", help="copy a gradebook, from a file to a PostgreSQL database or back"
    )
    copy.add_argument(
        "origin",
        nargs="?",
        default="",
        metavar="FROM",
        help="a file, or an address such as postgresql://grader@db.example.org/course (default: "
        "the course's own)",
    )
    copy.add_argument("target", metavar="TO", help="a new file, or the address of a new database")


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add what ``coursekit cluster`` can do."""
    actions = parser.add_subparsers(dest="action", required=True)
    begun = actions.add_parser("init", help="make the certificates that a cluster begins with")
    begun.add_argument(
        "--host",
        nargs="+",
        default=[],
        help="names and addresses by which other machines reach this one (default: its own name)",
    )
    invited = actions.add_parser("invite", help="make a certificate for one more machine")
    invited.add_argument("name", metavar="NAME", help="what it will be called, such as lab-3")
    invited.add_argument(
        "--days",
        type=_days,
        default=7,
        help="how long the certificate is valid (default: %(default)s)",
    )
    scheduler = actions.add_parser("scheduler", help="serve what all machines connect to")
    scheduler.add_argument(
        "--host",
        default="",
        metavar="ADDRESS",
        help="this machine's name or address to listen on (default: only this machine reaches it)",
    )
    scheduler.add_argument(
        "--port", type=_port, default=8786, help="where to listen (default: %(default)s)"
    )
    scheduler.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="its certificate file (default: cluster/scheduler.pem in the course folder)",
    )
    worker = actions.add_parser("worker", help="grade here for a coordinator elsewhere")
    worker.add_argument("address", help="the scheduler's address, such as tls://HOST:8786")
    worker.add_argument(
        "--certificate",
        type=Path,
        required=True,
        metavar="FILE",
        help="this machine's certificate file, made by: coursekit cluster invite NAME",
    )
    _add_workers(worker)
    worker.add_argument(
        "--name", default="", help="what this machine is called (default: its own name)"
    )


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=_workers,
        default=0,
        metavar="N",
        help="how many are graded side by side, or auto (default: auto, by cores and memory)",
    )


def _percent(text: str) -> float:
    """A share of a hundred."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return found


def _days(text: str) -> int:
    """A number of days."""
    return _number(text, 1, 365)


def _port(text: str) -> int:
    """A port; 0 for any that is free."""
    return _number(text, 0, 65535)


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
    return int(text)


def _workers(text: str) -> int:
    """A number of workers; 0 stands for "auto"."""
    if text == "auto":
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor 1 to {_MOST_WORKERS}")
    return int(text)


def _shard(text: str) -> Shard:
    """A part of the class."""
    try:
        return shard_named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _is_setting(argument: str) -> bool:
    """Whether an argument is one of nbgrader's settings, such as --JudgeAnswers.run_all=True."""
    return re.fullmatch(r"--[A-Z]\w*(\.\w+)+=.*", argument, re.DOTALL) is not None
