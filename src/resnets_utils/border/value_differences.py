"""Compare what a function returned with what the exercise returns, and say where they differ.

Both are plain data, see `plain_data`: Python's own numbers, texts, lists, tuples
and dictionaries, and NumPy's arrays of numbers, truth values or texts. What was
returned may have been chosen to deceive; its size is bounded.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NOT_ASKED = ", which is not what the exercise asks for"
_MAX_PLACE = 120
_MAX_KEY = 40
_MAX_VALUE = 120
# More digits of a whole number than this tell a reader nothing.
_MAX_DIGITS = 40
# Python refuses to write whole numbers of more than 4,300 digits.
_MAX_WRITTEN_BITS = 14_000
# Up to here every whole number is a float64.
_EXACT = 2**53

Array = NDArray[Any]


def first_difference_of_values(
    got: Any, expected: Any, tolerance: float = 0.0, *, reveal: bool = True
) -> str:
    """Return "" if the values agree, else where and how they differ, without a full stop.

    - Numbers agree if |got - expected| <= tolerance * max(1, |expected|), also
      complex ones, and whatever their types; nan agrees with nan, an infinity
      with the same infinity. Of a complex number that is not finite the two
      parts are compared.
    - A truth value agrees only with a truth value, a text with the same text,
      None with None.
    - Lists and tuples are both sequences; they agree if their items do.
    - Dictionaries agree if their keys do, in any order, and the values of each.
      1 and 1.0 are one key, True is another.
    - Arrays agree if their shapes do and their values. An array of truth values
      agrees only with one, as does an array of texts, even if it is empty.
    - An array of shape () agrees with what it holds; no other array agrees with
      anything but an array.

    Args:
        got: what the function returned.
        expected: what the exercise returns.
        tolerance: 0 for the same value exactly; otherwise the comparison is one
            of float64, apart from whole numbers that no float64 holds.
        reveal: whether the sentence may say what is expected. If not, it says
            what came back and where it differs: no value, length, shape, key
            or kind of the expectation.

    Raises:
        TypeError: if one of the values is not plain data.
        ValueError: if the tolerance is negative or not finite.

    """
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"the tolerance is {tolerance}; it must be a finite number from 0 on")
    return _Comparison(tolerance, reveal).values(got, expected, "result")


def shape_of(value: Any) -> Any:
    """Return an array's shape, () for a number or truth value, None for anything else.

    Of a list or tuple it is the list of its items' shapes.
    """
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return [shape_of(item) for item in value]
    return () if isinstance(value, (bool, int, float, complex)) else None


def dtype_of(value: Any) -> Any:
    """Return the name of an array's dtype, "str" for texts of whatever width.

    A number's is "bool", "int", "float" or "complex"; of a list or tuple it is
    the list of its items'; anything else has None.
    """
    if isinstance(value, np.ndarray):
        return _dtype_name(value)
    if isinstance(value, (list, tuple)):
        return [dtype_of(item) for item in value]
    for kind in (bool, int, float, complex):
        if isinstance(value, kind):
            return kind.__name__
    return None


def show(value: Any, limit: int = 120) -> str:
    """Return the value as Python would write it, in at most ``limit`` printable characters.

    What does not fit is left out and marked with dots. Floats have up to eight
    significant digits; arrays tell their shape and dtype.
    """
    return _shown(value, limit, _eight_digits)


# --- Comparing ------------------------------------------------------------------------------


class _Comparison:
    def __init__(self, tolerance: float, reveal: bool) -> None:
        self._tolerance = tolerance
        self._reveal = reveal

    def values(self, got: Any, expected: Any, place: str) -> str:
        arrays = isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)
        # Of two arrays, the shapes are what is said first.
        if not (arrays and (got.ndim or expected.ndim)):
            got, expected = _unwrapped(got), _unwrapped(expected)
        kind, wanted = _kind(got), _kind(expected)
        if kind != wanted:
            return self._other_kinds(got, expected, place)
        if kind == "sequence":
            return self._sequences(got, expected, place)
        if kind == "dictionary":
            return self._dictionaries(got, expected, place)
        if kind == "array":
            return self._arrays(got, expected, place)
        agree = (
            numbers_agree(got, expected, self._tolerance) if kind == "number" else got == expected
        )
        return "" if agree else self._sentence(f"{_short(place)} is", got, expected)

    def _sentence(self, beginning: str, got: Any, expected: Any) -> str:
        if not self._reveal:
            return f"{beginning} {show(got, _MAX_VALUE)}{_NOT_ASKED}"
        return f"{beginning} {_pair(got, expected)}"

    def _other_kinds(self, got: Any, expected: Any, place: str) -> str:
        containers = {"sequence", "dictionary", "array"}
        if not {_kind(got), _kind(expected)} & containers:
            return self._sentence(f"{_short(place)} is", got, expected)
        if not self._reveal:
            return f"{_short(place)} is {_in_words(got)}{_NOT_ASKED}"
        return (
            f"{_short(place)} is {_in_words(got)} where the exercise returns {_in_words(expected)}"
        )

    def _sequences(self, got: Any, expected: Any, place: str) -> str:
        if len(got) != len(expected):
            ending = f"; expected {len(expected):,}" if self._reveal else _NOT_ASKED
            return f"{_short(place)} has {_count(len(got), 'item')}{ending}"
        for index, (item, wanted) in enumerate(zip(got, expected, strict=True)):
            said = self.values(item, wanted, f"{place}[{index}]")
            if said:
                return said
        return ""

    def _dictionaries(self, got: Any, expected: Any, place: str) -> str:
        found = {_identity(key): (key, item) for key, item in got.items()}
        wanted = {_identity(key): (key, item) for key, item in expected.items()}
        missing = [key for identity, (key, _) in wanted.items() if identity not in found]
        extra = [key for identity, (key, _) in found.items() if identity not in wanted]
        if (missing or extra) and not self._reveal:
            keys = show(list(got), _MAX_VALUE)[1:-1]
            described = f"a dictionary with the keys {keys}" if got else "an empty dictionary"
            return f"{_short(place)} is {described}{_NOT_ASKED}"
        if missing or extra:
            said = [f"lacks the {_keys(missing)}"] if missing else []
            said += [f"has the {_keys(extra)}, not expected"] if extra else []
            return f"{_short(place)} {' and '.join(said)}"
        for identity, (key, item) in wanted.items():
            inner = f"{place}[{show(key, _MAX_KEY)}]"
            difference = self.values(found[identity][1], item, inner)
            if difference:
                return difference
        return ""

    def _arrays(self, got: Array, expected: Array, place: str) -> str:
        if got.shape != expected.shape:
            if not self._reveal:
                return f"{_short(place)} is {_in_words(got)}{_NOT_ASKED}"
            return f"{_short(place)} has shape {_shape(got)}; expected {_shape(expected)}"
        held, wanted = _held(got), _held(expected)
        if held != wanted:
            ending = f" where the exercise returns one of {wanted}" if self._reveal else _NOT_ASKED
            return f"{_short(place)} is an array of {held}{ending}"
        differ = ~arrays_agree(got, expected, self._tolerance)
        count = int(np.count_nonzero(differ))
        if not count:
            return ""
        # The place in reading order: the last axis fastest.
        at = np.unravel_index(int(np.argmax(differ)), got.shape)
        indices = ", ".join(str(int(index)) for index in at)
        where = _short(f"{place}[{indices}]")
        value, right = got[at].item(), expected[at].item()
        if not self._reveal or got.size == 1:
            return self._sentence(f"{where} is", value, right)
        said = self._sentence(f"the first difference is at {where}:", value, right)
        verb = "differs" if count == 1 else "differ"
        return f"{said} ({count:,} of {got.size:,} values {verb})"


def numbers_agree(got: complex, expected: complex, tolerance: float) -> bool:
    """Whether two Python numbers agree, see `first_difference_of_values`."""
    if got == expected:
        return True
    if _rounds(got) or _rounds(expected):
        return _long_numbers_agree(got, expected, tolerance)
    if cmath.isfinite(got) and cmath.isfinite(expected):
        distance = _size(got - expected)
        return math.isfinite(distance) and distance <= tolerance * max(1.0, _size(expected))
    one, other = complex(got), complex(expected)
    return _parts_agree(one.real, other.real, tolerance) and _parts_agree(
        one.imag, other.imag, tolerance
    )


def _parts_agree(got: float, expected: float, tolerance: float) -> bool:
    if math.isnan(got) or math.isnan(expected):
        return math.isnan(got) and math.isnan(expected)
    if math.isinf(got) or math.isinf(expected):
        return got == expected
    return numbers_agree(got, expected, tolerance)


def _size(number: complex) -> float:
    # Unlike abs, it takes numbers that are close to infinite.
    return math.hypot(number.real, number.imag)


def _rounds(number: complex) -> bool:
    return isinstance(number, int) and abs(number) > _EXACT


def _long_numbers_agree(got: complex, expected: complex, tolerance: float) -> bool:
    """Compare numbers one of which may be too long for a float64."""
    if isinstance(got, complex) or isinstance(expected, complex):
        try:
            return numbers_agree(complex(got), complex(expected), tolerance)
        except OverflowError:
            return False
    if not math.isfinite(_part(got)) or not math.isfinite(_part(expected)):
        return False
    distance = abs(Fraction(got) - Fraction(expected))
    return distance <= Fraction(tolerance) * max(1, abs(Fraction(expected)))


def _part(number: float) -> float:
    """Return a float as it is, 0.0 for a whole number, which is finite at any length."""
    return 0.0 if isinstance(number, int) else number


def arrays_agree(got: Array, expected: Array, tolerance: float) -> Array:
    """Return for each value whether it agrees, see `first_difference_of_values`.

    Args:
        got: an array of numbers, truth values or texts.
        expected: an array of the same shape that holds the same of these.
        tolerance: as there.

    Returns:
        An array of bool, of the same shape.

    """
    if got.dtype.kind in "bU":
        return np.asarray(got == expected)
    with np.errstate(all="ignore"):
        agree = _same(got, expected)
        if "c" in got.dtype.kind + expected.dtype.kind:
            one, other = got.astype(np.complex128), expected.astype(np.complex128)
            finite = np.isfinite(one) & np.isfinite(other)
            parts = [
                (part == wanted) | _close(part, wanted, tolerance)
                for part, wanted in ((one.real, other.real), (one.imag, other.imag))
            ]
            near = np.where(finite, _near(one, other, tolerance), parts[0] & parts[1])
        else:
            near = _close(got.astype(np.float64), expected.astype(np.float64), tolerance)
    return np.asarray(agree | near)


def _same(got: Array, expected: Array) -> Array:
    """Return where the numbers are the same exactly; NumPy would round long whole numbers."""
    whole, other = (got, expected) if got.dtype.kind in "iu" else (expected, got)
    if whole.dtype.kind not in "iu" or other.dtype.kind in "iu":
        return np.asarray(got == expected)
    if other.dtype.kind == "c":
        return np.asarray((other.imag == 0) & _same(whole, other.real))
    signed = whole.dtype.kind == "i"
    low, high = (-(2.0**63), 2.0**63) if signed else (0.0, 2.0**64)
    values = other.astype(np.float64)
    fits = (values == np.floor(values)) & (values >= low) & (values < high)
    back = np.where(fits, values, 0).astype(np.int64 if signed else np.uint64)
    return np.asarray(fits & (back == whole))


def _near(got: Array, expected: Array, tolerance: float) -> Array:
    # With no tolerance whatever rounding makes equal would count as near.
    if not tolerance:
        return np.zeros(got.shape, bool)
    distance = np.abs(got - expected)
    limit = tolerance * np.maximum(1.0, np.abs(expected))
    return np.asarray(np.isfinite(distance) & (distance <= limit))


def _close(got: Array, expected: Array, tolerance: float) -> Array:
    """Return where two arrays of float64 are near or both nan."""
    return np.asarray(_near(got, expected, tolerance) | (np.isnan(got) & np.isnan(expected)))


# --- In words -------------------------------------------------------------------------------


def _unwrapped(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and not value.ndim else value


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    for kinds, name in (
        (bool, "truth value"),
        ((int, float, complex), "number"),
        (str, "text"),
        ((list, tuple), "sequence"),
        (dict, "dictionary"),
        (np.ndarray, "array"),
    ):
        if isinstance(value, kinds):
            return name
    raise TypeError(f"{type(value).__name__} is not plain data")


def _identity(key: Any) -> Any:
    """Return what is equal for equal keys only; to Python, True and 1 are equal."""
    if isinstance(key, bool):
        return ("truth value", key)
    if isinstance(key, tuple):
        return ("tuple", *map(_identity, key))
    return key


def _in_words(value: Any) -> str:
    kind = _kind(value)
    if kind == "array":
        return f"an array of shape {_shape(value)}"
    if kind == "sequence":
        return "a list" if isinstance(value, list) else "a tuple"
    return kind if kind == "None" else f"a {kind}"


def _shape(array: Array) -> str:
    return str(tuple(array.shape))


def _held(array: Array) -> str:
    return {"b": "truth values", "U": "texts"}.get(array.dtype.kind, "numbers")


def _dtype_name(array: Array) -> str:
    # NumPy's own name of it is that of its size in bits, such as "str160".
    return "str" if array.dtype.kind == "U" else array.dtype.name


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _keys(keys: list[Any]) -> str:
    return f"key{'s' if len(keys) > 1 else ''} {show(keys, _MAX_VALUE)[1:-1]}"


def _short(place: str) -> str:
    if len(place) <= _MAX_PLACE:
        return place
    half = (_MAX_PLACE - 3) // 2
    return f"{place[:half]}...{place[-half:]}"


def _pair(got: Any, expected: Any) -> str:
    """Return two different scalars so that a reader sees the difference."""
    digits = _all_digits if _look_alike(got, expected) else _eight_digits
    texts = [_shown(value, _MAX_VALUE, digits) for value in (got, expected)]
    if texts[0] != texts[1]:
        return f"{texts[0]}; expected {texts[1]}"
    if isinstance(got, str):
        pairs = enumerate(zip(got, expected, strict=False))
        ends = min(len(got), len(expected))
        at = next((index for index, (one, other) in pairs if one != other), ends)
        return (
            f"{texts[0]}, with {show(got[at:], 40)} from character {at + 1:,} on; "
            f"expected {show(expected[at:], 40)} there"
        )
    return f"{texts[0]}; expected one with other digits where some are left out here"


def _look_alike(got: Any, expected: Any) -> bool:
    """Whether two values are numbers that eight digits do not tell apart, such as 3 and 3.0."""
    if _kind(got) != "number" or _kind(expected) != "number":
        return False
    try:
        one, other = complex(got), complex(expected)
    except OverflowError:
        return False
    return _scalar_text(one, _eight_digits) == _scalar_text(other, _eight_digits)


# --- Showing --------------------------------------------------------------------------------

_Number = Callable[[float], str]
# What writes an item in the room that it is given, or None if nothing of it fits.
_Item = Callable[[int], str | None]


def _all_digits(number: float) -> str:
    return repr(number)


def _eight_digits(number: float) -> str:
    text = f"{number:.8g}"
    return text if any(sign in text for sign in ".en") else f"{text}.0"


def _shown(value: Any, limit: int, number: _Number) -> str:
    text = _fitted(value, number, limit)
    return "..."[: max(0, limit)] if text is None else text


def _fitted(value: Any, number: _Number, room: int) -> str | None:
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
        ending = f", shape {_shape(value)}, {_dtype_name(value)})"
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


def _fitted_pair(pair: tuple[Any, Any], number: _Number, room: int) -> str | None:
    key = _fitted(pair[0], number, room - len(": ..."))
    if key is None:
        return None
    value = _fitted(pair[1], number, room - len(key) - len(": "))
    return f"{key}: {'...' if value is None else value}"


def _fitted_rows(array: Array, number: _Number, room: int) -> str | None:
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


def _scalar_text(value: Any, number: _Number) -> str:
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
