"""Render a student's text if that is quick, and show it as it was typed if it is not.

The parsers of Markdown and of code need a time that grows with the square of some
texts' length, or faster: a cell of empty lines can block a page for hours, and with it
every later page.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Collection
from html import escape
from types import FrameType
from typing import NoReturn

from nbconvert.filters.highlight import Highlight2HTML
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

# Processor time, so that the load of the machine changes no page. Python code needs a quarter.
_SECONDS, _SECONDS_PER_CHARACTER = 0.3, 3e-5
# Signals reach only the main thread; in others the length bounds the time.
_MAX_UNTIMED_CHARACTERS = 2_000
# Many rules of the parser try to match at each of its characters.
_LONG_GAP = re.compile(r"\s{200}")
_LEXER = "ipython3"


class _TooLong(BaseException):
    """Rendering was interrupted. A BaseException: a renderer may catch all others."""


def in_time(render: Callable[[str], str], text: str) -> str | None:
    """Return a text rendered; None if that takes far too long for a text of its length."""
    if threading.current_thread() is not threading.main_thread():
        return render(text) if len(text) <= _MAX_UNTIMED_CHARACTERS else None
    before = signal.signal(signal.SIGVTALRM, _give_up)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS + _SECONDS_PER_CHARACTER * len(text))
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
    """Return code as HTML, coloured if that is quick; replaces nbconvert's own filter.

    Language and metadata are ignored: a notebook of the course contains Python.
    """
    colour = Highlight2HTML(pygments_lexer=_LEXER)
    html = None if _LONG_GAP.search(source) else in_time(colour, source)
    if html is None:
        html = f'<div class="highlight hl-{_LEXER}"><pre>{escape(source)}</pre></div>'
    return html


def numbered(source: str, place: str, marked: Collection[int] = ()) -> str:
    """Return code with a line in each of its elements, coloured if that is quick.

    Args:
        source: the code.
        place: what the lines' ids begin with; their numbers follow, from 1.
        marked: the numbers of the lines that get the class "marked".

    """
    html = (
        None if _LONG_GAP.search(source) else in_time(lambda text: _in_lines(text, place), source)
    )
    if html is None:
        lines = source.rstrip("\n").split("\n")
        html = "".join(
            f'<span id="{place}-{number}">{escape(line)}\n</span>'
            for number, line in enumerate(lines, 1)
        )
        html = f'<div class="highlight"><pre>{html}</pre></div>'
    for number in marked:
        # Code is escaped: no text of the student's has this tag.
        tag = f'<span id="{place}-{number}"'
        html = html.replace(f"{tag}>", f'{tag} class="marked">')
    return html


def _in_lines(source: str, place: str) -> str:
    # Empty lines at the beginning count.
    lexer = get_lexer_by_name(_LEXER, stripnl=False)
    formatter = HtmlFormatter(linespans=place, wrapcode=False)
    return str(highlight(source.rstrip("\n"), lexer, formatter))


def _give_up(number: int, frame: FrameType | None) -> NoReturn:
    raise _TooLong
