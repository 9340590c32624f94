"""Make a cell's outputs from a student's messages: only what a page can show without running it."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from coursekit.plain_text import plain_text

# HTML, SVG, LaTeX and JavaScript from a student would run in a grader's browser.
_PICTURES = ("image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_STREAMS = ("stdout", "stderr")
# How a terminal is told to colour, or to write a line anew.
_TERMINAL = "\x1b\r\b"
_MOST_NAME = 200
_MOST_TEXT = 100_000
_MOST_LINES = 200


class PlainOutputs:
    """One cell's outputs, each made afresh from a message that nothing is believed of.

    It takes the place of nbclient's own bookkeeping, with which a message can
    change other cells' outputs, multiply one text by all outputs of one
    display id, and put widgets' state into the notebook.
    """

    def __init__(self, cell: NotebookNode) -> None:
        self._cell = cell
        self._displayed: dict[str, Any] = {}
        self._clear_first = False

    def take(self, message: dict[str, Any]) -> None:
        """Take over a message's output, if it has one in a form that Jupyter knows."""
        kind, content = message["header"]["msg_type"], message["content"]
        if not isinstance(content, dict):
            return
        if kind == "clear_output":
            self._clear_first = True
            if content.get("wait") is not True:
                self._clear()
            return
        output = _output(kind, content)
        if output is None:
            return
        displayed = _display_id(content)
        if kind == "update_display_data":
            if displayed in self._displayed:
                self._displayed[displayed].data = output.data
            return
        if self._clear_first:
            self._clear()
        self._cell.outputs.append(output)
        if displayed and output.output_type == "display_data":
            self._displayed[displayed] = output

    def _clear(self) -> None:
        self._cell.outputs.clear()
        self._displayed.clear()
        self._clear_first = False


def error_output(content: dict[str, Any]) -> NotebookNode:
    """Return the error that a message or a reply tells of."""
    lines = content.get("traceback")
    lines = lines[:_MOST_LINES] if isinstance(lines, list) else []
    each = _MOST_TEXT // max(len(lines), 1)
    return _node(
        "error",
        ename=_text(content.get("ename"), _MOST_NAME),
        evalue=_text(content.get("evalue"), _MOST_TEXT),
        traceback=[_text(line, each, keep=_TERMINAL) for line in lines],
    )


def _output(kind: Any, content: dict[str, Any]) -> NotebookNode | None:
    if kind == "error":
        return error_output(content)
    if kind == "stream":
        name = content.get("name")
        text = _text(content.get("text"), keep=_TERMINAL)
        return _node("stream", name=name, text=text) if name in _STREAMS and text else None
    if kind in {"execute_result", "display_data", "update_display_data"}:
        data = _data(content.get("data"))
        if not data:
            return None
        if kind == "execute_result":
            return _node(kind, data=data, execution_count=_count(content))
        return _node("display_data", data=data)
    return None


def _data(given: Any) -> dict[str, str]:
    """The representations of an output that are plain text or a bitmap."""
    if not isinstance(given, dict):
        return {}
    data = {}
    if isinstance(given.get("text/plain"), str):
        data["text/plain"] = _text(given["text/plain"], keep=_TERMINAL)
    for kind in _PICTURES:
        picture = given.get(kind)
        if isinstance(picture, str) and _BASE64.fullmatch(picture):
            data[kind] = picture
    return data


def _count(content: dict[str, Any]) -> int | None:
    count = content.get("execution_count")
    return count if type(count) is int and 0 <= count < 10**6 else None


def _display_id(content: dict[str, Any]) -> str:
    transient = content.get("transient")
    found = transient.get("display_id") if isinstance(transient, dict) else None
    return found if isinstance(found, str) else ""


def _text(value: Any, letters: int = 0, keep: str = "") -> str:
    if not isinstance(value, str):
        return ""
    # An output's length is the meter's business.
    return plain_text(value, letters or max(len(value), 1), keep=keep)


def _node(kind: str, **parts: Any) -> NotebookNode:
    node: NotebookNode = new_output(kind, **parts)
    return node
