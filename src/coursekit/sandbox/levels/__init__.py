"""The levels of the sandbox: ways to start a student's kernel, from the strongest to none.

A further level is a module with a `Level`, and its place in `LEVELS`.
"""

from coursekit.sandbox.levels.bubblewrap import BUBBLEWRAP
from coursekit.sandbox.levels.guarded import LANDLOCK
from coursekit.sandbox.levels.level import Level
from coursekit.sandbox.levels.none import NONE
from coursekit.sandbox.levels.zygote import ZYGOTE

__all__ = [
    "BUBBLEWRAP",
    "LANDLOCK",
    "LEVELS",
    "NONE",
    "ZYGOTE",
    "Level",
    "strongest",
    "why_no_sandbox",
]

# Strongest first.
LEVELS: tuple[Level, ...] = (ZYGOTE, BUBBLEWRAP, LANDLOCK, NONE)


def strongest() -> Level:
    """Return the strongest level that this machine has."""
    return next(level for level in LEVELS if not level.why_not())


def why_no_sandbox() -> str:
    """Return why this machine lacks every sandbox; "" if it has one."""
    reasons = [level.why_not() for level in LEVELS if level.sandboxed]
    return "; ".join(dict.fromkeys(reasons)) if all(reasons) else ""
