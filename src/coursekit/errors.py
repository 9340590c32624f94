"""Every error that the kit raises on purpose.

::

    resnets_utils.hinted_errors.HintedError
    └── CourseKitError           what happened, and what to do next
        ├── AuthoringError       something that an instructor wrote does not work
        ├── BeyondRepair         a submission cannot be graded as it is
        ├── GateError            a release does not pass one of its gates
        └── InfrastructureError  grading itself failed: there is no score
            ├── GradebookInUse        another program holds the gradebook for a while
            └── UnreadableSubmission  it would fail again: no notebook was handed in

`machine_errors` turns what the machine and the gradebook refuse into one of them.
"""

from __future__ import annotations

from resnets_utils.hinted_errors import HintedError

ASK_AGAIN = "ask the student to save it in Jupyter and hand it in again"


class CourseKitError(HintedError):
    """What went wrong, for people."""


class AuthoringError(CourseKitError):
    """A notebook, hidden test or answer file that an instructor wrote does not work."""


class BeyondRepair(CourseKitError):
    """A submission cannot be graded as it is."""

    def __init__(self, message: str, hint: str = ASK_AGAIN) -> None:
        super().__init__(message, hint)


class GateError(CourseKitError):
    """A release does not pass one of its gates."""


class InfrastructureError(CourseKitError):
    """Grading itself failed. No score may come of it; the submission stays in the queue."""


class GradebookInUse(InfrastructureError):
    """Another program holds the gradebook. A later try may end otherwise."""


class UnreadableSubmission(InfrastructureError):
    """No notebook of a submission can be read. Another try would end in the same way."""
