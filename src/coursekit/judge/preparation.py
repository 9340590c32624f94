"""What follows from the solution, the test cells and the salt alone: found once for many judges.

One process runs the test cells on the solution, and another takes over what it found: the
solution's replies, and what its networks compute. Without that, a judge finds the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from coursekit.course.test_cells import take_apart
from coursekit.judge.cell import TestCellFault, judge_solution, solution_of
from resnets_utils.checks.network_calls import graphs_of


def prepared(sources: Sequence[str], salt: int) -> dict[str, Any]:
    """Run test cells on the solution in them, and return what it answered, as JSON data.

    Args:
        sources: the test cells of one notebook, as `compose` made them, in order.
        salt: determines the random inputs.

    """
    networks: dict[str, Any] = {}
    solutions = []
    for source in sources:
        cell = take_apart(source)
        if not cell.solution:
            continue
        with contextlib.suppress(TestCellFault):  # whoever judges the cell tells it
            judge_solution(source, salt, sampled=True, networks=networks)
        if (cell.solution, cell.blocks) not in solutions:
            solutions.append((cell.solution, cell.blocks))
    return {"salt": salt, "solutions": [_found(*solution, salt) for solution in solutions]}


def _found(cells: tuple[tuple[str, str], ...], blocks: str, salt: int) -> dict[str, Any]:
    solution = solution_of(cells, blocks, salt)
    values = graphs_of(solution).values_as_data()
    return {"cells": cells, "blocks": blocks, "replies": solution.replies, "values": values}


def learn(data: dict[str, Any]) -> None:
    """Take over what `prepared` returned in another process. Nothing is computed here."""
    for found in data["solutions"]:
        cells = tuple((name, text) for name, text in found["cells"])
        solution = solution_of(cells, found["blocks"], data["salt"])
        graphs_of(solution).learn(found["replies"], found["values"])
        solution.replies.update(found["replies"])
