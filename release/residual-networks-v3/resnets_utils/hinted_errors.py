"""Errors for people: what happened, and what to do next.

::

    HintedError
    ├── StudentError       something that a student can put right
    └── CourseKitError     see coursekit.errors
"""

from __future__ import annotations


class HintedError(Exception):
    """An error that says what happened and what to do next.

    Args:
        message: what happened, and where.
        hint: what to do next; "" if there is nothing to say.

    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class StudentError(HintedError):
    """Something that a student can put right."""

    def __str__(self) -> str:
        return f"error: {super().__str__()}"

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback, which would show our code alone.
        return str(self).splitlines()
