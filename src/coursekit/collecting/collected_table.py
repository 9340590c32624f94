"""The table at the end of ``coursekit collect``: who came from which file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coursekit.collecting.record import Collected
from coursekit.plain_text import plain_text

_COLUMNS = ("student", "on the platform", "known by", "late", "handed in (UTC)", "file", "result")
_MAX_LETTERS = 60


def show_table(console: Console, rows: Sequence[tuple[str, Collected, str]]) -> None:
    """Print the table.

    Args:
        console: where to.
        rows: each student's id, the row of the record, and how the student is known.

    """
    if not rows:
        return
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for student, row, how in sorted(rows, key=lambda each: (each[0], each[1].file)):
        who = f"{row.name} ({row.lms_id})" if row.name and row.lms_id else row.name or row.lms_id
        time = row.handed_in.removesuffix(" UTC")
        cells = (student or "?", who, how, row.late, time, row.file, row.result)
        table.add_row(*(Text(_in_a_cell(cell)) for cell in cells))
    console.print(table)


def _in_a_cell(text: str) -> str:
    return plain_text(text, _MAX_LETTERS).replace("\n", " ").replace("\t", " ")
