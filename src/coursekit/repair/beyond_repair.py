"""Why a submission cannot be repaired."""

from __future__ import annotations


class BeyondRepair(Exception):
    """A submission that cannot be graded as it is.

    Args:
        reason: what is wrong with it, for people.
        hint: what to do next.

    """

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


ASK_AGAIN = "ask the student to save it in Jupyter and hand it in again"
OPEN_IT = "give yourself the right to read it, with: chmod -R u+rwX FOLDER; then grade again"
