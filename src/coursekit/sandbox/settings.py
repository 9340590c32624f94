"""The settings ``c.StudentKernel.…``: the level of the sandbox, and the limits."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, fields
from typing import Any

from traitlets import Bool, Dict, Float, Integer, Unicode
from traitlets.config import Configurable

from coursekit.errors import InfrastructureError
from coursekit.processes.temporary_files import temporary_place
from coursekit.sandbox.levels import LEVELS, Level, strongest, why_no_sandbox
from coursekit.sandbox.limits import Limits

UNSAFE_VARIABLE = "COURSEKIT_UNSAFE"
UNSAFE_WARNING = """\
warning: ================================================================
warning: STUDENTS' CODE RUNS WITHOUT A SANDBOX, WITH YOUR USER'S RIGHTS.
warning: It can read and change the gradebook, the hidden tests, everybody's
warning: submissions and your files, and reach the network.
warning: ================================================================"""
_TRAITS: dict[str, Any] = {"int": Integer, "float": Float}


@dataclass(frozen=True)
class Confinement:
    """How one kernel is sandboxed, and what it may use."""

    level: Level
    limits: Limits


class StudentKernel(Configurable):
    """The level of the sandbox, and a setting for each of the `Limits`."""

    level = Unicode(
        "",
        help=f"{', '.join(each.name for each in LEVELS)}; empty for the strongest of the machine.",
    ).tag(config=True)
    unsafe = Bool(
        False, help="Run students' code without a sandbox where this machine has no sandbox."
    ).tag(config=True)
    by_assignment = Dict(
        help="Other limits for single assignments: {assignment: {setting: value}}."
    ).tag(config=True)
    locals().update(
        {
            each.name: _TRAITS[str(each.type)](each.default, **each.metadata).tag(config=True)
            for each in fields(Limits)
        }
    )

    def confinement(self, assignment: str = "") -> Confinement:
        """Return how a kernel for an assignment is sandboxed.

        Raises:
            InfrastructureError: if this machine has no sandbox and the settings
                do not allow that, if a setting is wrong, or if no kernel can have
                temporary files.

        """
        temporary_place()
        limits = self.limits(assignment)
        return Confinement(self._choose_level(), limits)

    def limits(self, assignment: str) -> Limits:
        """Return what a submission of an assignment may use.

        Raises:
            InfrastructureError: if a setting is wrong.

        """
        changed: dict[str, Any] = self.by_assignment.get(assignment, {})
        place = f"c.StudentKernel.by_assignment[{assignment!r}]"
        if not isinstance(changed, dict):
            raise InfrastructureError(
                f"{place} is {changed!r}", 'give it a mapping, for example {"cell_seconds": 60}'
            )
        known = {each.name: str(each.type) for each in fields(Limits)}
        if unknown := set(changed) - set(known):
            raise InfrastructureError(
                f"{place} has unknown limits: {', '.join(map(repr, sorted(unknown)))}",
                "see the limits, with: coursekit doctor",
            )
        values = {name: getattr(self, name) for name in known} | changed
        for name, value in values.items():
            is_number = isinstance(value, int if known[name] == "int" else int | float)
            if isinstance(value, bool) or not is_number or not 0 < value < math.inf:
                full = f"{place}[{name!r}]" if name in changed else f"c.StudentKernel.{name}"
                kind = "whole number" if known[name] == "int" else "number"
                raise InfrastructureError(
                    f"{full} is {value!r}", f"give it a {kind} above 0, in nbgrader_config.py"
                )
        return Limits(**values)

    def _choose_level(self) -> Level:
        known = {level.name: level for level in LEVELS}
        if self.level and self.level not in known:
            raise InfrastructureError(
                f"c.StudentKernel.level is {self.level!r}", f"choose one of {', '.join(known)}"
            )
        level = known[self.level] if self.level else strongest()
        if why := level.why_not():
            raise InfrastructureError(
                f"c.StudentKernel.level is {level.name}, but this machine lacks it: {why}",
                "see what this machine supports, with: coursekit doctor",
            )
        if not level.sandboxed:
            if not self.unsafe and os.environ.get(UNSAFE_VARIABLE, "") in ("", "0"):
                why = f"c.StudentKernel.level is {level.name}" if self.level else why_no_sandbox()
                raise InfrastructureError(
                    f"students' code is not run: there is no sandbox for it, because {why}",
                    f"to run it with your own rights, set {UNSAFE_VARIABLE}=1 or "
                    "c.StudentKernel.unsafe = True; see what gives this machine a sandbox, "
                    "with: coursekit doctor",
                )
            print(UNSAFE_WARNING, file=sys.stderr, flush=True)
        return level
