"""Measure what a cell puts out, and take no more than it may."""

from __future__ import annotations

from typing import Any

from coursekit.isolation.limits import Limits, in_words


class OutputMeter:
    """Counts one cell's messages, text and pictures.

    Attributes:
        cut: where its output was cut, as "1 MB"; "" if it was not.
        complete: whether the kernel's word that the cell has ended came after it.

    """

    def __init__(self, limits: Limits) -> None:
        self.cut = ""
        self.complete = False
        self._limits = limits
        self._messages = 0
        self._text = 0
        self._pictures = 0

    def admit(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return a message, shortened if need be; None if it is one too many."""
        if message["header"]["msg_type"] == "status":
            self.complete = message["content"].get("execution_state") == "idle"
            return message
        self._messages += 1
        if self._messages > self._limits.messages:
            self.cut = self.cut or f"{self._limits.messages} messages"
            return None
        if message["header"]["msg_type"] == "stream":
            return self._admit_text(message)
        self._pictures += len(repr(message["content"])) + sum(map(len, message.get("buffers", [])))
        if self._pictures > self._limits.picture_output:
            self.cut = self.cut or in_words(self._limits.picture_output)
            return None
        return message

    def _admit_text(self, message: dict[str, Any]) -> dict[str, Any] | None:
        text = str(message["content"].get("text", ""))
        left = max(self._limits.text_output - self._text, 0)
        self._text += len(text)
        if len(text) <= left:
            return message
        self.cut = self.cut or in_words(self._limits.text_output)
        return {**message, "content": {**message["content"], "text": text[:left]}} if left else None
