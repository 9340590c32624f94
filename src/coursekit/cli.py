"""The command line, ``coursekit``: what each command runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from coursekit.command_options import read_arguments
from coursekit.command_runner import Say, line_printer, run_command

if TYPE_CHECKING:
    from coursekit.class_grading.engine import StartEngine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0, or 1 after an error told in words."""
    chosen = read_arguments(arguments)
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
            from coursekit.class_grading.grade_class import grade_class
            from coursekit.class_grading.wish import Wish

            wish = Wish(
                chosen.assignment,
                chosen.student,
                chosen.workers,
                chosen.force,
                chosen.dry_run,
                chosen.shard,
                chosen.out.resolve() if chosen.out else Path(),
                tuple(chosen.settings),
            )
            engine = _cluster(chosen, course, line_printer(console)) if chosen.cluster else None
            return grade_class(course, wish, console, engine)
        case "merge":
            from coursekit.class_grading.merge import merge

            return merge(
                course,
                chosen.folder,
                console,
                force=chosen.force,
                settings=tuple(chosen.settings),
            )
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
        case "publish":
            from coursekit.publishing.publish import publish

            given = {one: getattr(chosen, one) for one in ("address", "branch", "files", "hub")}
            publish(course, chosen.folder, chosen.assignment, given, line_printer(console))
        case "gradescope":
            from coursekit.exporting.gradescope_zip import make_autograder

            make_autograder(course, chosen.assignment, chosen.out, line_printer(console))
        case "cluster":
            return _run_cluster(chosen, course, line_printer(console))
        case "gradebook":
            from coursekit.moving_gradebook import move_gradebook

            move_gradebook(course, chosen.origin, chosen.target, line_printer(console))
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


def _run_cluster(chosen: argparse.Namespace, course: Path, say: Say) -> int:
    """Run what was chosen of ``coursekit cluster``."""
    match chosen.action:
        case "init":
            from coursekit.cluster.certificates import make_authority

            make_authority(course, chosen.host, say)
        case "invite":
            from coursekit.cluster.certificates import invite

            invite(course, chosen.name, chosen.days, say)
        case "scheduler":
            from coursekit.cluster.scheduler import serve

            serve(course, chosen.host, chosen.port, chosen.certificate, say)
        case "worker":
            from coursekit.cluster.serving import serve as serve_grading

            serve_grading(chosen.address, chosen.certificate, chosen.workers, chosen.name, say)
    return 0


def _cluster(chosen: argparse.Namespace, course: Path, say: Say) -> StartEngine:
    """What starts the engine of ``coursekit grade --cluster``."""
    from coursekit.cluster.certificates import COORDINATOR, certificate_of
    from coursekit.cluster.cluster_engine import cluster_engine

    return cluster_engine(
        course,
        chosen.assignment,
        chosen.cluster,
        chosen.certificate or certificate_of(course, COORDINATOR),
        chosen.twice / 100,
        say,
    )
