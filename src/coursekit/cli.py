"""The command line: releasing, grading again, carrying over, and what makes their parts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from coursekit.release.new_assignment import new_assignment
from coursekit.release.new_version import new_version
from coursekit.release.pipeline import release_all
from coursekit.troubles import in_words


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
    benchmark.add_argument(
        "--kernels", action="store_true", help="time student kernels instead, cold beside warm"
    )
    benchmark.add_argument(
        "--forks", type=int, default=0, metavar="N", help="with --kernels: further warm kernels"
    )
    commands.add_parser(
        "doctor", help="show how students' code is shut in here, and what would give more"
    )
    pretrain = commands.add_parser(
        "pretrain", help="train the model that the notebooks load; takes about an hour"
    )
    pretrain.add_argument(
        "--check", action="store_true", help="train nothing; measure the shipped weights anew"
    )
    pictures = commands.add_parser("pictures", help="draw the notebooks' pictures anew")
    pictures.add_argument("--measure", action="store_true", help="measure the gradients anew first")
    begun = commands.add_parser("new-assignment", help="begin an assignment of your own")
    begun.add_argument("name", metavar="NAME", help="its name, as warming-up-v1")
    begun.add_argument(
        "functions",
        metavar="FUNCTION",
        nargs="*",
        default=["my_function"],
        help="what students are to write; my_function if left out",
    )
    new = commands.add_parser("new-version", help="begin the next version of an assignment")
    new.add_argument("old", metavar="OLD", help="the assignment to start from")
    new.add_argument("new", metavar="NEW", help="the new version's name, as residual-networks-v2b")
    regrade = commands.add_parser(
        "regrade", help="show whose score changed tests would change; nothing is written"
    )
    regrade.add_argument("assignment")
    regrade.add_argument(
        "--write", action="store_true", help="then write exactly these scores and verdicts"
    )
    upgrade = commands.add_parser(
        "upgrade", help="carry answers from older notebooks into submissions of a newer release"
    )
    upgrade.add_argument("source", nargs="+", type=Path, help="notebooks, or folders of them")
    upgrade.add_argument("--to", metavar="ASSIGNMENT", help="default: the newest of its family")
    upgrade.add_argument("--student", metavar="NAME", help="whose notebook it is, if it is one")
    chosen = parser.parse_args(arguments)
    # Both are None where they were closed, as by cron.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        return _run(chosen, chosen.course.resolve(), console)
    except BrokenPipeError:
        # Whoever read the output has read enough; nothing is left to be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted\nhint: run the command again", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace, course: Path, console: Console) -> int:
    """Run the chosen command; return its exit status.

    What loads TensorFlow is imported by the command that needs it.
    """

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    match chosen.command:
        case "release":
            release_all(
                course,
                chosen.assignment,
                check=chosen.check,
                say=say,
            )
        case "demo":
            from coursekit.demo import demo

            demo(course, console)
        case "benchmark":
            from coursekit.benchmark import run_benchmark

            if chosen.kernels:
                from coursekit.isolation.timing import benchmark_kernels

                benchmark_kernels(chosen.pairs, chosen.forks, console)
            else:
                run_benchmark(course, chosen.pairs)
        case "doctor":
            from coursekit.isolation.doctor import doctor

            doctor(console)
        case "pretrain":
            from coursekit.pretraining.command import pretrain, show

            (show if chosen.check else pretrain)(course, console)
        case "pictures":
            from coursekit.pictures import draw_all

            for path in draw_all(course, measure=chosen.measure):
                console.print(str(path), highlight=False)
        case "new-assignment":
            new_assignment(course, chosen.name, chosen.functions, say)
        case "new-version":
            new_version(course, chosen.old, chosen.new, say)
        case "regrade":
            from coursekit.regrading.command import regrade

            return regrade(course, chosen.assignment, console, write=chosen.write)
        case "upgrade":
            from coursekit.upgrading import upgrade_all

            done: int = upgrade_all(course, chosen.source, chosen.to, chosen.student, console)
            return done
    return 0
