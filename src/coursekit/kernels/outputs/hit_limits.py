"""Which of its limits a cell hit, judged by the error that it ended in."""

from __future__ import annotations

import errno
import re

from coursekit.sandbox.limits import (
    MEGABYTE,
    Limits,
    filled_disk,
    in_words,
    too_many_files,
    too_many_threads,
)

_NO_MEMORY = "OOM when allocating"  # TensorFlow's words
_NUMBER = re.compile(r"\[Errno (\d+)\]")


def limit_hit(name: str, text: str, limits: Limits) -> str:
    """Return which limit an error stands for, with {} for the cell; "" if it is another error.

    Args:
        name: the error's class, for example ``OSError``.
        text: its text, for example ``[Errno 28] No space left on device``.
        limits: what the cell may use.

    """
    number = _NUMBER.match(text)
    code = int(number[1]) if number else 0
    tensor = name == "ResourceExhaustedError" and _NO_MEMORY in text
    if name == "MemoryError" or code == errno.ENOMEM or tensor:
        return f"memory ran out in {{}} ({in_words(limits.process_megabytes * MEGABYTE)})"
    if code in (errno.ENOSPC, errno.EFBIG):
        return filled_disk(limits)
    if code == errno.EMFILE:
        return too_many_files(limits)
    if (name == "BlockingIOError" and code == errno.EAGAIN) or text == "can't start new thread":
        return too_many_threads(limits.processes)
    return ""
