"""Say at the end, where people look, why submissions were not graded.

nbgrader buries the kit's errors in tracebacks and ends with "see the above
traceback". Formgrader shows little else. When the machine refuses something,
that sentence is all that nbgrader says.
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
from pathlib import Path
from typing import Any

import nbgrader.converters.base
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import OperationalError

from coursekit.course.ungraded import Ungraded, note_ungraded
from coursekit.errors import CourseKitError, InfrastructureError
from coursekit.gradebook.database import try_to_write
from coursekit.machine_errors import in_words
from coursekit.sandbox.settings import StudentKernel

# Formgrader's window shows this much of a line.
_WIDTH = 78
# The exit status that shells use after Ctrl-C.
_INTERRUPTED = 130
INTERRUPTED = (
    "error: grading was interrupted\n"
    "hint: finished gradings are kept; run the command again for the rest"
)
_JUDGE = "JudgeAnswers"
_NBGRADERS_GUESS = "There was an error accessing the nbgrader database"

_start = Autograde.start
convert_all = Autograde.convert_notebooks
_remove_folder = nbgrader.converters.base.rmtree


def start(converter: Any) -> None:
    """Grade, if the gradebook can be written to and students' code can be sandboxed.

    Args:
        converter: nbgrader's; if it has ``writes`` or ``runs_code``, these say whether it does.

    Raises:
        NbGraderException: if something was not graded, as nbgrader does.
        SystemExit: if it was interrupted.

    """
    try:
        with _ended_in_order():
            # Before old results are removed to make room for new ones.
            _refuse_stock_settings(converter)
            if getattr(converter, "writes", True):
                try_to_write(converter.coursedir.db_url)
            if getattr(converter, "runs_code", True):
                StudentKernel(parent=converter).confinement(converter.coursedir.assignment_id)
            _start(converter)
    except NbGraderException:
        raise
    except KeyboardInterrupt:
        converter.log.error(INTERRUPTED)
        raise SystemExit(_INTERRUPTED) from None
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        said = _in_lines(told, converter)
        converter.log.error(said)
        raise NbGraderException(said) from None


def convert_notebooks(converter: Any) -> None:
    """Convert all notebooks; then repeat their errors at the end of the log and in the exception.

    Submissions that were passed over (``converter.refused``) are among the errors.

    Raises:
        NbGraderException: if one was not converted, as nbgrader does.

    """
    converter.failed = []
    converter.log.addFilter(_without_traceback)
    refused = getattr(converter, "refused", [])
    nbgraders = ""
    try:
        getattr(converter, "convert_all", convert_all)(converter)
    except NbGraderException as error:
        if not (converter.failed or refused):
            raise
        nbgraders = f"{error}\n"
    finally:
        converter.log.removeFilter(_without_traceback)
    if converter.failed or refused:
        said = "\n".join(_in_lines(one, converter) for one in (*converter.failed, *refused))
        converter.log.error(said)
        raise NbGraderException(nbgraders + said)


def _refuse_stock_settings(converter: Any) -> None:
    """Refuse to grade without the course's settings.

    After a mistake in ``nbgrader_config.py`` nbgrader goes on without that file, and
    would run students' code beside the gradebook. ``nbgrader_config.json`` leads it here.
    """
    found = [str(getattr(one, "__name__", one)) for one in converter.autograde_preprocessors]
    if not any(name.endswith(_JUDGE) for name in found):
        raise InfrastructureError(
            f"c.Autograde.autograde_preprocessors does not name {_JUDGE}; without it students' "
            "code would run with your rights",
            "if there is a traceback above, fix the mistake in nbgrader_config.py that it ends in; "
            "otherwise copy the list of preprocessors from the course kit's file",
        )


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let a closed terminal, or the shutdown of the machine, end grading in the way of Ctrl-C."""
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
    """Remove a folder; after a failure, its error is the one that counts, not ours."""
    failed = sys.exc_info()[1]
    try:
        _remove_folder(path)
    except OSError:
        if failed is None:
            raise


def _in_lines(error: CourseKitError, converter: Any) -> str:
    """An error and its hint in lines that fit formgrader's window, without the course's path."""
    texts = [f"error: {error.message}", *([f"hint: {error.hint}"] if error.hint else [])]
    return "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        for text in texts
        for line in _from_course(text, converter).split("\n")
    )


def in_one_line(error: CourseKitError, converter: Any) -> str:
    """Return what happened, without the course's path."""
    return " ".join(_from_course(error.message, converter).split())


def _from_course(text: str, converter: Any) -> str:
    return text.replace(f"{converter.coursedir.root}{os.sep}", "")


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
            converter.failed = [*getattr(converter, "failed", []), found]
            if submission := getattr(converter.coursedir, "being_graded", None):
                (assignment, student), why = submission, in_one_line(found, converter)
                kept = Ungraded(assignment, student, why, found.hint or "")
                note_ungraded(Path(converter.coursedir.root), kept)
            if found is error or isinstance(error, OperationalError):
                # nbgrader then ends the batch: the gradebook does not work.
                raise
            raise found from None

    return told


def _without_traceback(record: logging.LogRecord) -> bool:
    """Shorten a traceback to the words for its error, if there are any."""
    error = sys.exc_info()[1]
    told = None if error is None else in_words(error)
    text = str(record.msg)
    if told is not None and text.startswith("Traceback"):
        record.msg = "".join(traceback.format_exception_only(told))
    return told is None or not text.startswith(_NBGRADERS_GUESS)
