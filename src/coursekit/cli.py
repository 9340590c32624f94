"""The command line: ``coursekit release``, ``coursekit demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from coursekit.errors import CourseKitError
from coursekit.release.pipeline import release_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0, or 1 after an error told in words."""
    parser = argparse.ArgumentParser(prog="coursekit", description="The course kit's commands.")
    parser.add_argument(
        "--course", type=Path, default=Path(), metavar="DIR", help="course folder (default: here)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    release = commands.add_parser("release", help="make releases, through every gate")
    release.add_argument("assignment", nargs="*", help="default: all")
    release.add_argument(
        "--check", action="store_true", help="change nothing; fail if release/ is out of date"
    )
    commands.add_parser("demo", help="grade the bundled submissions and show the scores")
    chosen = parser.parse_args(arguments)
    course = chosen.course.resolve()
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        if chosen.command == "release":
            release_all(
                course,
                chosen.assignment,
                check=chosen.check,
                say=lambda line: console.print(line, highlight=False),
            )
        else:
            from coursekit.demo import demo

            demo(course, console)
    except CourseKitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted\nhint: run the command again", file=sys.stderr)
        return 130
    return 0
