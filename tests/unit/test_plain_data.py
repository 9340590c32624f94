"""The codec of plain data: what is plain, what is refused, and that nothing is trusted."""

from __future__ import annotations

import base64
import collections
import copy
import enum
import json
import math
import random
import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest

from resnets_utils.border import decoding, encoding
from resnets_utils.border.decoding import decode
from resnets_utils.border.encoding import encode
from resnets_utils.border.plain_data import NotPlainData

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "float32", "float64", "complex64", "complex128"]


def crossed(value: object) -> Any:
    """The value as the judge gets it: through UTF-8 as well."""
    return decode(json.loads(json.dumps(encode(value), ensure_ascii=False).encode()))


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same data of the same types."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and same_bytes(one, other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    return repr(one) == repr(other)


def same_bytes(one: Any, other: Any) -> bool:
    return bool(one.tobytes() == other.tobytes())


def refusal(value: object) -> str:
    with pytest.raises(NotPlainData) as caught:
        encode(value)
    return str(caught.value)


class Lying:
    """Everything that a subclass may say in place of its base class."""

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError

    def __hash__(self) -> int:
        return 7

    def lie(self, *given: Any) -> Any:
        raise ZeroDivisionError

    __float__ = __int__ = __index__ = __iter__ = __len__ = __getitem__ = __str__ = __repr__ = lie
    __pos__ = __bool__ = __complex__ = __array__ = __getattribute__ = lie
    items = keys = values = lie


class LyingInt(Lying, int):
    pass


class LyingFloat(Lying, float):
    pass


class LyingStr(Lying, str):
    pass


class LyingList(Lying, list[Any]):  # type: ignore[misc]
    pass


class LyingTuple(Lying, tuple[Any, ...]):
    pass


class LyingDict(Lying, dict[Any, Any]):  # type: ignore[misc]
    pass


class Passing(int):
    """A number that passes for a list and is equal to everything."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return list

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Colour(enum.IntEnum):
    RED = 3


class Point(NamedTuple):
    x: int
    y: int


class Unequal(type):
    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        raise ZeroDivisionError

    @property
    def __mro__(cls) -> Any:
        raise ZeroDivisionError

    @property
    def __name__(cls) -> Any:  # type: ignore[override]
        raise ZeroDivisionError


class Odd(metaclass=Unequal):
    def __getattribute__(self, name: str) -> Any:
        raise ZeroDivisionError


class Foo:
    def __array__(self) -> Any:
        raise ZeroDivisionError

    def method(self) -> None:
        pass


class Tensor:
    """Looks like TensorFlow's, by the module that its class says it is of."""

    __module__ = "tensorflow.python.framework.ops"

    def __init__(self, values: Any) -> None:
        self.values = values

    def numpy(self) -> Any:
        if isinstance(self.values, Exception):
            raise self.values
        return self.values


class Stranger:
    def numpy(self) -> Any:
        return np.zeros(1)


class Variable(Tensor):
    __module__ = "keras.src.backend"


class KerasTensor:
    __module__ = "keras.src.backend.common.keras_tensor"


class Model:
    __module__ = "keras.src.models.model"


class Mine(Model):
    pass


def test_neither_keras_nor_tensorflow_is_imported() -> None:
    program = (
        "import sys, resnets_utils.border.call, resnets_utils.border.value_differences;"
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -(2**4096) + 1,
        0.1,
        -0.0,
        5e-324,
        math.inf,
        -math.inf,
        math.nan,
        complex(-0.0, math.nan),
        complex(math.inf, 1e308),
        "",
        "é😀\0\u202e\n\"'",
        [],
        (),
        {},
        [1, (2, [3.0]), {"a": None}],
        {"b": 1, "a": 2, 1.5: 3, None: 4, True: 5, ("a", (1, None)): 6, -1: 7, -2: 8},
        {math.inf: 1, -math.inf: 2, (math.inf,): 3},
        np.array(0.5),
        np.array("é"),
        np.array([["a", "longer"], ["", "😀"]]),
        np.zeros((0, 3)),
        np.zeros((3, 0), "U5"),
        np.zeros((1,) * 20),
        np.array([math.nan, -0.0, math.inf]),
    ],
    ids=repr,
)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    assert same(crossed(value), value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3, 4)])
def test_arrays_come_back_whatever_their_layout(
    dtype: str, order: Literal["<", ">"], shape: tuple[int, ...]
) -> None:
    numbers = np.random.default_rng(5)
    values = np.asarray(100 * numbers.random(shape)).astype(dtype)
    there = values.astype(np.dtype(dtype).newbyteorder(order)).copy(order="F")
    back = crossed(there)
    assert same(back, values)
    assert back.flags.writeable and back.flags.c_contiguous and back.dtype.isnative


def test_views_come_back_as_what_they_show() -> None:
    numbers = np.arange(24).reshape(4, 6)
    for view in (numbers[::-2, ::3], numbers.T, np.broadcast_to(numbers[0], (3, 6))):
        assert same(crossed(view), view.copy(order="C"))
    # Bytes other than 0 and 1 count as true.
    assert same(crossed(np.array([0, 2], np.uint8).view(bool)), np.array([False, True]))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (LyingInt(3), 3),
        (LyingFloat(0.5), 0.5),
        (LyingStr("a"), "a"),
        (LyingList([1, 2]), [1, 2]),
        (LyingTuple((1, 2)), (1, 2)),
        (LyingDict({1: 2}), {1: 2}),
        ({LyingStr("a"): 1}, {"a": 1}),
        (Passing(3), 3),
        (Colour.RED, 3),
        ({Colour.RED: 1}, {3: 1}),
        (Point(1, 2), (1, 2)),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(int, a=1), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64(0.1), 0.1),
        (np.float16(0.1), float(np.float16(0.1))),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.complex64(1j), 1j),
        (np.str_("a"), "a"),
        ({np.int64(3): 1, np.str_("a"): 2}, {3: 1, "a": 2}),
        (np.array([[1.0, 2.0]]).view(np.matrix), np.array([[1.0, 2.0]])),
        (np.ma.masked_array([1.0, 2.0], [False, True]), np.array([1.0, 2.0])),
        (np.array([1.0]).view(np.recarray), np.array([1.0])),
        (Tensor(np.array([1.0, 2.0])), np.array([1.0, 2.0])),
        (Tensor(np.float32(0.5)), np.array(0.5, np.float32)),
        (Variable(np.array([3])), np.array([3])),
        ([Variable(np.array([3]))], [np.array([3])]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_what_it_is_as_data(value: Any, plain: Any) -> None:
    assert same(crossed(value), plain)


def generator() -> Iterator[int]:
    yield 1


async def coroutine() -> None:
    pass


def cyclic() -> list[Any]:
    value: list[Any] = []
    value.append([value])
    return value


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


REFUSED: list[tuple[Callable[[], object], str]] = [
    (generator, "a generator, which is not plain data; return a list"),
    (lambda: range(3), "a range, which is not plain data; return a list"),
    (lambda: zip([1], strict=True), "an iterator (zip), which is not plain data; return a list"),
    (lambda: iter([1]), "an iterator (list_iterator), which is not plain data; return a list"),
    (lambda: {1: 2}.keys(), "a view of a dictionary, which is not plain data; return a list"),
    (lambda: {1: 2}.values(), "a view of a dictionary, which is not plain data; return a list"),
    (lambda: {1: 2}.items(), "a view of a dictionary, which is not plain data; return a list"),
    (lambda: {1}, "a set, which is not plain data; return a sorted list"),
    (lambda: frozenset(), "a set, which is not plain data; return a sorted list"),
    (lambda: b"a", "bytes, which are not plain data; return a text or an array"),
    (lambda: generator, "a function, which is not plain data; return what it gives"),
    (lambda: len, "a function, which is not plain data; return what it gives"),
    (lambda: Foo().method, "a function, which is not plain data; return what it gives"),
    (lambda: json, "a module, which is not plain data"),
    (lambda: Foo, "a class, which is not plain data; return an object's values"),
    (lambda: ..., "..., the three dots of a line that is not written yet"),
    (Foo, "an object of class Foo, which is not plain data"),
    (Stranger, "an object of class Stranger, which is not plain data"),
    (Odd, "an object of class Odd, which is not plain data"),
    (type("a\n" * 99, (), {}), f"an object of class {'a?' * 30}, which is not plain data"),
    (Model, "a Keras model, which is not plain data"),
    (Mine, "a Keras model, which is not plain data"),
    (KerasTensor, "a tensor that holds no values yet (KerasTensor)"),
    (lambda: Tensor(ValueError()), "a tensor (Tensor) whose values cannot be read"),
    (lambda: Tensor([1]), "a tensor (Tensor) whose values are not numbers"),
    (
        lambda: np.array([[1], [1, 2]], object),
        "an array of Python objects (rows of different lengths?)",
    ),
    (lambda: np.array(b"a"), "an array of bytes, which is not plain data; return texts"),
    (
        lambda: np.zeros(1, np.dtypes.StringDType()),
        "an array of texts of no fixed width, which is not plain data; return a list",
    ),
    (
        lambda: np.zeros(1, "M8[s]"),
        "an array of dtype datetime64[s], which is not plain data",
    ),
    (lambda: np.longdouble(1), "a value of NumPy's type longdouble, which is not plain data"),
    (
        lambda: np.timedelta64(1, "ns"),
        "a value of NumPy's type timedelta64, which is not plain data",
    ),
    (
        lambda: np.array([0x110000], "<u4").view("<U1"),
        "an array of texts with characters that do not exist",
    ),
    (
        lambda: np.array(["\ud800"]),
        "an array of texts with characters that do not exist",
    ),
    (lambda: "a\ud800", "a text with half a character in it (a lone surrogate)"),
    (
        lambda: np.broadcast_to(0.0, (10**9,)),
        "an array of 1,000,000,000 values, more than can be compared (250,000 of 8 bytes each)",
    ),
    (
        lambda: np.broadcast_to(np.float32(0), (10**5, 10**5)),
        "an array of 10,000,000,000 values, more than can be compared (500,000 of 4 bytes each)",
    ),
    (lambda: np.zeros((0, 10**12)), "an empty array of a size that cannot be compared"),
    (
        lambda: np.zeros(0, "U500001"),
        "an array of texts that are longer than can be compared",
    ),
    (lambda: np.zeros((1,) * 21), "an array of 21 dimensions, more than can be compared (20)"),
    (
        lambda: [np.zeros(125_001), np.zeros(125_000)],
        "arrays of more than 2,000,000 bytes in all, which is more than can be compared",
    ),
    (cyclic, "a list that contains itself or is nested more than 20 deep"),
    (lambda: nested(21), "a list that contains itself or is nested more than 20 deep"),
    (
        lambda: {"a": nested(20)},
        "a dictionary that contains itself or is nested more than 20 deep",
    ),
    (lambda: (nested(20),), "a tuple that contains itself or is nested more than 20 deep"),
    (lambda: [0] * 100_001, "a list of 100,001 items, more than can be compared (100,000)"),
    (
        lambda: [[0] * 50_000] * 2,
        "more than 100,000 items in all, which is more than can be compared",
    ),
    (
        lambda: dict.fromkeys(range(50_000)),
        "more than 100,000 items in all, which is more than can be compared",
    ),
    (
        lambda: "a" * 250_001,
        "a text of 250,001 bytes, more than can be compared (250,000)",
    ),
    (
        lambda: ["a" * 125_001] * 2,
        "texts and long numbers of more than 250,000 bytes in all, "
        "which is more than can be compared",
    ),
    (
        lambda: [2**4000] * 200,
        "texts and long numbers of more than 250,000 bytes in all, "
        "which is more than can be compared",
    ),
    (lambda: 2**4096, "a whole number of 4,097 bits, more than can be compared (4,096)"),
    (
        lambda: [1, {2}],
        "a list that holds a set, which is not plain data; return a sorted list",
    ),
    (
        lambda: ({"a": [Foo()]},),
        "a tuple that holds an object of class Foo, which is not plain data",
    ),
    (
        lambda: {math.nan: 1},
        "a dictionary with a key that is neither a number, a text nor a tuple of these",
    ),
    (
        lambda: {(1, math.nan): 1},
        "a dictionary with a key that is neither a number, a text nor a tuple of these",
    ),
    (
        lambda: {1j: 1},
        "a dictionary with a key that is neither a number, a text nor a tuple of these",
    ),
    (
        lambda: [{frozenset(): 1}],
        "a list that holds a dictionary with a key that is neither a number, a text "
        "nor a tuple of these",
    ),
    (
        lambda: {LyingInt(1): 1, 1: 2},
        "a dictionary with two keys that are the same as data",
    ),
    (
        lambda: {i * (2**61 - 1): 1 for i in range(17)},
        "a dictionary with too many keys of one hash value",
    ),
]


@pytest.mark.parametrize(("made", "words"), REFUSED, ids=[words[:50] for _, words in REFUSED])
def test_what_is_not_plain_is_refused_in_words(made: Callable[[], object], words: str) -> None:
    assert refusal(made()) == words


def test_a_coroutine_is_refused_in_words() -> None:
    value = coroutine()
    assert refusal(value) == "a coroutine, which is not plain data"
    value.close()


@pytest.mark.parametrize(
    "made",
    [
        lambda: [0] * 99_999,
        lambda: nested(20),
        lambda: "a" * 250_000,
        lambda: np.zeros(250_000),
        lambda: [np.zeros(125_000), np.zeros(125_000)],
        lambda: np.zeros((0, 200_000)),
        lambda: {i * (2**61 - 1): 1 for i in range(16)},
    ],
)
def test_as_much_as_the_bounds_allow_comes_back(made: Callable[[], Any]) -> None:
    value = made()
    assert same(crossed(value), value)


def test_an_exception_of_any_class_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(encoding, "_in_words", failing)
    assert refusal(Foo()) == "a value that cannot be read as plain data (ZeroDivisionError)"


def test_nothing_huge_is_made() -> None:
    huge = np.broadcast_to(0.0, (10**6, 10**6))
    bomb = json.dumps(["array", "bool", [2_000_000], ""])
    tracemalloc.start()
    try:
        for value in (huge, np.ma.masked_array(huge), [huge], range(10**12)):
            refusal(value)
        for data in (json.loads(bomb), ["array", "U500000", [0, 2_000_000], ""]):
            with pytest.raises(NotPlainData):
                decode(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def array(dtype: Any, shape: Any, raw: Any) -> list[Any]:
    text = base64.b64encode(raw).decode() if isinstance(raw, bytes) else raw
    return ["array", dtype, shape, text]


EIGHT = bytes(8)
FORGED: list[Any] = [
    None,
    1,
    "none",
    {},
    [],
    [None],
    [["none"]],
    ["None"],
    ["none", None],
    ["bool"],
    ["bool", 1],
    ["bool", True, True],
    ["int", True],
    ["int", 1.0],
    ["int", "1"],
    ["int", 2**4096],
    ["float", 1],
    ["float", True],
    ["float", "1.0"],
    ["float", "NaN"],
    ["float", math.nan],
    ["float", math.inf],
    ["float", ["nan"]],
    ["complex", 1.0],
    ["complex", 1.0, 1],
    ["str", 1],
    ["str", None],
    ["str", "\ud800"],
    ["str", "a" * 250_001],
    ["list", {}],
    ["list", "ab"],
    ["list", [1]],
    ["list", [["none"]] * 100_001],
    ["list", [["list", [["none"]] * 50_000]] * 2],
    ["list", [["str", "a" * 125_001]] * 2],
    ["list", [["int", 2**4000]] * 200],
    ["tuple", ["none"]],
    ["dict", {}],
    ["dict", [["none"]]],
    ["dict", [[["none"], ["none"], ["none"]]]],
    ["dict", [[["none"], 1]]],
    ["dict", [[["float", "nan"], ["none"]]]],
    ["dict", [[["tuple", [["float", "nan"]]], ["none"]]]],
    ["dict", [[["list", []], ["none"]]]],
    ["dict", [[["tuple", [["list", []]]], ["none"]]]],
    ["dict", [[["dict", []], ["none"]]]],
    ["dict", [[["complex", 1.0, 1.0], ["none"]]]],
    ["dict", [[array("bool", [], b"\0"), ["none"]]]],
    ["dict", [[["int", 1], ["none"]], [["int", 1], ["none"]]]],
    ["dict", [[["int", 1], ["none"]], [["float", 1.0], ["none"]]]],
    ["dict", [[["int", 1], ["none"]], [["bool", True], ["none"]]]],
    ["dict", [[["int", i * (2**61 - 1)], ["none"]] for i in range(17)]],
    ["array", "bool", []],
    [*array("float64", [1], EIGHT), 0],
    array("object", [1], EIGHT),
    array("<f8", [1], EIGHT),
    array("float128", [1], bytes(16)),
    array("M8[s]", [1], EIGHT),
    array("U0", [1], ""),
    array("U01", [1], bytes(4)),
    array("U١", [1], bytes(4)),
    array("U1\n", [1], bytes(4)),
    array("U500001", [0], ""),
    array(["float64"], [1], EIGHT),
    array(None, [1], EIGHT),
    array("float64", 1, EIGHT),
    array("float64", "1", EIGHT),
    array("float64", {}, EIGHT),
    array("float64", [True], EIGHT),
    array("float64", [1.0], EIGHT),
    array("float64", [-1], EIGHT),
    array("float64", [-1, -1], EIGHT),
    array("float64", [2**63], EIGHT),
    array("float64", [2**32, 2**32], ""),
    array("float64", [0, 10**30], ""),
    array("float64", [0, 10**5, 10**5], ""),
    array("float64", [1] * 21, EIGHT),
    array("float64", [1] * 64, EIGHT),
    array("float64", [1] * 1000, EIGHT),
    array("float64", [250_001], bytes(8 * 250_001)),
    array("float64", [10**30, 0], ""),
    ["list", [array("float64", [125_001], bytes(8 * 125_001))] * 2],
    array("float64", [2], EIGHT),
    array("float64", [1], bytes(9)),
    array("float64", [1], bytes(7)),
    array("float64", [0], EIGHT),
    array("float64", [1], "AAAAAAAAAA=="),
    array("float64", [1], "AAAAAAAAAA!="),
    array("float64", [1], "AAAAAAAAAA\n="),
    array("float64", [1], "AAAAAAAAAAé="),
    array("float64", [1], "AAAAAAAA===="),
    array("float64", [1], [0] * 12),
    array("float64", [1], None),
    array("bool", [1], b"\2"),
    array("U1", [1], b"\0\0\x11\0"),
    array("U1", [1], b"\xff\xff\xff\xff"),
    array("U1", [1], b"\0\xd8\0\0"),
    array("U1", [1], b"\xff\xdf\0\0"),
]


@pytest.mark.parametrize("data", FORGED, ids=lambda data: repr(data)[:60])
def test_forged_data_is_refused(data: Any) -> None:
    with pytest.raises(NotPlainData) as caught:
        decode(data)
    # Not by the net under the reader.
    assert not caught.value.__cause__


@pytest.mark.parametrize("tag", ["list", "tuple"])
def test_data_of_any_depth_is_refused(tag: str) -> None:
    deep: list[Any] = ["none"]
    for _ in range(20):
        deep = [tag, [deep]]
    decode(deep)
    with pytest.raises(NotPlainData, match=re.escape("nested more than 20 deep")):
        decode([tag, [deep]])
    cycle: list[Any] = [tag, []]
    cycle[1].append(cycle)
    with pytest.raises(NotPlainData, match=re.escape("nested more than 20 deep")):
        decode(cycle)


def test_the_reader_has_a_net_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(decoding, "_float_of_form", failing)
    with pytest.raises(NotPlainData, match="data that cannot be read"):
        decode(["float", 0.5])


# --- By chance, from seeds ------------------------------------------------------------------


def some_array(chance: random.Random) -> Any:
    shape = tuple(chance.randrange(4) for _ in range(chance.randrange(4)))
    numbers = np.random.default_rng(chance.randrange(10**6))
    if chance.random() < 0.2:
        return numbers.choice(["", "a", "é😀", "long text"], shape)
    with np.errstate(all="ignore"):
        values = numbers.standard_normal(shape) * 10.0 ** chance.randrange(-3, 12)
        return np.asarray(values).astype(chance.choice(DTYPES))


def some_key(chance: random.Random) -> Any:
    if chance.random() < 0.2:
        return tuple(some_key(chance) for _ in range(chance.randrange(3)))
    return chance.choice([None, True, chance.randrange(-3, 9), chance.random(), "a", "b", "é"])


def some_value(chance: random.Random, depth: int = 0) -> Any:
    draw = chance.random()
    if depth < 4 and draw < 0.5:
        items = [some_value(chance, depth + 1) for _ in range(chance.randrange(5))]
        if draw < 0.2:
            return items
        return tuple(items) if draw < 0.3 else {some_key(chance): item for item in items}
    if draw < 0.7:
        return some_array(chance)
    return chance.choice(
        [
            None,
            True,
            chance.randrange(-(2 ** chance.randrange(1, 200)), 10),
            chance.gauss(0, 10.0 ** chance.randrange(-300, 300)),
            complex(chance.random(), -0.0),
            math.nan,
            -math.inf,
            "".join(chance.choices("ab é😀\0\\\"'", k=chance.randrange(9))),
        ]
    )


def test_values_drawn_by_chance_come_back() -> None:
    chance = random.Random(2024)
    for _ in range(1_000):
        value = some_value(chance)
        assert same(crossed(value), value)


PARTS: list[Any] = [None, True, False, 0, 1, -1, 2**64, 0.5, math.nan, "", "nan", "none", "bool"]
PARTS += [
    "int",
    "float",
    "complex",
    "str",
    "list",
    "tuple",
    "dict",
    "array",
    "U3",
    "AAAA",
    "\ud800",
]
PARTS += [*DTYPES, [], {}, [1], [0, 2], [-1], ["none"], ["int", 1], ["list", []], 10**30, 1e308]


def places_in(data: Any) -> list[list[Any]]:
    """Every list in the data, to change something in."""
    found = [data]
    for part in data:
        if isinstance(part, list):
            found += places_in(part)
    return found


def mutate(data: Any, chance: random.Random) -> None:
    """Change one thing: mostly what stands in a form, sometimes the form."""
    place = chance.choice(places_in(data))
    if not place or chance.random() < 0.1:
        place.insert(chance.randrange(len(place) + 1), copy.deepcopy(chance.choice(PARTS)))
        return
    at = chance.randrange(len(place))
    part, draw = place[at], chance.random()
    if draw < 0.15:
        del place[at]
    elif draw < 0.3:
        place[at] = copy.deepcopy(chance.choice(PARTS))
    elif isinstance(part, list):
        place[at] = copy.deepcopy(chance.choice(places_in(data)))
    elif isinstance(part, str) and part in DTYPES:
        place[at] = chance.choice(DTYPES)
    elif isinstance(part, str) and part and at:
        cut = chance.randrange(len(part))
        place[at] = part[:cut] + chance.choice(["", "A", "=", "é", "\n"]) + part[cut + 1 :]
    elif isinstance(part, (int, float)):
        place[at] = part * chance.choice([-1, 2, 10**6, 1.0])
    else:
        place[at] = chance.choice(["list", "tuple", "dict", "str", "int", "float", "array"])


def test_mutated_encodings_are_read_or_refused() -> None:
    chance = random.Random(7)
    outcomes: collections.Counter[str] = collections.Counter()
    start = time.monotonic()
    for _ in range(3_000):
        data = encode(some_value(chance))
        for _ in range(chance.choice([1, 1, 2, 5])):
            mutate(data, chance)
        try:
            value = decode(data)
        except NotPlainData as refused:
            # Not by the net under the reader.
            assert refused.__cause__ is None, data
            outcomes[str(refused)] += 1
        else:
            # What was read is plain, and in one form only.
            assert same(crossed(value), value)
            outcomes["read"] += 1
    assert outcomes["read"] > 300 and len(outcomes) > 15, outcomes
    assert time.monotonic() - start < 30
