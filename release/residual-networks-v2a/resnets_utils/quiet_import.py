"""Import TensorFlow without its messages about processors and graphics cards.

It writes them to the process's standard error, past Python, and Jupyter shows them as a red
block above a student's first result. TensorFlow 2.21 does so whatever TF_CPP_MIN_LOG_LEVEL says.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_NAME = "tensorflow"


def keep_tensorflow_quiet() -> None:
    """Let the first import of TensorFlow in this process, by whomever, write nothing.

    Errors still come as exceptions.
    """
    # For what comes after the import, such as the search for a graphics card.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if _NAME not in sys.modules:
        sys.meta_path.insert(0, _QuietTensorFlow())


class _QuietTensorFlow(MetaPathFinder):
    """Finds TensorFlow where the others do, and has it run without standard error."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _NAME:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                loader: Any = spec.loader
                loader.exec_module = partial(_without_stderr, loader.exec_module)
                return spec
        return None


def _without_stderr(run: Any, module: ModuleType) -> None:
    with _stderr_to_nowhere():
        run(module)


@contextlib.contextmanager
def _stderr_to_nowhere() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        # Jupyter reads what arrives at 2 from another place, which never noticed.
        os.dup2(kept, 2)
        os.close(kept)
