"""Why submissions were not graded, said at the end, where people look.

nbgrader buries the kit's errors in tracebacks, and ends with "see the above
traceback"; formgrader shows little else. Of what the machine refuses it says
nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import nbgrader.converters.base
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import OperationalError

from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook import try_to_write
from coursekit.machine_errors import in_words
from coursekit.sandbox.settings import StudentKernel

# As much as formgrader's window shows of a line.
_WIDTH = 78
# As shells say that Ctrl-C ended a program.
_INTERRUPTED = 130
_JUDGE = "JudgeAnswers"
_NBGRADERS_GUESS = "There was an error accessing the nbgrader database"

_start = Autograde.start
_convert_all = Autograde.convert_notebooks
_remove_folder = nbgrader.converters.base.rmtree


def start(converter: Any) -> None:
    """Grade, if the gradebook can be written to and students' code can be shut in.

    Raises:
        NbGraderException: as nbgrader does, if something was not graded.
        SystemExit: if it was interrupted.

    """
    try:
        with _ended_in_order():
            # Before anything is removed for the sake of what comes in its place.
            _refuse_stock_settings(converter)
            try_to_write(converter.coursedir.db_url)
            StudentKernel(parent=converter).confinement(converter.coursedir.assignment_id)
            _start(converter)
    except NbGraderException:
        raise
    except KeyboardInterrupt:
        converter.log.error(
            "error: grading was interrupted\n"
            "hint: what was graded stands; run the command again for the rest"
        )
        raise SystemExit(_INTERRUPTED) from None
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        said = in_lines(told, f"{converter.coursedir.root}{os.sep}")
        converter.log.error(said)
        raise NbGraderException(said) from None


def convert_notebooks(converter: Any) -> None:
    """Convert all notebooks; the errors remembered come last in the log and in the exception.

    Raises:
        NbGraderException: as nbgrader does, if one was not converted.

    """
    converter.said = []
    converter.log.addFilter(_without_traceback)
    try:
        _convert_all(converter)
    except NbGraderException as error:
        if not converter.said:
            raise
        said = "\n".join(converter.said)
        converter.log.error(said)
        raise NbGraderException(f"{error}\n{said}") from None
    finally:
        converter.log.removeFilter(_without_traceback)


def _refuse_stock_settings(converter: Any) -> None:
    """Grade with the course's settings or not at all.

    nbgrader goes on after a mistake in ``nbgrader_config.py``, without any of it: it
    would run students' code beside the gradebook. ``nbgrader_config.json`` brings it here.
    """
    found = [str(getattr(one, "__name__", one)) for one in converter.autograde_preprocessors]
    if not any(name.endswith(_JUDGE) for name in found):
        raise InfrastructureError(
            f"c.Autograde.autograde_preprocessors does not name {_JUDGE}, so that students' code "
            "would run with your rights",
            "if a traceback stands above, mend the mistake in nbgrader_config.py that it ends in; "
            "otherwise take the list of preprocessors from the course kit's file",
        )


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let a closed terminal, or a machine that is shut down, end grading as Ctrl-C does."""
    signals = [
        number
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
        if signal.getsignal(number) is signal.SIG_DFL
    ]
    if threading.current_thread() is not threading.main_thread():
        signals = []
    for number in signals:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)


def remove_folder(path: str) -> None:
    """Remove a folder; where it is what a failure left, that failure counts and not this one."""
    failed = sys.exc_info()[1]
    try:
        _remove_folder(path)
    except OSError:
        if failed is None:
            raise


def in_lines(error: CourseKitError, root: str) -> str:
    """Return an error and its hint in lines that need no scrolling.

    Args:
        error: the error.
        root: the course folder, which is left out of paths.

    """
    texts = [f"error: {error.message}", *([f"hint: {error.hint}"] if error.hint else [])]
    return "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        for text in texts
        for line in text.replace(root, "").split("\n")
    )


def telling(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step of one submission that remembers why it failed, if there are words for it."""

    @functools.wraps(step)
    def told(converter: Any, *arguments: Any) -> Any:
        try:
            return step(converter, *arguments)
        except Exception as error:
            found = in_words(error)
            if found is None:
                raise
            said = in_lines(found, f"{converter.coursedir.root}{os.sep}")
            converter.said = [*getattr(converter, "said", []), said]
            if found is error or isinstance(error, OperationalError):
                # Without the gradebook, nbgrader ends the batch.
                raise
            raise found from None

    return told


def _without_traceback(record: logging.LogRecord) -> bool:
    """Leave of a traceback what says in words what happened, if anything does."""
    error = sys.exc_info()[1]
    told = None if error is None else in_words(error)
    text = str(record.msg)
    if told is not None and text.startswith("Traceback"):
        record.msg = "".join(traceback.format_exception_only(told))
    return told is None or not text.startswith(_NBGRADERS_GUESS)
