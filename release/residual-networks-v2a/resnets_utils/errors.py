"""Errors that speak to a student: what happened, and what to do next, without a traceback."""

from __future__ import annotations


class StudentError(Exception):
    """Something that a student can put right.

    Args:
        message: what happened, and where.
        hint: what to do next; "" if there is nothing to say.

    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        said = f"error: {self.message}"
        return f"{said}\nhint: {self.hint}" if self.hint else said

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback, which would only show our code.
        return str(self).splitlines()
