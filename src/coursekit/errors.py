"""Every error that the kit raises on purpose: what happened, and what to do next."""

from __future__ import annotations


class CourseKitError(Exception):
    """What went wrong, for people.

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


class AuthoringError(CourseKitError):
    """A notebook, hidden test or answer file that an instructor wrote does not work."""


class InfrastructureError(CourseKitError):
    """Grading itself failed. No score may come of it; the submission stays in the queue."""


ASK_AGAIN = "ask the student to save it in Jupyter and hand it in again"


class BeyondRepair(CourseKitError):
    """A submission cannot be graded as it is."""

    def __init__(self, message: str, hint: str = ASK_AGAIN) -> None:
        super().__init__(message, hint)


class GateError(CourseKitError):
    """A release gate is not passed."""
