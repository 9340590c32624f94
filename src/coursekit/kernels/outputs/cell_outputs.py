"""Make a cell's outputs from plain messages."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output


class CellOutputs:
    """One cell's outputs, which it writes into the cell.

    It replaces nbclient's own bookkeeping. There a message can change other cells'
    outputs, repeat one text in all outputs of one display id, and write widgets'
    state into the notebook.
    """

    def __init__(self, cell: NotebookNode) -> None:
        self._cell = cell
        self._displayed: dict[str, NotebookNode] = {}
        self._clear_first = False

    def take(self, message: dict[str, Any]) -> None:
        """Add a message that `plain_message` has made."""
        kind, content = message["msg_type"], dict(message["content"])
        if kind == "clear_output":
            self._clear_first = True
            if not content["wait"]:
                self._clear()
            return
        displayed = content.pop("display_id", "")
        if not (content["text"] if kind == "stream" else kind == "error" or content["data"]):
            return
        if kind == "update_display_data":
            if displayed in self._displayed:
                self._displayed[displayed].data = content["data"]
            return
        if self._clear_first:
            self._clear()
        output = new_output(kind, **content)
        self._cell.outputs.append(output)
        if displayed and kind == "display_data":
            self._displayed[displayed] = output

    def _clear(self) -> None:
        self._cell.outputs.clear()
        self._displayed.clear()
        self._clear_first = False
