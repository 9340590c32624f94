"""Keep of a student's outputs only what a page can show without running it."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode

# HTML, SVG, LaTeX and JavaScript from a student would run in a grader's browser.
SAFE_TYPES = ("text/plain", "image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def keep_plain_outputs(cell: NotebookNode) -> None:
    """Drop every representation of a cell's outputs that is not plain text or a bitmap."""
    kept: list[Any] = []
    for output in cell.get("outputs", []):
        if output.output_type in {"execute_result", "display_data"}:
            output.metadata = NotebookNode()
            output.data = NotebookNode(
                {
                    kind: text
                    for kind, text in output.data.items()
                    if kind in SAFE_TYPES
                    and isinstance(text, str)
                    and (kind == "text/plain" or _BASE64.fullmatch(text))
                }
            )
            if not output.data:
                continue
        kept.append(output)
    cell.outputs = kept
