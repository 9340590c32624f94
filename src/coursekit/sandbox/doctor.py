"""Say which sandbox this machine supports, and how to get a stronger one."""

from __future__ import annotations

import platform
from dataclasses import fields

from rich.console import Console

from coursekit.command_runner import line_printer
from coursekit.errors import CourseKitError
from coursekit.sandbox.inside import landlock, seccomp
from coursekit.sandbox.levels import LEVELS, strongest
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.remedies import remedies
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
    helpful = remedies()
    if not chosen.sandboxed:
        raise CourseKitError(
            "students' code would run without a sandbox here, so grading refuses to run it",
            "\n      ".join([*helpful, f"or run it with your own rights: {UNSAFE_VARIABLE}=1"]),
        )
    say(f"users        kernels run as {chosen.whose_user()}")
    version = landlock.version()
    layers = [
        f"Landlock {version}" if version else "no Landlock in this kernel",
        "seccomp" if seccomp.available() else f"no seccomp list for {platform.machine()}",
    ]
    say(f"besides      {', '.join(layers)}")
    say(f"grading uses {chosen.isolation}")
    say("limits       change their defaults in nbgrader_config.py:")
    for each in fields(Limits):
        default = f"c.StudentKernel.{each.name} = {each.default}"
        say(f"             {default:<41} # {each.metadata['help']}")
    for remedy in helpful:
        say(f"for more     {remedy}")
