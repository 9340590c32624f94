"""Why submissions were not graded, said at the end, where people look.

nbgrader buries the kit's errors in tracebacks, and ends with "see the above
traceback"; formgrader shows little else.
"""

from __future__ import annotations

import os
import textwrap
from typing import Any

from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from coursekit.errors import CourseKitError

# As much as formgrader's window shows of a line.
_WIDTH = 78

_convert_notebook = Autograde.convert_single_notebook
_convert_all = Autograde.convert_notebooks


def install() -> None:
    """Let Autograde say it; doing it twice changes nothing."""
    Autograde.convert_single_notebook = convert_single_notebook
    Autograde.convert_notebooks = convert_notebooks


def convert_single_notebook(converter: Any, path: str) -> None:
    """Grade a notebook, and remember the kit's error if it raises one."""
    try:
        _convert_notebook(converter, path)
    except CourseKitError as error:
        said = in_lines(error, f"{converter.coursedir.root}{os.sep}")
        converter.said = [*getattr(converter, "said", []), said]
        raise


def convert_notebooks(converter: Any) -> None:
    """Grade all submissions; the errors remembered come last in the log and in the exception.

    Raises:
        NbGraderException: as nbgrader does, if one was not graded.

    """
    converter.said = []
    try:
        _convert_all(converter)
    except NbGraderException as error:
        if not converter.said:
            raise
        said = "\n".join(converter.said)
        converter.log.error(said)
        raise NbGraderException(f"{error}\n{said}") from None


def in_lines(error: CourseKitError, root: str) -> str:
    """Return an error and its hint in lines that need no scrolling.

    Args:
        error: the error.
        root: the course folder, which is left out of paths.

    """
    texts = [f"error: {error.message}", *([f"hint: {error.hint}"] if error.hint else [])]
    return "\n".join(
        textwrap.fill(
            text.replace(root, ""), _WIDTH, break_long_words=False, break_on_hyphens=False
        )
        for text in texts
    )
