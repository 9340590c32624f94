"""Bring a notebook that is generated to its normal form."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from coursekit.course.normal_form import normalise


class NormaliseNotebook(NbGraderPreprocessor):  # type: ignore[misc]
    """Leaves a notebook its text and nbgrader's metadata, and gives cells stable ids."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Normalise in place."""
        normalise(nb)
        return nb, resources
