"""Values that functions return, as plain data that can cross to the judge as JSON text.

The student's process encodes what a function returned; the judge decodes it and
believes nothing. Both keep the same bounds, so that what was encoded can always
be decoded. Neither TensorFlow nor Keras is needed; their tensors are known by
the module of their class.

The form is a JSON array that begins with a tag::

    ["none"]  ["bool", true]  ["int", 5]  ["float", 0.5]  ["float", "nan"]
    ["complex", 0.5, "inf"]  ["str", "text"]  ["list", [...]]  ["tuple", [...]]
    ["dict", [[key, value], ...]]  ["array", "float64", [2, 3], "base64"]

The bytes of an array are little-endian, the last axis fastest. The dtype "U5"
stands for texts of up to five characters.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 20
MAX_DIMENSIONS = 20
MAX_ITEMS = 100_000
MAX_CHARACTERS = 250_000
MAX_INT_BITS = 4096
MAX_ARRAY_BYTES = 2_000_000
# Numbers hash to themselves, so keys can be chosen that make a dictionary slow.
MAX_KEYS_OF_ONE_HASH = 16

# A whole number of more bits counts as text: its digits are as long.
_ORDINARY_BITS = 64
_MAX_CLASS_NAME = 60
_DTYPES = {
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
_NAMES = {code[1:]: name for name, code in _DTYPES.items()}
_UNICODE = re.compile(r"U([1-9][0-9]{0,6})")
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_SCALARS = (np.bool_, np.integer, np.floating, np.complexfloating, np.str_)

Array = NDArray[Any]


class NotPlainData(Exception):
    """The value is not plain data; the message completes the sentence "f(x=1) returned ..."."""


def encode(value: object) -> Any:
    """Return the value in a form that ``json.dumps`` takes and ``decode`` reads.

    Numbers, texts, lists, tuples, dictionaries and arrays count as what they
    hold: of a subclass, only what its plain base class stores is read, by the
    base class's own methods. NumPy's numbers become Python's; an array of
    shape () stays an array; a tensor of TensorFlow or Keras becomes its array.

    Args:
        value: None, a bool, int, float, complex or str, an array of numbers,
            truth values or texts of any shape, or a list, tuple or dictionary of
            these; the keys of a dictionary are None, numbers but complex ones,
            texts or tuples of these.

    Raises:
        NotPlainData: if it is anything else, or more than the bounds allow.

    """
    try:
        return _Encoder(value).encoded()
    except NotPlainData:
        raise
    except Exception as error:
        # The methods of a student's class or metaclass may raise anything.
        raise NotPlainData(
            f"a value that cannot be read as plain data ({_class_name(type(error))})"
        ) from error


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
        # None is known to come here. The judge must not fall if one does.
        raise NotPlainData("data that cannot be read") from error


class _Budget:
    """What is left of the bounds that hold for a value as a whole."""

    def __init__(self) -> None:
        self._items = MAX_ITEMS
        self._characters = MAX_CHARACTERS
        self._bytes = MAX_ARRAY_BYTES

    def spend_items(self, count: int, kind: str) -> None:
        if count > MAX_ITEMS:
            raise NotPlainData(
                f"{kind} of {count:,} items, more than can be compared ({MAX_ITEMS:,})"
            )
        self._items -= count
        if self._items < 0:
            raise NotPlainData(
                f"more than {MAX_ITEMS:,} items in all, which is more than can be compared"
            )

    def spend_characters(self, count: int) -> None:
        if count > MAX_CHARACTERS:
            raise NotPlainData(
                f"a text of {count:,} characters, more than can be compared ({MAX_CHARACTERS:,})"
            )
        self._characters -= count
        if self._characters < 0:
            raise NotPlainData(
                f"texts and long numbers of more than {MAX_CHARACTERS:,} characters in all, "
                "which is more than can be compared"
            )

    def spend_whole_number(self, number: int) -> None:
        bits = number.bit_length()
        if bits > MAX_INT_BITS:
            raise NotPlainData(
                f"a whole number of {bits:,} bits, more than can be compared ({MAX_INT_BITS:,})"
            )
        if bits > _ORDINARY_BITS:
            self.spend_characters(bits // 3)

    def spend_array(self, shape: tuple[int, ...], item_bytes: int) -> int:
        """Take an array off what is left, before anything is made of it; return its bytes."""
        if len(shape) > MAX_DIMENSIONS:
            raise NotPlainData(
                f"an array of {len(shape)} dimensions, more than can be compared ({MAX_DIMENSIONS})"
            )
        # NumPy refuses an empty array whose other sizes are huge, so that an
        # empty one counts as if it held something.
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
        if self._bytes < 0:
            raise NotPlainData(
                f"arrays of more than {MAX_ARRAY_BYTES:,} bytes in all, "
                "which is more than can be compared"
            )
        return math.prod(shape) * item_bytes


def _whole_text(text: str) -> bool:
    """Whether the text is without surrogates, which JSON may join or UTF-8 cannot hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _whole_characters(codes: Array) -> bool:
    return not ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any()


def _count_hashes(keys: Iterable[object]) -> None:
    counts: dict[int, int] = {}
    for key in keys:
        hashed = hash(key)
        counts[hashed] = counts.get(hashed, 0) + 1
        if counts[hashed] > MAX_KEYS_OF_ONE_HASH:
            raise NotPlainData("a dictionary with too many keys of one hash value")


# --- The student's side ---------------------------------------------------------------------


def _is_a(value: object, *classes: type) -> bool:
    """Whether the value's class is one of these or derives from it.

    ``isinstance`` also asks ``__class__``, and ``in`` asks ``__eq__``; both
    may be a student's.
    """
    return any(base is wanted for base in _bases(value) for wanted in classes)


def _bases(value: object) -> tuple[type, ...]:
    """Return the classes that the value's class derives from, whatever its metaclass says."""
    bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(value))
    return bases


def _class_name(kind: type) -> str:
    name = type.__dict__["__name__"].__get__(kind)[:_MAX_CLASS_NAME]
    return "".join(character if character.isprintable() else "?" for character in name)


class _Encoder:
    def __init__(self, value: object) -> None:
        self._value = value
        self._budget = _Budget()

    def encoded(self) -> Any:
        self._budget.spend_items(1, "a value")
        return self._encode(self._value, 0)

    def _refusal(self, phrase: str, depth: int) -> NotPlainData:
        """Return the refusal of a value, told as a part of what was returned if it is one."""
        return NotPlainData(f"{self._outermost()} that holds {phrase}" if depth else phrase)

    def _outermost(self) -> str:
        if _is_a(self._value, dict):
            return "a dictionary"
        return "a tuple" if _is_a(self._value, tuple) else "a list"

    def _encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None:
            return ["none"]
        if kind is bool or kind is int or kind is float or kind is complex or kind is str:
            return self._scalar(value, depth)
        # NumPy's numbers first: its float64 is also a float.
        if _is_a(value, np.generic):
            return self._number_of_numpy(value, depth)
        if _is_a(value, np.ndarray):
            return self._array(np.ndarray.view(value, np.ndarray), depth)
        if _is_a(value, int, float, complex, str):
            return self._scalar(_base_scalar(value), depth)
        if _is_a(value, list, tuple, dict):
            return self._container(value, depth)
        if _is_tensor(value):
            return self._array(self._values_of_tensor(value, depth), depth)
        raise self._refusal(_in_words(value), depth)

    def _scalar(self, value: object, depth: int) -> Any:
        if type(value) is bool:
            return ["bool", value]
        if type(value) is int:
            self._budget.spend_whole_number(value)
            return ["int", value]
        if type(value) is float:
            return ["float", _float_form(value)]
        if type(value) is complex:
            return ["complex", _float_form(value.real), _float_form(value.imag)]
        assert type(value) is str, type(value)
        self._budget.spend_characters(len(value))
        if not _whole_text(value):
            raise self._refusal("a text with half a character in it (a lone surrogate)", depth)
        return ["str", value]

    def _number_of_numpy(self, value: Any, depth: int) -> Any:
        # NumPy calls a timedelta64 a whole number.
        if _is_a(value, *_SCALARS) and not _is_a(value, np.timedelta64):
            plain = np.generic.item(value)
            # A longdouble stays itself, as no Python number can hold it.
            if type(plain) in (bool, int, float, complex, str):
                return self._scalar(plain, depth)
        name = _class_name(type(value))
        raise self._refusal(f"a value of NumPy's type {name}, which is not plain data", depth)

    def _container(self, value: object, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            raise NotPlainData(
                f"{self._outermost()} that contains itself or is nested more than {MAX_DEPTH} deep"
            )
        if _is_a(value, dict):
            return ["dict", self._pairs(value, depth)]
        kind: Any = list if _is_a(value, list) else tuple
        self._budget.spend_items(kind.__len__(value), f"a {kind.__name__}")
        # A slice of the base class is a plain copy, which nobody changes while we read.
        items = kind.__getitem__(value, slice(None))
        return [kind.__name__, [self._encode(item, depth + 1) for item in items]]

    def _pairs(self, value: Any, depth: int) -> list[Any]:
        self._budget.spend_items(2 * dict.__len__(value), "a dictionary")
        pairs = []
        keys = []
        for key, item in list(dict.items(value)):
            form = self._key(key, depth + 1)
            keys.append(_key_of(form))
            pairs.append([form, self._encode(item, depth + 1)])
        _count_hashes(keys)
        # A class may keep keys apart that are the same as data.
        if len(set(keys)) != len(keys):
            raise self._refusal("a dictionary with two keys that are the same as data", depth)
        return pairs

    def _key(self, key: object, depth: int) -> Any:
        form: Any = [""]
        if key is None or _is_a(key, tuple, int, float, str, np.generic):
            form = self._encode(key, depth)
        if not _fits_a_key(form):
            raise self._refusal(
                "a dictionary with a key that is neither a number, a text nor a tuple of these",
                depth - 1,
            )
        return form

    def _values_of_tensor(self, value: Any, depth: int) -> Array:
        """Return what the tensor's own ``numpy`` gives, as a plain array."""
        name = _class_name(type(value))
        try:
            values = value.numpy()
        except Exception as error:
            raise self._refusal(f"a tensor ({name}) whose values cannot be read", depth) from error
        if _is_a(values, np.ndarray):
            return np.ndarray.view(values, np.ndarray)
        # TensorFlow gives a NumPy number for a tensor of shape ().
        if _is_a(values, *_SCALARS):
            return np.asarray(np.generic.__array__(values))
        raise self._refusal(f"a tensor ({name}) whose values are no numbers", depth)

    def _array(self, array: Array, depth: int) -> Any:
        name = self._dtype_name(array.dtype, depth)
        self._budget.spend_array(array.shape, max(1, array.dtype.itemsize))
        if name == "bool":
            # A view may hold bytes other than 0 and 1.
            array = array.view(np.uint8) != 0
        little = array.astype(_dtype_of_name(name))
        raw = little.tobytes()
        if name.startswith("U") and not _whole_characters(np.frombuffer(raw, "<u4")):
            raise self._refusal("an array of texts with characters that do not exist", depth)
        return ["array", name, list(array.shape), base64.b64encode(raw).decode("ascii")]

    def _dtype_name(self, dtype: np.dtype[Any], depth: int) -> str:
        if dtype.kind == "U":
            return f"U{max(1, dtype.itemsize // 4)}"
        name = _NAMES.get(f"{dtype.kind}{dtype.itemsize}")
        if name is None:
            phrase = {
                "O": "an array of Python objects (rows of different lengths?)",
                "T": "an array of texts of no fixed width, which is not plain data; return a list",
                "S": "an array of bytes, which is not plain data; return texts",
            }.get(dtype.kind, f"an array of dtype {dtype.name[:40]}, which is not plain data")
            raise self._refusal(phrase, depth)
        return name


def _base_scalar(value: Any) -> object:
    """Return the number or text that the base class stores, whatever the subclass says."""
    if _is_a(value, int):
        return int.__pos__(value)
    if _is_a(value, float):
        return float.__pos__(value)
    if _is_a(value, complex):
        return complex.__pos__(value)
    return str.__str__(value)


def _float_form(number: float) -> float | str:
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return number


def _fits_a_key(form: Any) -> bool:
    if form[0] == "tuple":
        return all(_fits_a_key(item) for item in form[1])
    # Not nan: no other nan would find the key again.
    return form[0] in ("none", "bool", "int", "float", "str") and form[1:] != ["nan"]


def _key_of(form: Any) -> object:
    """Return the key that this form of one stands for."""
    if form[0] == "tuple":
        return tuple(_key_of(item) for item in form[1])
    if form[0] == "none":
        return None
    return _SPECIAL[form[1]] if form[0] == "float" and type(form[1]) is str else form[1]


def _dtype_of_name(name: str) -> np.dtype[Any]:
    return np.dtype(f"<{name}" if name.startswith("U") else _DTYPES[name])


def _of_keras(value: object) -> bool:
    modules = [vars(base).get("__module__") for base in _bases(value)]
    return any(
        type(module) is str and module.split(".")[0] in ("tensorflow", "keras")
        for module in modules
    )


def _is_tensor(value: object) -> bool:
    return _of_keras(value) and callable(getattr(type(value), "numpy", None))


_WORDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((types.GeneratorType,), "a generator, which is not plain data; return a list"),
    ((range,), "a range, which is not plain data; return a list"),
    ((set, frozenset), "a set, which is not plain data; return a sorted list"),
    (
        (bytes, bytearray, memoryview),
        "bytes, which are not plain data; return a text or an array",
    ),
    (
        (type({}.keys()), type({}.values()), type({}.items())),
        "a view of a dictionary, which is not plain data; return a list",
    ),
    (
        (
            types.FunctionType,
            types.BuiltinFunctionType,
            types.MethodType,
            type(str.join),
            np.ufunc,
        ),
        "a function, which is not plain data; return what it gives",
    ),
    ((types.CoroutineType, types.AsyncGeneratorType), "a coroutine, which is not plain data"),
    ((types.ModuleType,), "a module, which is not plain data"),
    ((type(...),), "..., the three dots of a line that is not written yet"),
)


def _in_words(value: object) -> str:
    """Return what a value that is not plain data is, and what to return in its place."""
    for kinds, words in _WORDS:
        if _is_a(value, *kinds):
            return words
    name = _class_name(type(value))
    if _is_a(value, type):
        return "a class, which is not plain data; return an object's values"
    if _of_keras(value):
        bases = {_class_name(base) for base in _bases(value)}
        if "Model" in bases:
            return "a Keras model, which is not plain data"
        if "Layer" in bases:
            return "a Keras layer, which is not plain data"
        if bases & {"KerasTensor", "Tensor", "SymbolicTensor"}:
            return f"a tensor that holds no values yet ({name})"
    if any("__next__" in vars(base) for base in _bases(value)):
        return f"an iterator ({name}), which is not plain data; return a list"
    return f"an object of class {name}, which is not plain data"


# --- The judge's side -----------------------------------------------------------------------


class _Decoder:
    """Reads one value. Nothing is made before its size is known to be within the bounds."""

    def __init__(self) -> None:
        self._budget = _Budget()
        self._budget.spend_items(1, "a value")
        self._readers: dict[str, tuple[int, Callable[[list[Any], int], Any]]] = {
            "none": (1, lambda parts, depth: None),
            "bool": (2, self._bool),
            "int": (2, self._int),
            "float": (2, lambda parts, depth: _float_of_form(parts[1])),
            "complex": (3, self._complex),
            "str": (2, self._str),
            "list": (2, self._list),
            "tuple": (2, self._tuple),
            "dict": (2, self._dict),
            "array": (4, self._array),
        }

    def value(self, data: Any, depth: int) -> Any:
        if type(data) is not list or not data or type(data[0]) is not str:
            raise NotPlainData("data without a tag")
        if data[0] not in self._readers:
            raise NotPlainData("data of an unknown form")
        length, read = self._readers[data[0]]
        if len(data) != length:
            raise NotPlainData("data of an unknown form")
        return read(data, depth)

    def _bool(self, parts: list[Any], depth: int) -> bool:
        if type(parts[1]) is not bool:
            raise NotPlainData("a truth value that is none")
        return parts[1]

    def _int(self, parts: list[Any], depth: int) -> int:
        if type(parts[1]) is not int:
            raise NotPlainData("a whole number that is none")
        self._budget.spend_whole_number(parts[1])
        return parts[1]

    def _complex(self, parts: list[Any], depth: int) -> complex:
        return complex(_float_of_form(parts[1]), _float_of_form(parts[2]))

    def _str(self, parts: list[Any], depth: int) -> str:
        if type(parts[1]) is not str:
            raise NotPlainData("a text that is none")
        self._budget.spend_characters(len(parts[1]))
        if not _whole_text(parts[1]):
            raise NotPlainData("a text with half a character in it (a lone surrogate)")
        return parts[1]

    def _items(self, items: Any, depth: int, kind: str, each: int = 1) -> list[Any]:
        """Return the items if they are a list of which there may be so many, so deep."""
        if type(items) is not list:
            raise NotPlainData(f"{kind} whose items are no list")
        if depth >= MAX_DEPTH:
            raise NotPlainData(f"{kind} that is nested more than {MAX_DEPTH} deep")
        self._budget.spend_items(each * len(items), kind)
        return items

    def _list(self, parts: list[Any], depth: int) -> list[Any]:
        items = self._items(parts[1], depth, "a list")
        return [self.value(item, depth + 1) for item in items]

    def _tuple(self, parts: list[Any], depth: int) -> tuple[Any, ...]:
        items = self._items(parts[1], depth, "a tuple")
        return tuple([self.value(item, depth + 1) for item in items])

    def _dict(self, parts: list[Any], depth: int) -> dict[Any, Any]:
        pairs = self._items(parts[1], depth, "a dictionary", each=2)
        read: list[tuple[Any, Any]] = []
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise NotPlainData("a dictionary with something other than a key and a value")
            key = self.value(pair[0], depth + 1)
            # By now the form is known to be one, so that it can be looked into.
            if not _fits_a_key(pair[0]):
                raise NotPlainData("a dictionary with a key that can be none")
            read.append((key, self.value(pair[1], depth + 1)))
        _count_hashes(key for key, _ in read)
        found = dict(read)
        if len(found) != len(read):
            raise NotPlainData("a dictionary with one key twice")
        return found

    def _array(self, parts: list[Any], depth: int) -> Array:
        _, name, sizes, text = parts
        dtype = _known_dtype(name)
        if type(sizes) is not list or not all(
            type(size) is int and 0 <= size <= MAX_ARRAY_BYTES for size in sizes
        ):
            raise NotPlainData("an array of a shape that cannot be compared")
        count = self._budget.spend_array(tuple(sizes), dtype.itemsize)
        if type(text) is not str or len(text) != 4 * -(-count // 3):
            raise NotPlainData("an array with more or fewer bytes than its shape needs")
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise NotPlainData("an array whose bytes cannot be read") from None
        if len(raw) != count:
            raise NotPlainData("an array with more or fewer bytes than its shape needs")
        if name == "bool" and (np.frombuffer(raw, np.uint8) > 1).any():
            raise NotPlainData("an array of truth values that are none")
        if dtype.kind == "U" and not _whole_characters(np.frombuffer(raw, "<u4")):
            raise NotPlainData("an array of texts with characters that do not exist")
        flat = np.frombuffer(raw, dtype).astype(dtype.newbyteorder("="))
        return flat.reshape(sizes)


def _float_of_form(form: Any) -> float:
    if type(form) is str and form in _SPECIAL:
        return _SPECIAL[form]
    # JSON's 1e999 is read as infinite: that is written in words only.
    if not isinstance(form, float) or not math.isfinite(form):
        raise NotPlainData("a number that is none")
    return form


def _known_dtype(name: Any) -> np.dtype[Any]:
    if type(name) is str:
        if name in _DTYPES:
            return np.dtype(_DTYPES[name])
        width = _UNICODE.fullmatch(name)
        if width and int(width[1]) <= MAX_ARRAY_BYTES // 4:
            return np.dtype(f"<{name}")
    raise NotPlainData("an array of an unknown dtype")
