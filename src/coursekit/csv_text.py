"""The kit's own CSV: every text stays whole in its column, and no spreadsheet computes it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

# A spreadsheet computes what begins so, in a cell or behind what it takes for a separator.
_FORMULA = re.compile(r"(^|[;,\t\r\n])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def csv_text(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as CSV in UTF-8."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return stream.getvalue().encode("utf-8", "replace")


def points_text(points: float) -> str:
    """Return points as the shortest decimal number, which every reader understands."""
    text = f"{points:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _cell(value: Any) -> Any:
    """A value as it may stand in a spreadsheet: text that looks like a formula is quoted."""
    if value is None:
        return ""
    return value if isinstance(value, int | float) else _FORMULA.sub(r"\1\2'", str(value))
