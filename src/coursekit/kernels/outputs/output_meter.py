"""Measure what a cell puts out, and take no more than it may."""

from __future__ import annotations

from collections import Counter
from typing import Any

from coursekit.kernels.outputs.plain_outputs import without_colours
from coursekit.sandbox.limits import Limits, in_words

# All cells of a notebook together may put out as much as so many: it may have thousands.
FULL_CELLS = 10
# What a change of colour, or one more thing displayed, takes of a page, in letters. Pages
# of a few hundred thousand of them would take gigabytes and minutes to make.
_COLOUR, _DISPLAY = 50, 5_000


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
            "text": limits.text_bytes,
            "pictures": limits.picture_bytes,
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
            size = _weight(text)
            taken = self._take("text", size)
            if taken < size:
                text = without_colours(text)[:taken]
            return {**message, "content": {**content, "text": text}} if taken else None
        if kind == "error":
            size = _weight("".join((content["ename"], content["evalue"], *content["traceback"])))
            return message if self._take("text", size) == size else None
        if kind == "clear_output":
            return message
        data = content.get("data", {})
        words = _weight(data.get("text/plain", ""))
        size = sum(len(part) for name, part in data.items() if name != "text/plain")
        # An update stands where something stood already.
        size += 0 if kind == "update_display_data" else _DISPLAY
        room = (self._take("text", words) == words, self._take("pictures", size) == size)
        return message if all(room) else None

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


def _weight(text: str) -> int:
    return len(text) + _COLOUR * text.count("\x1b")
