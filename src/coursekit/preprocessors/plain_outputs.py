"""Keep of a student's outputs only what a page can show without running it.

The messages come from the student's process, which can send anything: what
enters the notebook is made anew, each part with the type that it must have.
"""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode

from coursekit.kernels.tracing import MAX_SAID

# HTML, SVG, LaTeX and JavaScript from a student would run in a grader's browser.
SAFE_TYPES = ("text/plain", "image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_MOST_LINES = 100
_MOST_RUNS = 10**9
_STREAMS = ("stdout", "stderr")
_DISPLAYS = frozenset({"display_data", "execute_result", "update_display_data"})


def plain_message(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return a message with nothing in it but plain text and bitmaps.

    None for one that leaves nothing on a page, as those of widgets.

    Raises:
        KeyError, TypeError, AttributeError: if the message is none of a kernel's.

    """
    content = _plain_content(message["msg_type"], message["content"])
    return None if content is None else {**message, "content": content, "buffers": []}


def plain_error(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a message or a reply tells of an error, in texts of bounded length.

    Raises:
        KeyError: if it tells of none.

    """
    lines = content["traceback"]
    return {
        "ename": str(content["ename"])[:MAX_SAID],
        "evalue": str(content["evalue"])[:MAX_SAID],
        "traceback": [str(line)[:MAX_SAID] for line in lines[-_MOST_LINES:]]
        if isinstance(lines, list)
        else [],
    }


def _plain_content(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "status":
        return {"execution_state": str(content["execution_state"])}
    if kind == "clear_output":
        return {"wait": bool(content.get("wait"))}
    if kind == "stream":
        name = content["name"]
        return {"name": name if name in _STREAMS else _STREAMS[0], "text": str(content["text"])}
    if kind == "error":
        return plain_error(content)
    if kind == "execute_input":
        return {"execution_count": _count(content)}
    if kind not in _DISPLAYS:
        return None
    plain: dict[str, Any] = {"data": _plain_data(content["data"]), "metadata": {}}
    if kind == "execute_result":
        plain["execution_count"] = _count(content)
    # A later message may change what stands in an earlier cell.
    known = (content.get("transient") or {}).get("display_id")
    return plain | {"transient": {"display_id": known} if isinstance(known, str) else {}}


def _count(content: dict[str, Any]) -> int | None:
    number = content.get("execution_count")
    return number if type(number) is int and 0 <= number < _MOST_RUNS else None


def _plain_data(data: dict[str, Any]) -> dict[str, str]:
    return {
        kind: text
        for kind, text in data.items()
        if kind in SAFE_TYPES
        and isinstance(text, str)
        and (kind == "text/plain" or _BASE64.fullmatch(text))
    }


def drop_empty_outputs(cell: NotebookNode) -> None:
    """Drop a cell's outputs of which nothing plain is left."""
    cell.outputs = [
        output
        for output in cell.get("outputs", [])
        if output.output_type in {"stream", "error"} or output.data
    ]
