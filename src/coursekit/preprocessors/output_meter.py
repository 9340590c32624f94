"""Measure what a cell puts out, and take no more than it may."""

from __future__ import annotations

from typing import Any

from coursekit.isolation.limits import Limits, in_words

# A notebook's cells together may put out so many times what one of them may.
CELLS_IN_ALL = 10


class OutputMeter:
    """Counts one cell's messages, text and pictures.

    Attributes:
        cut: where its output was cut, as "1 MB"; "" if it was not.
        complete: whether the kernel's word that the cell has ended came after it.

    Args:
        limits: what a cell may put out.
        before: the meter of the cell that ran before it.

    """

    def __init__(self, limits: Limits, before: OutputMeter | None = None) -> None:
        self.cut = ""
        self.complete = False
        self._limits = limits
        self._messages = 0
        self._text = 0
        self._pictures = 0
        self._before: tuple[int, int, int] = before._in_all if before else (0, 0, 0)

    @property
    def _in_all(self) -> tuple[int, int, int]:
        messages, text, pictures = self._before
        return messages + self._messages, text + self._text, pictures + self._pictures

    def admit(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return a message, shortened if need be; None if it is one too many."""
        if message["header"]["msg_type"] == "status":
            self.complete = message["content"].get("execution_state") == "idle"
            return message
        if self._messages >= self._room(0, self._limits.messages):
            self.cut = self.cut or f"{self._messages} messages"
            return None
        self._messages += 1
        if message["header"]["msg_type"] == "stream":
            return self._admit_text(message)
        size = len(repr(message["content"])) + sum(map(len, message.get("buffers", [])))
        if self._pictures + size > (room := self._room(2, self._limits.picture_output)):
            self.cut = self.cut or in_words(room)
            return None
        self._pictures += size
        return message

    def _room(self, which: int, most: int) -> int:
        """What the cell may put out: as much as one may, and no more than is left for all."""
        return max(min(most, CELLS_IN_ALL * most - self._before[which]), 0)

    def _admit_text(self, message: dict[str, Any]) -> dict[str, Any] | None:
        text = str(message["content"].get("text", ""))
        room = self._room(1, self._limits.text_output)
        left = room - self._text
        self._text += min(len(text), left)
        if len(text) <= left:
            return message
        self.cut = self.cut or in_words(room)
        return {**message, "content": {**message["content"], "text": text[:left]}} if left else None
