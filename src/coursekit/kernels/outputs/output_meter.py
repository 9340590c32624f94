"""Measure the output of a cell, and admit no more than its limits allow."""

from __future__ import annotations

from collections import Counter
from typing import Any

from coursekit.kernels.outputs.plain_outputs import without_colours
from coursekit.sandbox.limits import KILOBYTE, Limits, in_words

# A notebook may have thousands of cells: all together may put out as much as this many.
MAX_FULL_CELLS = 10
# How many letters a change of colour, or one more displayed object, counts as. A page with
# a few hundred thousand of them would take gigabytes and minutes to make.
_COLOUR, _DISPLAY = 50, 5_000


class OutputMeter:
    """Counts one cell's messages, text and pictures.

    Args:
        limits: what a cell may put out.
        by_all: what all cells of the notebook have put out; the meter adds this cell's.

    Attributes:
        cut: where its output was cut, for example "1 MB"; "" if it was not cut.
        complete: whether the kernel said that the cell has ended.

    """

    def __init__(self, limits: Limits, by_all: Counter[str]) -> None:
        self.cut = ""
        self.complete = False
        self._most = {
            "messages": limits.messages,
            "text": limits.text_kilobytes * KILOBYTE,
            "pictures": limits.picture_kilobytes * KILOBYTE,
        }
        self._by_this: Counter[str] = Counter()
        self._by_all = by_all

    def admit(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return a message of `formed_message`, shortened if necessary; None if beyond a limit."""
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
                text = without_colours(text[:taken])
            return {**message, "content": {**content, "text": text}} if taken else None
        if kind == "error":
            size = _weight("".join((content["ename"], content["evalue"], *content["traceback"])))
            return message if self._take("text", size) == size else None
        if kind == "clear_output":
            return message
        data = content.get("data", {})
        words = _weight(data.get("text/plain", ""))
        size = sum(len(part) for name, part in data.items() if name != "text/plain")
        # An update replaces an earlier output.
        size += 0 if kind == "update_display_data" else _DISPLAY
        room = (self._take("text", words) == words, self._take("pictures", size) == size)
        return message if all(room) else None

    def _take(self, what: str, amount: int) -> int:
        """Count an amount, and return how much of it is admitted."""
        most = self._most[what]
        left, left_to_all = most - self._by_this[what], MAX_FULL_CELLS * most - self._by_all[what]
        self._by_this[what] += amount
        self._by_all[what] += amount
        if amount > min(left, left_to_all):
            bound, whose = (most, "") if left <= left_to_all else (MAX_FULL_CELLS * most, " of all")
            size = f"{bound} messages" if what == "messages" else in_words(bound)
            self.cut = self.cut or size + whose
        return max(min(amount, left, left_to_all), 0)


def _weight(text: str) -> int:
    return len(text) + _COLOUR * text.count("\x1b")
