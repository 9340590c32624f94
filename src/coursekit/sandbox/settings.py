"""The student kernel's settings in ``nbgrader_config.py``: how it is shut in, and its limits."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from typing import Any

from traitlets import Bool, Dict, Float, Integer, Unicode
from traitlets.config import Configurable

from coursekit.errors import InfrastructureError
from coursekit.sandbox.limits import MEGABYTE, Limits
from coursekit.sandbox.probing import BUBBLEWRAPPED, LEVELS, NONE, probe

UNSAFE_VARIABLE = "COURSEKIT_UNSAFE"
UNSAFE_WARNING = """\
warning: ================================================================
warning: STUDENTS' CODE RUNS WITHOUT A SANDBOX, WITH YOUR USER'S RIGHTS.
warning: It can read and change the gradebook, the hidden tests, everybody's
warning: submissions and your files, and reach the network.
warning: ================================================================"""


@dataclass(frozen=True)
class Confinement:
    """How one kernel is shut in.

    Attributes:
        level: one of `coursekit.sandbox.probing.LEVELS`.
        limits: what it may use.

    """

    level: str
    limits: Limits


class StudentKernel(Configurable):
    """What a student's kernel may do; the defaults are those of `Limits`."""

    level = Unicode(
        "",
        help="zygote, bubblewrap or none; empty for the strongest that this machine can do.",
    ).tag(config=True)
    unsafe = Bool(
        False, help="Run students' code without a sandbox where this machine has none."
    ).tag(config=True)
    cell_seconds = Float(Limits.cell_seconds, help="Wall time of one cell.").tag(config=True)
    notebook_seconds = Float(Limits.notebook_seconds, help="Wall time of all cells.").tag(
        config=True
    )
    processor_seconds = Integer(
        Limits.processor_seconds, help="Processor time of one process."
    ).tag(config=True)
    process_megabytes = Integer(
        Limits.process_memory // MEGABYTE, help="Memory of one process."
    ).tag(config=True)
    total_megabytes = Integer(
        Limits.total_memory // MEGABYTE, help="Memory of all processes together."
    ).tag(config=True)
    processes = Integer(
        Limits.processes, help="Processes and threads, eight for each processor not counted."
    ).tag(config=True)
    open_files = Integer(Limits.open_files, help="Open files of one process.").tag(config=True)
    disk_megabytes = Integer(
        Limits.disk // MEGABYTE, help="Private disk, which lies in memory."
    ).tag(config=True)
    files = Integer(Limits.files, help="Files and folders on the private disk.").tag(config=True)
    text_kilobytes = Integer(
        Limits.text_output // 1024, help="Text that one cell may put out."
    ).tag(config=True)
    picture_kilobytes = Integer(
        Limits.picture_output // 1024, help="Pictures that one cell may put out."
    ).tag(config=True)
    messages = Integer(Limits.messages, help="Messages that one cell may send.").tag(config=True)
    by_assignment = Dict(
        help="Other values for single assignments: {assignment: {setting: value}}."
    ).tag(config=True)

    def confinement(self, assignment: str = "") -> Confinement:
        """Return how a kernel is shut in for an assignment.

        Raises:
            InfrastructureError: if this machine has no sandbox and none was
                expressly done without, or if a setting is wrong.

        """
        value = self._values(assignment)
        limits = Limits(
            cell_seconds=value["cell_seconds"],
            notebook_seconds=value["notebook_seconds"],
            processor_seconds=value["processor_seconds"],
            process_memory=value["process_megabytes"] * MEGABYTE,
            total_memory=value["total_megabytes"] * MEGABYTE,
            processes=value["processes"],
            open_files=value["open_files"],
            disk=value["disk_megabytes"] * MEGABYTE,
            files=value["files"],
            text_output=value["text_kilobytes"] * 1024,
            picture_output=value["picture_kilobytes"] * 1024,
            messages=value["messages"],
        )
        return Confinement(self._choose_level(), limits)

    def _values(self, assignment: str) -> dict[str, Any]:
        names = [name for name in self.trait_names(config=True) if name != "by_assignment"]
        changed: dict[str, Any] = self.by_assignment.get(assignment, {})
        place = f"c.StudentKernel.by_assignment[{assignment!r}]"
        if not isinstance(changed, dict):
            raise InfrastructureError(
                f"{place} is {changed!r}", 'it is a mapping, as {"cell_seconds": 60}'
            )
        unknown = set(changed) - set(names) | ({"level", "unsafe"} & set(changed))
        if unknown:
            raise InfrastructureError(
                f"{place} has {', '.join(map(repr, sorted(unknown)))}, which is no limit",
                f"limits are {', '.join(sorted(set(names) - {'level', 'unsafe'}))}",
            )
        values = {name: getattr(self, name) for name in names} | changed
        for name in set(names) - {"level", "unsafe"}:
            whole = isinstance(self.traits()[name], Integer)
            _refuse_no_limit(f"{place}[{name!r}]" if name in changed else name, values[name], whole)
        return values

    def _choose_level(self) -> str:
        unsafe = self.unsafe or os.environ.get(UNSAFE_VARIABLE, "") not in ("", "0")
        if self.level and self.level not in LEVELS:
            raise InfrastructureError(
                f"c.StudentKernel.level is {self.level!r}", f"it is one of {', '.join(LEVELS)}"
            )
        found = probe()
        level = self.level or found.strongest
        if level in found.why_not:
            raise InfrastructureError(
                f"the level {level} is asked for, but this machine cannot do it: "
                f"{found.why_not[level]}",
                "see what would help, with: coursekit doctor",
            )
        if level == NONE and not unsafe:
            raise InfrastructureError(
                "students' code is not run: this machine has no sandbox for it "
                f"({found.why_not.get(BUBBLEWRAPPED, 'none is chosen')})",
                "see what would help, with: coursekit doctor; to run it with your own rights "
                f"all the same, set c.StudentKernel.unsafe = True or {UNSAFE_VARIABLE}=1",
            )
        if level == NONE:
            print(UNSAFE_WARNING, file=sys.stderr, flush=True)
        return level


def _refuse_no_limit(name: str, value: object, whole: bool) -> None:
    """Refuse what limits nothing, or everything: texts, zero, less, endless."""
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not (is_number and 0 < float(str(value)) < math.inf):
        full = name if name.startswith("c.") else f"c.StudentKernel.{name}"
        kind = "whole number" if whole else "number"
        raise InfrastructureError(
            f"{full} is {value!r}", f"it is a {kind} above 0; mend it in nbgrader_config.py"
        )
