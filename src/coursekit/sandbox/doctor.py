"""Say which sandbox this machine supports, and how to get a stronger one."""

from __future__ import annotations

import platform
from dataclasses import fields

from rich.console import Console

from coursekit.command_runner import line_printer
from coursekit.errors import CourseKitError
from coursekit.sandbox.levels import LEVELS, strongest
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.owners import real_root
from coursekit.sandbox.probing import probe
from coursekit.sandbox.remedies import namespace_remedies
from coursekit.sandbox.settings import UNSAFE_VARIABLE


def doctor(console: Console) -> None:
    """Print which sandbox this machine supports, the limits, and commands that give more.

    Raises:
        CourseKitError: if it has no sandbox.

    """
    say = line_printer(console)
    say(f"system       {platform.system()} {platform.release()}, {platform.machine()}")
    for level in LEVELS:
        why = level.why_not()
        found = f"no : {why}" if why else "yes" if level.sandboxed else "only if asked for"
        say(f"{level.name:<12} {level.words}: {found}")
    chosen = strongest()
    remedies = namespace_remedies() if any(level.why_not() for level in LEVELS) else []
    if not chosen.sandboxed:
        raise CourseKitError(
            "students' code would run without a sandbox here, so grading refuses to run it",
            "\n      ".join([*remedies, f"or run it with your own rights: {UNSAFE_VARIABLE}=1"]),
        )
    users = "a user id of their own" if real_root() else "your user id, in a namespace of users"
    say(f"users        kernels run as {users}")
    machine = probe()
    layers = [
        f"Landlock {machine.landlock}" if machine.landlock else "no Landlock in this kernel",
        "seccomp" if machine.seccomp else f"no seccomp list for {platform.machine()}",
    ]
    say(f"besides      {', '.join(layers)}")
    say(f"grading uses {chosen.name}")
    say("limits       change their defaults in nbgrader_config.py:")
    for each in fields(Limits):
        default = f"c.StudentKernel.{each.name} = {each.default}"
        say(f"             {default:<41} # {each.metadata['help']}")
    for remedy in remedies:
        say(f"for more     {remedy}")
