"""The command line: ``coursekit release``, ``coursekit demo`` and what makes their parts."""

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
    benchmark = commands.add_parser(
        "benchmark", help="time the notebook's training beside plain model.fit"
    )
    benchmark.add_argument("--pairs", type=int, default=1, metavar="N", help="runs of each kind")
    pretrain = commands.add_parser(
        "pretrain", help="train the model that the notebooks load; takes about an hour"
    )
    pretrain.add_argument(
        "--check", action="store_true", help="train nothing; measure the shipped weights anew"
    )
    pictures = commands.add_parser("pictures", help="draw the notebooks' pictures anew")
    pictures.add_argument("--measure", action="store_true", help="measure the gradients anew first")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        _run(chosen, chosen.course.resolve(), console)
    except CourseKitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted\nhint: run the command again", file=sys.stderr)
        return 130
    return 0


def _run(chosen: argparse.Namespace, course: Path, console: Console) -> None:
    """Run the chosen command. What loads TensorFlow is imported by the command that needs it."""
    match chosen.command:
        case "release":
            release_all(
                course,
                chosen.assignment,
                check=chosen.check,
                say=lambda line: console.print(line, highlight=False),
            )
        case "demo":
            from coursekit.demo import demo

            demo(course, console)
        case "benchmark":
            from coursekit.benchmark import run_benchmark

            run_benchmark(course, chosen.pairs)
        case "pretrain":
            from coursekit.pretraining.command import pretrain, show

            (show if chosen.check else pretrain)(course, console)
        case "pictures":
            from coursekit.pictures import draw_all

            for path in draw_all(course, measure=chosen.measure):
                console.print(str(path), highlight=False)
