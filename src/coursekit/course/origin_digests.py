"""Digests of what a release is generated from: its stamp keeps them."""

from __future__ import annotations

from coursekit.course.assignment import Assignment
from coursekit.course.assignment_file import FILE
from coursekit.course.hidden_tests import BLOCKS, hidden_tests
from resnets_utils.notebooks.stamp import digest_texts


def source_digest(assignment: Assignment) -> str:
    """Return the digest of an assignment's source notebook, its settings and its blocks."""
    source = assignment.source
    return digest_texts(
        [
            path.read_text(encoding="utf-8")
            for path in (source, source.parent / FILE, source.parent / BLOCKS)
            if path.is_file()
        ]
    )


def hidden_tests_digest(assignment: Assignment) -> str:
    """Return the digest of an assignment's hidden tests, their names included."""
    named = hidden_tests(assignment.tests).items()
    return digest_texts([part for name, text in named for part in (f"{name}.py", text)])
