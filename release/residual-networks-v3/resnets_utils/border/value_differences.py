"""Compare what a function returned with what the exercise returns, and say where they differ.

Both are plain data; see `plain_data`. What was returned may have been chosen to
deceive; its size is bounded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from resnets_utils.border.agreement import arrays_agree, numbers_agree
from resnets_utils.border.plain_data import Array
from resnets_utils.border.value_text import dtype_name, shape_text, show

_NOT_ASKED = ", which is not what the exercise asks for"
_MAX_PLACE = 120
_MAX_KEY = 40
_MAX_VALUE = 120


def first_difference_of_values(
    got: Any, expected: Any, tolerance: float = 0.0, *, reveal: bool = True
) -> str:
    """Return "" if the values agree, else where and how they differ, without a full stop.

    - Numbers agree as `numbers_agree` says, whatever their types.
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
            only what came back and where it differs.

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
        return dtype_name(value)
    if isinstance(value, (list, tuple)):
        return [dtype_of(item) for item in value]
    for kind in (bool, int, float, complex):
        if isinstance(value, kind):
            return kind.__name__
    return None


class _Comparison:
    def __init__(self, tolerance: float, reveal: bool) -> None:
        self._tolerance = tolerance
        self._reveal = reveal

    def values(self, got: Any, expected: Any, place: str) -> str:
        arrays = isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)
        # Of two arrays, the sentence compares the shapes first.
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

    def _asked(self, words: str) -> str:
        """These words about what is expected, if the sentence may say them."""
        return words if self._reveal else _NOT_ASKED

    def _sentence(self, beginning: str, got: Any, expected: Any) -> str:
        if not self._reveal:
            return f"{beginning} {show(got, _MAX_VALUE)}{_NOT_ASKED}"
        return f"{beginning} {_pair(got, expected)}"

    def _other_kinds(self, got: Any, expected: Any, place: str) -> str:
        containers = {"sequence", "dictionary", "array"}
        if not {_kind(got), _kind(expected)} & containers:
            return self._sentence(f"{_short(place)} is", got, expected)
        ending = self._asked(f" where the exercise returns {_in_words(expected)}")
        return f"{_short(place)} is {_in_words(got)}{ending}"

    def _sequences(self, got: Any, expected: Any, place: str) -> str:
        if len(got) != len(expected):
            items = "1 item" if len(got) == 1 else f"{len(got):,} items"
            return f"{_short(place)} has {items}{self._asked(f'; expected {len(expected):,}')}"
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
            return f"{_short(place)} has shape {shape_text(got)}; expected {shape_text(expected)}"
        held, wanted = _held(got), _held(expected)
        if held != wanted:
            ending = self._asked(f" where the exercise returns one of {wanted}")
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
        return f"an array of shape {shape_text(value)}"
    if kind == "sequence":
        return "a list" if isinstance(value, list) else "a tuple"
    return kind if kind == "None" else f"a {kind}"


def _held(array: Array) -> str:
    return {"b": "truth values", "U": "texts"}.get(array.dtype.kind, "numbers")


def _keys(keys: list[Any]) -> str:
    return f"key{'s' if len(keys) > 1 else ''} {show(keys, _MAX_VALUE)[1:-1]}"


def _short(place: str) -> str:
    if len(place) <= _MAX_PLACE:
        return place
    half = (_MAX_PLACE - 3) // 2
    return f"{place[:half]}...{place[-half:]}"


def _pair(got: Any, expected: Any) -> str:
    """Return two different scalars so that a reader sees the difference."""
    all_digits = _look_alike(got, expected)
    texts = [show(value, _MAX_VALUE, all_digits=all_digits) for value in (got, expected)]
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
    return show(one) == show(other)
