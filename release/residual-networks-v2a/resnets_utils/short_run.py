"""Whether the notebook is being graded or validated, so that training must take seconds."""

from __future__ import annotations

import os


def short_run() -> bool:
    """Return whether nbgrader, not a person, runs this notebook.

    nbgrader sets ``NBGRADER_EXECUTION`` to "autograde" or "validate" while it
    executes a notebook. Set it by hand to see what graders see.
    """
    return bool(os.environ.get("NBGRADER_EXECUTION"))
