"""Plain data: values that cross between a student's process and the judge as JSON text.

The student's process encodes what a function returned (`encoding`); the judge decodes
it and trusts nothing (`decoding`). Both keep the bounds in this module, so that
whatever is encoded can be decoded.

A value's form is a JSON array that begins with a tag::

    ["none"]  ["bool", true]  ["int", 5]  ["float", 0.5]  ["float", "nan"]
    ["complex", 0.5, "inf"]  ["str", "text"]  ["list", [...]]  ["tuple", [...]]
    ["dict", [[key, value], ...]]  ["array", "float64", [2, 3], "base64"]

The bytes of an array are little-endian, the last axis fastest. The dtype "U5"
stands for texts of up to five characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 20
MAX_DIMENSIONS = 20
MAX_ITEMS = 100_000
MAX_TEXT_BYTES = 250_000  # in UTF-8, of all texts and long whole numbers together
MAX_INT_BITS = 4096
MAX_ARRAY_BYTES = 2_000_000
# Numbers hash to themselves, so keys can be chosen that make a dictionary slow.
MAX_KEYS_OF_ONE_HASH = 16

# A whole number of more bits counts as text, by its digits.
_ORDINARY_BITS = 64
DTYPES = {
    "bool": "|b1",
    "int8": "|i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "uint8": "|u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    "complex64": "<c8",
    "complex128": "<c16",
}
_UNICODE = re.compile(r"U([1-9][0-9]{0,6})")
# Floats that JSON has no numbers for.
SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

Array = NDArray[Any]


class NotPlainData(Exception):
    """The value is not plain data; the message completes the sentence "f(x=1) returned ..."."""


class Budget:
    """What is left of the bounds that hold for a value as a whole."""

    def __init__(self) -> None:
        self._items = MAX_ITEMS
        self._text_bytes = MAX_TEXT_BYTES
        self._bytes = MAX_ARRAY_BYTES

    def spend_items(self, count: int, kind: str) -> None:
        """Take the items of a list, tuple or dictionary off what is left."""
        _keep_within(count, MAX_ITEMS, f"{kind} of {count:,} items")
        self._items -= count
        _keep_in_all(self._items, f"more than {MAX_ITEMS:,} items")

    def spend_text(self, text: str) -> None:
        """Take a text off what is left, before it is copied if it is far too long."""
        longer = len(text) > MAX_TEXT_BYTES
        self._spend_text_bytes(len(text) if longer else len(text.encode("utf-8", "surrogatepass")))

    def _spend_text_bytes(self, count: int) -> None:
        _keep_within(count, MAX_TEXT_BYTES, f"a text of {count:,} bytes")
        self._text_bytes -= count
        _keep_in_all(
            self._text_bytes, f"texts and long numbers of more than {MAX_TEXT_BYTES:,} bytes"
        )

    def spend_whole_number(self, number: int) -> None:
        """Take a whole number's digits off what is left, if it is a long one."""
        bits = number.bit_length()
        _keep_within(bits, MAX_INT_BITS, f"a whole number of {bits:,} bits")
        if bits > _ORDINARY_BITS:
            self._spend_text_bytes(bits // 3)

    def spend_array(self, shape: tuple[int, ...], item_bytes: int) -> int:
        """Take an array off what is left, before anything is made of it; return its bytes."""
        _keep_within(len(shape), MAX_DIMENSIONS, f"an array of {len(shape)} dimensions")
        # NumPy refuses an empty array whose other sizes are huge: in the count, an
        # empty axis has size 1.
        held = math.prod(max(1, size) for size in shape)
        if item_bytes > MAX_ARRAY_BYTES:
            raise NotPlainData("an array of texts that are longer than can be compared")
        if held * item_bytes > MAX_ARRAY_BYTES:
            most = MAX_ARRAY_BYTES // item_bytes
            raise NotPlainData(
                f"an array of {held:,} values, more than can be compared ({most:,} of "
                f"{item_bytes} bytes each)"
                if math.prod(shape)
                else "an empty array of a size that cannot be compared"
            )
        self._bytes -= held * item_bytes
        _keep_in_all(self._bytes, f"arrays of more than {MAX_ARRAY_BYTES:,} bytes")
        return math.prod(shape) * item_bytes


def _keep_within(count: int, maximum: int, what: str) -> None:
    if count > maximum:
        raise NotPlainData(f"{what}, more than can be compared ({maximum:,})")


def _keep_in_all(left: int, what: str) -> None:
    if left < 0:
        raise NotPlainData(f"{what} in all, which is more than can be compared")


def is_whole_text(text: str) -> bool:
    """Whether the text is without surrogates, which JSON may join or UTF-8 cannot hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def are_whole_characters(raw: bytes) -> bool:
    """Whether the bytes of an array of texts are characters that exist."""
    codes = np.frombuffer(raw, "<u4")
    return not ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any()


def refuse_keys_of_one_hash(keys: Iterable[object]) -> None:
    """Raise if a dictionary with these keys would be slow.

    Raises:
        NotPlainData: if too many of them share a hash.

    """
    if max(Counter(map(hash, keys)).values(), default=0) > MAX_KEYS_OF_ONE_HASH:
        raise NotPlainData("a dictionary with too many keys of one hash value")


def fits_a_key(form: Any) -> bool:
    """Whether the form of a value is that of a dictionary's key."""
    if form[0] == "tuple":
        return all(fits_a_key(item) for item in form[1])
    # Not nan: no other nan would find the key again.
    return form[0] in ("none", "bool", "int", "float", "str") and form[1:] != ["nan"]


def dtype_of_name(name: str) -> np.dtype[Any]:
    """Return the little-endian dtype that a name stands for in a form.

    Raises:
        NotPlainData: if no array has such a dtype.

    """
    if name in DTYPES:
        return np.dtype(DTYPES[name])
    width = _UNICODE.fullmatch(name)
    if width and int(width[1]) <= MAX_ARRAY_BYTES // 4:
        return np.dtype(f"<{name}")
    raise NotPlainData("an array of an unknown dtype")
