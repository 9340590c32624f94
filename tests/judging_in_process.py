"""Judge an answer of our own in this very process, without a kernel."""

from __future__ import annotations

import linecache
from typing import Any

from coursekit.judge.cell import judge_cell
from coursekit.judge.verdict import CellVerdict
from resnets_utils.answering import answer


def judge_in_process(
    test: str, cells: list[str], salt: int, *, sampled: bool = False
) -> CellVerdict:
    """Run a notebook's code cells here, in order, and judge what they define.

    Args:
        test: the test cell's text, hidden tests included.
        cells: the cells. They run with this process's rights: never a student's.
        salt: settles the random inputs.
        sampled: whether networks are tried on pictures: it costs as much as the rest.

    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, source in enumerate(cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            exec(compile(source, name, "exec"), namespace)
        except Exception:
            continue  # as in a notebook: a cell that fails defines nothing
    return judge_cell(test, lambda call: answer(call, namespace), salt, sampled=sampled)
