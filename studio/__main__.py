"""The author's commands: ``python -m studio NAME``; ``--help`` lists them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from coursekit.command_runner import line_printer, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command in the course folder; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m studio", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    pictures = commands.add_parser("pictures", help="draw the notebooks' pictures again")
    pictures.add_argument("--measure", action="store_true", help="measure the gradients first")
    commands.add_parser("screenshots", help="take the documentation's pictures of the demo's class")
    pretrain = commands.add_parser(
        "pretrain", help="train the model that the notebooks load; takes less than two hours"
    )
    pretrain.add_argument(
        "--check", action="store_true", help="measure the shipped weights again without training"
    )
    commands.add_parser(
        "try-it", help="measure what the notebooks say of the trained network without blocks"
    )
    training = commands.add_parser(
        "training", help="compare the time of the notebook's training with plain model.fit"
    )
    kernels = commands.add_parser(
        "kernels", help="compare the start times of cold and warm student kernels"
    )
    for benchmark in (training, kernels):
        benchmark.add_argument(
            "--pairs", type=int, default=1, metavar="N", help="runs of each kind"
        )
    kernels.add_argument(
        "--forks",
        type=int,
        default=0,
        metavar="N",
        help="start this many further warm kernels afterwards",
    )
    grading = commands.add_parser(
        "grading", help="compare the time of grading in the kit with stock nbgrader"
    )
    grading.add_argument(
        "--submissions", type=_positive, default=8, metavar="N", help="graded in a run (default: 8)"
    )
    grading.add_argument(
        "--rounds", type=_positive, default=1, metavar="R", help="turns of each grader (default: 1)"
    )
    grading.add_argument(
        "--workers",
        type=_positive,
        nargs="*",
        default=[1, 2],
        metavar="N",
        help="numbers of workers for coursekit grade (default: 1 2)",
    )
    grading.add_argument(
        "--whole", action="store_true", help="grade whole notebooks as well, training included"
    )
    scale = commands.add_parser(
        "scale", help="grade a class of any size with workers that only take their time"
    )
    scale.add_argument(
        "--submissions", type=_positive, default=2000, metavar="N", help="default: 2000"
    )
    scale.add_argument("--workers", type=_positive, default=200, metavar="W", help="default: 200")
    scale.add_argument(
        "--seconds", type=float, default=1, metavar="S", help="of a worker for one (default: 1)"
    )
    for benchmark in (grading, scale):
        benchmark.add_argument(
            "--json", type=Path, metavar="FILE", help="write the figures there, too"
        )
    chosen = parser.parse_args(arguments)
    return run_command(lambda console: _run(chosen, Path.cwd(), console))


def _positive(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _run(chosen: argparse.Namespace, course: Path, console: Console) -> int:
    """Run the chosen command; what loads TensorFlow is imported by the command that needs it."""
    match chosen.command:
        case "pictures":
            from studio.pictures import draw_all

            for path in draw_all(course, measure=chosen.measure):
                console.print(str(path), highlight=False)
        case "screenshots":
            from studio.screenshots import take_screenshots

            for path in take_screenshots(course, line_printer(console)):
                console.print(str(path), highlight=False)
        case "pretrain":
            from studio.pretraining.pretrain import pretrain, show

            (show if chosen.check else pretrain)(course, console)
        case "try-it":
            from studio.try_it import show_findings

            show_findings(course, console)
        case "training":
            from studio.training_benchmark import run_benchmark

            run_benchmark(course, chosen.pairs)
        case "kernels":
            from studio.kernel_benchmark import benchmark_kernels

            benchmark_kernels(chosen.pairs, chosen.forks, console)
        case "grading":
            from studio.grading_benchmark import Plan, compare_graders

            workers = tuple(sorted(set(chosen.workers)))
            plan = Plan(chosen.submissions, chosen.rounds, workers, chosen.whole)
            compare_graders(course, plan, console, chosen.json)
        case "scale":
            from studio.scale.simulation import Size, show_scale

            size = Size(chosen.submissions, chosen.workers, chosen.seconds)
            show_scale(course, size, console, chosen.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
