"""What was asked for when a class is to be graded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coursekit.class_grading.shard import Shard


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line.

    Attributes:
        assignment: the assignment's name.
        student: one student's id, or a pattern.
        workers: how many; 0 for as many as the machine has cores and memory for.
        force: whether submissions are graded that have been graded already.
        dry_run: whether only to say what would be graded.
        shard: the part of the class to grade; None for all of it, which is also written.
        out: the folder for a shard's results.
        settings: further settings of nbgrader's, such as ``--JudgeAnswers.run_all=True``.

    """

    assignment: str
    student: str = "*"
    workers: int = 0
    force: bool = False
    dry_run: bool = False
    shard: Shard | None = None
    out: Path = Path()
    settings: tuple[str, ...] = ()
