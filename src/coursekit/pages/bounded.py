"""Show a student's text well if that is quick, and as it was typed if it is not.

The readers of Markdown and of code take a time that grows with the square of some
texts' length, or worse: a cell of empty lines can hold up a page for hours, and with it
every page that is to be made after it.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from html import escape
from types import FrameType
from typing import NoReturn

from nbconvert.filters.highlight import Highlight2HTML

# Processor time, so that a busy machine changes no page. Code of Python takes a quarter of it.
_SECONDS, _SECONDS_PER_LETTER = 0.3, 3e-5
# Signals reach the main thread only; elsewhere the length is all that bounds the time.
_MOST_UNTIMED_LETTERS = 2_000
# Tried at each letter of it, by many rules.
_LONG_GAP = re.compile(r"\s{200}")
_LEXER = "ipython3"


class _TooLong(BaseException):
    """Rendering was given up; a base exception, so that no renderer takes it for its own."""


def in_time(render: Callable[[str], str], text: str) -> str | None:
    """Return a text rendered; None if that takes far longer than a text of its length should."""
    if threading.current_thread() is not threading.main_thread():
        return render(text) if len(text) <= _MOST_UNTIMED_LETTERS else None
    before = signal.signal(signal.SIGVTALRM, _give_up)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS + _SECONDS_PER_LETTER * len(text))
        try:
            return render(text)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _TooLong:
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def highlighted(source: str, language: str | None = None, metadata: object = None) -> str:
    """Return code as HTML, coloured if that is quick; a filter in place of nbconvert's own.

    Args:
        source: the cell's text; it may be a student's.
        language: not looked at: a notebook of the course holds Python.
        metadata: not looked at.

    """
    # A colouring of its own for each page: it holds nothing.
    colour = Highlight2HTML(pygments_lexer=_LEXER)
    html = None if _LONG_GAP.search(source) else in_time(colour, source)
    if html is None:
        html = f'<div class="highlight hl-{_LEXER}"><pre>{escape(source)}</pre></div>'
    return html


def _give_up(number: int, frame: FrameType | None) -> NoReturn:
    raise _TooLong
