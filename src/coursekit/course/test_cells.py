"""The text of a test cell as the gradebook keeps it, put together and taken apart.

It consists of what students see, the hidden tests, and the solution, which is the
specification. Hidden tests and solution stand between nbgrader's markers for hidden tests,
so that nbgrader itself takes them out of what students get.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coursekit.errors import AuthoringError

BEGIN_HIDDEN = "### BEGIN HIDDEN TESTS"
END_HIDDEN = "### END HIDDEN TESTS"
PLACEHOLDER = "### HIDDEN TESTS"
TEST_CELL_PREFIX = "test_"
_SOLUTION = "# solution: "
Pieces = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class TestCell:
    """A test cell's parts.

    Attributes:
        text: the whole, which runs in the judge.
        hidden: the numbers, from 1, of its lines that students never see.
        solution: the solution's cells as names and texts.
        blocks: the text of the assignment's ``blocks.py``; "" if it has none.

    """

    __test__ = False  # for pytest

    text: str
    hidden: frozenset[int]
    solution: tuple[tuple[str, str], ...]
    blocks: str

    def line_in_words(self, number: int, grade_id: str) -> str:
        """Return where the author finds a line, whose number counts from 1 in `text`."""
        lines = [line.strip() for line in self.text.split("\n")]
        if number in self.hidden:
            begin = max(at for at in range(1, number + 1) if lines[at - 1] == BEGIN_HIDDEN)
            return f"line {number - begin} of the hidden tests of {grade_id}"
        before = [at for at in sorted(self.hidden) if at < number]
        regions = sum(lines[at - 1] == BEGIN_HIDDEN for at in before)
        # The author has no line for the solution's region, and one for each of hidden tests.
        carries = self.text.startswith(f"{BEGIN_HIDDEN}\n{_SOLUTION}")
        ahead = len(before) - regions + carries
        return f"line {number - ahead} of {grade_id}"


def compose(visible: str, hidden: str | None, solution: Pieces, blocks: str = "") -> str:
    """Return a test cell's whole text.

    Args:
        visible: what students see, with the placeholder's line where hidden tests belong.
        hidden: the hidden tests; None if the cell has none.
        solution: the solution's cells as names and texts.
        blocks: the text of the assignment's ``blocks.py``.

    Raises:
        AuthoringError: if the text has hidden tests and not one placeholder, or a placeholder
            and no hidden tests.

    """
    lines = visible.split("\n")
    if hidden is None and PLACEHOLDER in lines:
        raise AuthoringError(
            f"it holds the line {PLACEHOLDER!r}, and there is no hidden test",
            "write the hidden test in grader_tests/, or remove the line",
        )
    if hidden is not None:
        if lines.count(PLACEHOLDER) != 1:
            raise AuthoringError(
                f"it must hold the line {PLACEHOLDER!r} once",
                "put it on a line of its own before checks.report()",
            )
        place = lines.index(PLACEHOLDER)
        lines[place : place + 1] = [BEGIN_HIDDEN, *hidden.rstrip("\n").split("\n"), END_HIDDEN]
    carried = json.dumps({"cells": list(solution), "blocks": blocks}, ensure_ascii=True)
    return "\n".join([BEGIN_HIDDEN, _SOLUTION + carried, END_HIDDEN, *lines])


def take_apart(text: str) -> TestCell:
    """Return the parts of a test cell that `compose` put together.

    A text without a solution, for example from a gradebook of stock nbgrader, has no reference.
    """
    hidden: set[int] = set()
    within = False
    carried: dict[str, Any] = {"cells": [], "blocks": ""}
    for number, line in enumerate(text.split("\n"), 1):
        within = within or line.strip() == BEGIN_HIDDEN
        if within:
            hidden.add(number)
            if number == 2 and line.startswith(_SOLUTION):
                carried = json.loads(line.removeprefix(_SOLUTION))
        within = within and line.strip() != END_HIDDEN
    pieces = tuple((str(name), str(piece)) for name, piece in carried["cells"])
    return TestCell(text, frozenset(hidden), pieces, str(carried["blocks"]))
