"""Plain data as the text that a student reads: what Python would write, shortened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from resnets_utils.border.plain_data import Array

# More digits of a whole number than this tell a reader nothing.
_MAX_DIGITS = 40
# Python refuses to write whole numbers of more than 4,300 digits.
_MAX_WRITTEN_BITS = 14_000

# What writes a float, such as `repr`.
_FloatText = Callable[[float], str]
# What writes an item in the room that it is given, or None if nothing of it fits.
_Item = Callable[[int], str | None]


def show(value: Any, limit: int = 120, *, all_digits: bool = False) -> str:
    """Return the value as Python would write it, in at most ``limit`` printable characters.

    Args:
        value: the value. An array is written with its shape and dtype.
        limit: what does not fit is left out and marked with dots.
        all_digits: whether floats are written with all their digits, not with
            up to eight.

    """
    text = _fitted(value, repr if all_digits else _eight_digits, limit)
    return "..."[: max(0, limit)] if text is None else text


def shape_text(array: Array) -> str:
    """Return an array's shape as Python writes it."""
    return str(tuple(array.shape))


def dtype_name(array: Array) -> str:
    """Return the name of an array's dtype, "str" for texts of whatever width."""
    # NumPy's own name of it is that of its size in bits, such as "str160".
    return "str" if array.dtype.kind == "U" else array.dtype.name


def _eight_digits(number: float) -> str:
    text = f"{number:.8g}"
    return text if any(sign in text for sign in ".en") else f"{text}.0"


def _fitted(value: Any, number: _FloatText, room: int) -> str | None:
    """Return the value's text, shortened to ``room`` characters; None if nothing of it fits."""
    if isinstance(value, str):
        return _fitted_text(value, room)
    if isinstance(value, dict):
        pairs = (partial(_fitted_pair, pair, number) for pair in value.items())
        return _fitted_items("{", "}", pairs, len(value), room)
    if isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        if isinstance(value, tuple) and len(value) == 1:
            closing = ",)"
        items = (partial(_fitted, item, number) for item in value)
        return _fitted_items(opening, closing, items, len(value), room)
    if isinstance(value, np.ndarray):
        ending = f", shape {shape_text(value)}, {dtype_name(value)})"
        inner = _fitted_rows(value, number, room - len("array(") - len(ending))
        text = f"array({'...' if inner is None else inner}{ending}"
    else:
        text = _scalar_text(value, number)
    return text if len(text) <= room else None


def _fitted_items(
    opening: str, closing: str, items: Iterable[_Item], count: int, room: int
) -> str | None:
    if room < len(opening) + len("...") + len(closing):
        return opening + closing if not count and room >= len(opening + closing) else None
    text = opening
    for index, item in enumerate(items):
        separator = ", " if index else ""
        # Room for the dots is kept until the last item.
        dots = ", ..." if index < count - 1 else ""
        piece = item(room - len(text + separator + dots + closing))
        if piece is None:
            return f"{text}{separator}...{closing}"
        text += separator + piece
    return text + closing


def _fitted_pair(pair: tuple[Any, Any], number: _FloatText, room: int) -> str | None:
    key = _fitted(pair[0], number, room - len(": ..."))
    if key is None:
        return None
    value = _fitted(pair[1], number, room - len(key) - len(": "))
    return f"{key}: {'...' if value is None else value}"


def _fitted_rows(array: Array, number: _FloatText, room: int) -> str | None:
    """Return the array's values as nested lists; only those that fit are looked at."""
    if not array.ndim:
        return _fitted(array.item(), number, room)
    rows = (partial(_fitted_rows, np.asarray(row), number) for row in array)
    return _fitted_items("[", "]", rows, len(array), room)


def _fitted_text(text: str, room: int) -> str | None:
    written = repr(text[: max(0, room)])
    if len(text) <= room and len(written) <= room:
        return written
    for kept in range(room - len("'...'"), 0, -1):
        # A character that cannot be printed is written as up to ten.
        written = repr(text[:kept])
        if len(written) + len("...") <= room:
            return f"{written[:-1]}...{written[-1]}"
    return None


def _scalar_text(value: Any, number: _FloatText) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        bits = value.bit_length()
        if bits > _MAX_WRITTEN_BITS:
            return f"a whole number of {bits:,} bits"
        text = str(value)
        if len(text) <= _MAX_DIGITS:
            return text
        return f"{text[:15]}...{text[-15:]} ({len(text.lstrip('-')):,} digits)"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, complex):
        # Python writes whole parts without a point: (1+2j).
        real, imaginary = (number(part).removesuffix(".0") for part in (value.real, value.imag))
        sign = "" if imaginary.startswith("-") else "+"
        return f"({real}{sign}{imaginary}j)"
    raise TypeError(f"{type(value).__name__} is not plain data")
