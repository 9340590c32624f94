"""Measure what a cell puts out, and take no more than it may."""

from __future__ import annotations

from collections import Counter
from typing import Any

from coursekit.isolation.limits import Limits, in_words

# All cells of a notebook together may put out as much as so many: it may have thousands.
FULL_CELLS = 10


class OutputMeter:
    """Counts one cell's messages, text and pictures.

    Args:
        limits: what a cell may put out.
        by_all: what all cells of the notebook have put out; this one's is added.

    Attributes:
        cut: where its output was cut, as "1 MB"; "" if it was not.
        complete: whether the kernel's word that the cell has ended came after it.

    """

    def __init__(self, limits: Limits, by_all: Counter[str]) -> None:
        self.cut = ""
        self.complete = False
        self._most = {
            "messages": limits.messages,
            "text": limits.text_output,
            "pictures": limits.picture_output,
        }
        self._by_this: Counter[str] = Counter()
        self._by_all = by_all

    def admit(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return a message, shortened if need be; None if it is one too many.

        Args:
            message: one that `plain_message` has made.

        """
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            self.complete = content["execution_state"] == "idle"
            return message
        if not self._take("messages", 1):
            return None
        if kind == "stream":
            text = content["text"]
            taken = self._take("text", len(text))
            return {**message, "content": {**content, "text": text[:taken]}} if taken else None
        size = len(repr(content))
        whole = self._take("text" if kind == "error" else "pictures", size) == size
        return message if whole else None

    def _take(self, what: str, amount: int) -> int:
        """Count an amount, and return how much of it may be taken."""
        most = self._most[what]
        left, left_to_all = most - self._by_this[what], FULL_CELLS * most - self._by_all[what]
        self._by_this[what] += amount
        self._by_all[what] += amount
        if amount > min(left, left_to_all):
            bound, whose = (most, "") if left <= left_to_all else (FULL_CELLS * most, " of all")
            size = f"{bound} messages" if what == "messages" else in_words(bound)
            self.cut = self.cut or size + whose
        return max(min(amount, left, left_to_all), 0)
