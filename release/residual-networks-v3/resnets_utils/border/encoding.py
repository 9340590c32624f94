"""Encode what a student's function returned as plain data; see `plain_data`.

Neither TensorFlow nor Keras is needed: their tensors are known by the module of
their class.
"""

from __future__ import annotations

import base64
import math
import types
from typing import Any

import numpy as np

from resnets_utils.border.decoding import decode
from resnets_utils.border.plain_data import (
    DTYPES,
    MAX_DEPTH,
    Array,
    Budget,
    NotPlainData,
    are_whole_characters,
    dtype_of_name,
    fits_a_key,
    is_whole_text,
    refuse_keys_of_one_hash,
)

MAX_CLASS_NAME = 60
_NAMES = {code[1:]: name for name, code in DTYPES.items()}
_SCALARS = (np.bool_, np.integer, np.floating, np.complexfloating, np.str_)


def encode(value: object) -> Any:
    """Return the value in a form that ``json.dumps`` takes and ``decode`` reads.

    Numbers, texts, lists, tuples, dictionaries and arrays count as what they
    hold: of a subclass, only what its plain base class stores is read, with the
    base class's own methods. NumPy's numbers become Python's; an array of
    shape () stays an array; a tensor of TensorFlow or Keras becomes its array.

    Args:
        value: None, a bool, int, float, complex or str, an array of numbers,
            truth values or texts of any shape, or a list, tuple or dictionary of
            these; the keys of a dictionary are None, numbers other than complex
            ones, texts or tuples of these.

    Raises:
        NotPlainData: if it is anything else, or larger than the bounds allow.

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
    name = type.__dict__["__name__"].__get__(kind)[:MAX_CLASS_NAME]
    return "".join(character if character.isprintable() else "?" for character in name)


class _Encoder:
    def __init__(self, value: object) -> None:
        self._value = value
        self._budget = Budget()

    def encoded(self) -> Any:
        self._budget.spend_items(1, "a value")
        return self._encode(self._value, 0)

    def _refusal(self, phrase: str, depth: int) -> NotPlainData:
        """Return the refusal of a value, which may be a part of what was returned."""
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
        self._budget.spend_text(value)
        if not is_whole_text(value):
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
        # The base class's slice is a plain copy, which does not change while it is read.
        items = kind.__getitem__(value, slice(None))
        return [kind.__name__, [self._encode(item, depth + 1) for item in items]]

    def _pairs(self, value: Any, depth: int) -> list[Any]:
        self._budget.spend_items(2 * dict.__len__(value), "a dictionary")
        pairs = []
        keys = []
        for key, item in list(dict.items(value)):
            form = self._key(key, depth + 1)
            keys.append(decode(form))
            pairs.append([form, self._encode(item, depth + 1)])
        refuse_keys_of_one_hash(keys)
        # A class may keep keys apart that are the same as data.
        if len(set(keys)) != len(keys):
            raise self._refusal("a dictionary with two keys that are the same as data", depth)
        return pairs

    def _key(self, key: object, depth: int) -> Any:
        form: Any = [""]
        if key is None or _is_a(key, tuple, int, float, str, np.generic):
            form = self._encode(key, depth)
        if not fits_a_key(form):
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
        raise self._refusal(f"a tensor ({name}) whose values are not numbers", depth)

    def _array(self, array: Array, depth: int) -> Any:
        name = self._dtype_name(array.dtype, depth)
        self._budget.spend_array(array.shape, max(1, array.dtype.itemsize))
        if name == "bool":
            # A view may hold bytes other than 0 and 1.
            array = array.view(np.uint8) != 0
        little = array.astype(dtype_of_name(name))
        raw = little.tobytes()
        if name.startswith("U") and not are_whole_characters(raw):
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
    bases: tuple[Any, ...] = (int, float, complex)
    number = next((base for base in bases if _is_a(value, base)), None)
    return number.__pos__(value) if number else str.__str__(value)


def _float_form(number: float) -> float | str:
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return number


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
