"""What `nbgrader_config.json` names, so that the kit's steps replace nbgrader's in any case.

nbgrader goes on without `nbgrader_config.py` if there is a mistake in it. The exporter's
name stands in the other file, so that this module is imported even then, and `failures`
can refuse to grade.
"""

from __future__ import annotations

from nbconvert.exporters import NotebookExporter

from coursekit.nbgrader_seam import replaced_steps

# nbgrader imports this module before it lists the submissions.
replaced_steps.install()


class SubmissionExporter(NotebookExporter):
    """nbconvert's notebook exporter; `graded_submission` does what it did for Autograde."""
