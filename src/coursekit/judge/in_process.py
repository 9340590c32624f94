"""Judge an answer of our own in this very process, without a kernel: for known answers."""

from __future__ import annotations

import linecache
from typing import Any

from coursekit.judge.cell import judge_cell
from coursekit.judge.verdict import CellVerdict
from resnets_utils.answering import answer
from resnets_utils.checks.reference import Reference


def judge_trusted(
    test: str,
    cells: list[str],
    salt: int,
    *,
    grade_id: str = "the test cell",
    reference: Reference | None = None,
    sampled: bool = False,
    thorough: bool = False,
) -> CellVerdict:
    """Run the cells here and judge the function that the test cell asks for.

    Args:
        test: the test cell's text, hidden tests included.
        cells: the notebook's code cells, in order. They run with this
            process's rights: never give it a student's.
        salt: settles the random inputs.
        grade_id: the test cell's name.
        reference: what the exercise asks for; None for the solution in the test cell.
        sampled: whether networks are tried on pictures: it costs as much as the rest.
        thorough: whether figures are computed even for what is drawn as the solution is.

    Raises:
        TestCellFault: if the test cell itself is at fault.

    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, source in enumerate(cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            exec(compile(source, name, "exec"), namespace)
        except Exception:
            continue  # as in a notebook: a cell that fails defines nothing
    return judge_cell(
        test,
        lambda call: answer(call, namespace),
        salt,
        grade_id=grade_id,
        reference=reference,
        sampled=sampled,
        thorough=thorough,
    )
