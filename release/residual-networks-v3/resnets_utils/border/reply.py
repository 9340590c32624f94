"""Replies for functions that gave no result: a placeholder, or an error in words."""

from __future__ import annotations

import re
import traceback
from itertools import groupby
from types import TracebackType
from typing import Any

# Keras colours its messages for terminals.
_TERMINAL_CODES = re.compile("\x1b\\[[0-9;]*m")
MAX_LINES = 8  # of a traceback
Reply = dict[str, str]


class WrongResult(TypeError):
    """A function returned something that no check can read; the message tells the student."""


def raised_reply(error: BaseException, namespace: dict[str, Any]) -> Reply:
    """Return the reply to a call that ended in an error.

    Args:
        error: what the student's function raised.
        namespace: the notebook's names, which tell its own lines from a library's.

    Returns:
        A status of "placeholder" or "raised", a "reason" in words, the lines of the
        notebook that the error came through as "lines", and as "classes" the names
        of the error's class and of those that it derives from, with spaces between.

    """
    try:
        return _told(error, namespace)
    except Exception:  # the error's class or metaclass may be the student's, too
        return {"status": "raised", "reason": "an error that cannot be told"}


def _told(error: BaseException, namespace: dict[str, Any]) -> Reply:
    lines = _notebook_lines(error.__traceback__, namespace)
    if isinstance(error, NotImplementedError):
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        # A library's NotImplementedError is an error like others.
        if not words_of(error) and frame.f_globals is namespace:
            return {
                "status": "placeholder",
                "reason": f"the placeholder is still in {frame.f_code.co_name}",
                "lines": lines[-1],
            }
    classes = [] if isinstance(error, WrongResult) else type(error).__mro__
    return {
        "status": "raised",
        "reason": reason_of(error),
        "lines": "\n".join(lines),
        "classes": " ".join(kind.__name__ for kind in classes),
    }


def reason_of(error: BaseException) -> str:
    """Return an error's class and words, without Keras's list of arguments and colours."""
    message = _TERMINAL_CODES.sub("", words_of(error))
    message = message.split("\n\nArguments received by", 1)[0].strip()
    if isinstance(error, WrongResult):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def words_of(error: BaseException) -> str:
    """Return what an error says; half a letter, which cannot be sent, becomes "?"."""
    try:
        return str(error).encode("utf-8", "replace").decode()
    except BaseException:  # the error's class may be the student's, too
        return "(its message cannot be read)"


def _notebook_lines(found: TracebackType | None, namespace: dict[str, Any]) -> list[str]:
    """The lines of the notebook itself in a traceback."""
    lines = []
    for frame, number in traceback.walk_tb(found):
        if frame.f_globals is namespace:
            summary = traceback.FrameSummary(frame.f_code.co_filename, number, frame.f_code.co_name)
            lines.append(f"line {number}: {(summary.line or '').strip()}")
    once = [line for line, _ in groupby(lines)]
    if len(once) > MAX_LINES:
        once[MAX_LINES // 2 : -(MAX_LINES // 2)] = ["..."]
    return once
