"""Run a command so that it ends with an exit status, and with words instead of a traceback."""

from __future__ import annotations

import codecs
import functools
import io
import os
import sys
import unicodedata
from collections.abc import Callable

from rich.console import Console

from coursekit.machine_errors import in_words

# Shows a line: of progress, of a result, or about the next step.
Say = Callable[[str], None]

_INTERRUPTED = 130
# What the kit prints for its signs on a terminal that has ASCII only.
_PLAIN = {"✓": "+", "✗": "x", "–": "-", "│": "|", "×": "x", "ß": "ss"}


def line_printer(console: Console) -> Say:
    """Return what prints a line as it is, however long."""
    return functools.partial(console.print, highlight=False, markup=False, soft_wrap=True)


def run_command(command: Callable[[Console], int]) -> int:
    """Run a command; return its exit status: its own, or 1 after an error told in words."""
    # Both are None where they were closed, for example by cron.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    codecs.register_error("coursekit.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A line is read when it is written, also by a program.
            stream.reconfigure(errors="coursekit.plain", line_buffering=True)
    # A student may be called ":smiley:", which is no picture.
    console = Console(width=None if sys.stdout.isatty() else 120, emoji=False)
    try:
        return command(console)
    except BrokenPipeError:
        # The reader of the output has closed it, for example `head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted\nhint: run the command again", file=sys.stderr)
        return _INTERRUPTED


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write letters that a terminal does not have in ASCII: "a" for "ä", "?" for most others."""
    assert isinstance(error, UnicodeEncodeError)
    said = ""
    for letter in error.object[error.start : error.end]:
        bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        said += _PLAIN.get(letter) or bare or "?"
    return said, error.end
