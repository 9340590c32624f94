"""Decode values that arrive in the judge as plain data; see `plain_data`."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import numpy as np

from resnets_utils.border.plain_data import (
    MAX_ARRAY_BYTES,
    MAX_DEPTH,
    SPECIAL_FLOATS,
    Array,
    Budget,
    NotPlainData,
    are_whole_characters,
    dtype_of_name,
    fits_a_key,
    is_whole_text,
    refuse_keys_of_one_hash,
)

# By tag, which types the parts of a form may have.
_PARTS: dict[str, set[tuple[type, ...]]] = {
    "none": {()},
    "bool": {(bool,)},
    "int": {(int,)},
    "float": {(float,), (str,)},
    "complex": {(float, float), (float, str), (str, float), (str, str)},
    "str": {(str,)},
    "list": {(list,)},
    "tuple": {(list,)},
    "dict": {(list,)},
    "array": {(str, list, str)},
}


def decode(data: Any) -> Any:
    """Return the value that ``encode`` gave this form.

    Args:
        data: what ``json.loads`` made of a text that anyone may have written.

    Returns:
        The value: of Python's own types exactly, and arrays that are fresh,
        writable and of the machine's byte order.

    Raises:
        NotPlainData: if ``encode`` does not write such data. No other exception
            is raised.

    """
    try:
        return _Decoder().value(data, 0)
    except NotPlainData:
        raise
    except Exception as error:
        # No such exception is known. The judge must not fail if there is one.
        raise NotPlainData("data that cannot be read") from error


class _Decoder:
    """Reads one value. Nothing is made before its size is known to be within the bounds."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._budget.spend_items(1, "a value")

    def value(self, data: Any, depth: int) -> Any:
        if type(data) is not list or not data or type(data[0]) is not str or data[0] not in _PARTS:
            raise NotPlainData("data without a known tag")
        tag, *parts = data
        if tuple(map(type, parts)) not in _PARTS[tag]:
            raise NotPlainData(f"data with the tag {tag} of an unknown form")
        match tag:
            case "none":
                return None
            case "float":
                return _float_of_form(parts[0])
            case "complex":
                return complex(_float_of_form(parts[0]), _float_of_form(parts[1]))
            case "list":
                return self._items(parts[0], depth, "a list")
            case "tuple":
                return tuple(self._items(parts[0], depth, "a tuple"))
            case "dict":
                return self._dictionary(parts[0], depth)
            case "array":
                return self._array(*parts)
            case "int":
                self._budget.spend_whole_number(parts[0])
            case "str":
                self._budget.spend_text(parts[0])
                if not is_whole_text(parts[0]):
                    raise NotPlainData("a text with half a character in it (a lone surrogate)")
        return parts[0]

    def _enter(self, count: int, depth: int, kind: str) -> None:
        """Raise if there may not be so many items, so deep."""
        if depth >= MAX_DEPTH:
            raise NotPlainData(f"{kind} that is nested more than {MAX_DEPTH} deep")
        self._budget.spend_items(count, kind)

    def _items(self, items: list[Any], depth: int, kind: str) -> list[Any]:
        self._enter(len(items), depth, kind)
        return [self.value(item, depth + 1) for item in items]

    def _dictionary(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        self._enter(2 * len(pairs), depth, "a dictionary")
        read: list[tuple[Any, Any]] = []
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise NotPlainData("a dictionary with something other than a key and a value")
            key = self.value(pair[0], depth + 1)
            # Its form has been read, so `fits_a_key` can look into it.
            if not fits_a_key(pair[0]):
                raise NotPlainData("a dictionary with a value in the place of a key")
            read.append((key, self.value(pair[1], depth + 1)))
        refuse_keys_of_one_hash(key for key, _ in read)
        found = dict(read)
        if len(found) != len(read):
            raise NotPlainData("a dictionary with one key twice")
        return found

    def _array(self, name: str, sizes: list[Any], text: str) -> Array:
        dtype = dtype_of_name(name)
        if not all(type(size) is int and 0 <= size <= MAX_ARRAY_BYTES for size in sizes):
            raise NotPlainData("an array of a shape that cannot be compared")
        count = self._budget.spend_array(tuple(sizes), dtype.itemsize)
        if len(text) != 4 * -(-count // 3):
            raise NotPlainData("an array with more or fewer bytes than its shape needs")
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise NotPlainData("an array whose bytes cannot be read") from None
        if len(raw) != count:
            raise NotPlainData("an array with more or fewer bytes than its shape needs")
        if name == "bool" and (np.frombuffer(raw, np.uint8) > 1).any():
            raise NotPlainData("an array of truth values with other bytes than 0 and 1")
        if dtype.kind == "U" and not are_whole_characters(raw):
            raise NotPlainData("an array of texts with characters that do not exist")
        flat = np.frombuffer(raw, dtype).astype(dtype.newbyteorder("="))
        return flat.reshape(sizes)


def _float_of_form(form: float | str) -> float:
    if form in SPECIAL_FLOATS:
        return SPECIAL_FLOATS[str(form)]
    # JSON's 1e999 is read as infinite, which has a form of its own.
    if isinstance(form, str) or not math.isfinite(form):
        raise NotPlainData("a number that is not a finite float")
    return form
