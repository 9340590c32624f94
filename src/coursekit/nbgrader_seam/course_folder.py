"""Let nbgrader work in a course folder of any name.

nbgrader puts the folder's path into patterns for files, where ``[2026]`` means one of four
digits, and into the gradebook's URL, where ``?`` and ``%41`` mean something else as well.
"""

from __future__ import annotations

import glob
import os
from types import SimpleNamespace

import nbgrader.apps.api
import nbgrader.apps.validateapp
import nbgrader.converters.base
import nbgrader.exchange.default.collect
import nbgrader.utils

import coursekit.gradebook  # noqa: F401  (its engine takes any path)


def install() -> None:
    """Let every nbgrader command take a path as it is; doing it twice changes nothing."""
    for module in (
        nbgrader.apps.api,
        nbgrader.apps.validateapp,
        nbgrader.converters.base,
        nbgrader.exchange.default.collect,
        nbgrader.utils,
    ):
        module.glob = SimpleNamespace(glob=matching)


def matching(pattern: str) -> list[str]:
    """Return the paths that match a pattern; the folder that it begins with is taken literally."""
    folder = pattern
    while folder and not os.path.isdir(folder):
        folder = folder.rpartition(os.sep)[0]
    return glob.glob(glob.escape(folder) + pattern.removeprefix(folder))
