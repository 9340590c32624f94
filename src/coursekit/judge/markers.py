"""Where a test cell's hidden part begins and ends; nbgrader's own words."""

from __future__ import annotations

BEGIN_HIDDEN = "### BEGIN HIDDEN TESTS"
END_HIDDEN = "### END HIDDEN TESTS"


def hidden_lines(source: str) -> range:
    """Return the numbers, from 1, of the lines that students never see."""
    lines = [line.strip() for line in source.splitlines()]
    if BEGIN_HIDDEN not in lines:
        return range(0)
    return range(lines.index(BEGIN_HIDDEN) + 1, lines.index(END_HIDDEN) + 2)
