"""Values compared with the exercise's: what agrees, and the sentence that says what does not."""

from __future__ import annotations

import itertools
import math
import random
import time
from typing import Any

import numpy as np
import pytest

from resnets_utils.border.agreement import arrays_agree, numbers_agree
from resnets_utils.border.value_differences import dtype_of, first_difference_of_values, shape_of
from resnets_utils.border.value_text import show

LONG = 10**400
WIDE = 2**53 + 1


def array(*values: Any, dtype: Any = None) -> Any:
    return np.array(values, dtype)


@pytest.mark.parametrize(
    ("got", "expected", "tolerance"),
    [
        (None, None, 0.0),
        (3, 3.0, 0.0),
        (3.0, 3, 0.0),
        (3, 3 + 0j, 0.0),
        (-0.0, 0.0, 0.0),
        (LONG, LONG, 0.0),
        (LONG + 1, LONG, 1e-9),
        (WIDE, WIDE + 1, 1e-3),
        (10**17, 1e17 + 1e-3j, 1e-2),
        (math.nan, math.nan, 0.0),
        (math.inf, math.inf, 0.0),
        (-math.inf, -math.inf, 1.0),
        (complex(math.nan, 1), complex(math.nan, 1), 0.0),
        (complex(math.inf, 1), complex(math.inf, 1.05), 0.1),
        # Absolute up to 1, relative from there on, to what is expected.
        (0.05, 0.0, 0.1),
        (0.25, 0.5, 0.25),
        (1100, 1000, 0.1),
        (1j + 0.05, 1j, 0.1),
        (1e308 + 1e308j, 1.01e308 + 1e308j, 0.1),
        (1.7e308 + 1.7e308j, 1.69e308 + 1.7e308j, 0.1),
        (True, True, 0.0),
        ("é", "é", 0.0),
        ([1, (2,)], (1.0, [2.0]), 0.0),
        ([], (), 0.0),
        ({"a": 1, "b": [2]}, {"b": (2.0,), "a": 1.0}, 0.0),
        ({1: "a", (1, 2): "b"}, {1.0: "a", (1.0, 2): "b"}, 0.0),
        (np.array(3), 3.0, 0.0),
        (3, np.array(3.0), 0.0),
        (np.array(3.0), np.array(3), 0.0),
        ([np.array(3)], [3], 0.0),
        (np.array(True), True, 0.0),
        (np.array("a"), "a", 0.0),
        (array(1, 2), array(1.0, 2.0), 0.0),
        (array(0.1, dtype="float32"), array(0.1), 1e-6),
        (array(0.5, dtype="float16"), array(0.5, dtype="complex128"), 0.0),
        (array(1, dtype="uint8"), array(1, dtype="complex64"), 0.0),
        (array(True), array(True), 0.0),
        (array("a", "bcd"), array("a", "bcd", dtype="U9"), 0.0),
        (array(math.nan, math.inf), array(math.nan, math.inf), 0.0),
        (array(2**63 - 1), array(2**63 - 1, dtype="uint64"), 0.0),
        (np.zeros((0, 3)), np.zeros((0, 3), int), 0.0),
    ],
    ids=repr,
)
def test_values_that_agree(got: Any, expected: Any, tolerance: float) -> None:
    assert first_difference_of_values(got, expected, tolerance) == ""
    assert first_difference_of_values(got, expected, tolerance, reveal=False) == ""


NOT_ASKED = ", which is not what the exercise asks for"
TABLE: list[tuple[Any, Any, float, str, str]] = [
    (3, 4, 0.0, "result is 3; expected 4", "result is 3"),
    (None, 3, 0.0, "result is None; expected 3", "result is None"),
    ("3", 3, 0.0, "result is '3'; expected 3", "result is '3'"),
    ("a", "A", 0.0, "result is 'a'; expected 'A'", "result is 'a'"),
    ("a", "a ", 0.0, "result is 'a'; expected 'a '", "result is 'a'"),
    (1, True, 0.0, "result is 1; expected True", "result is 1"),
    (True, 1.0, 1.0, "result is True; expected 1.0", "result is True"),
    (np.array(1), True, 0.0, "result is 1; expected True", "result is 1"),
    (math.nan, 1.0, 9.0, "result is nan; expected 1.0", "result is nan"),
    (1.0, math.nan, 9.0, "result is 1.0; expected nan", "result is 1.0"),
    (math.inf, 1.0, 9.0, "result is inf; expected 1.0", "result is inf"),
    (1.0, math.inf, 9.0, "result is 1.0; expected inf", "result is 1.0"),
    (-math.inf, math.inf, 9.0, "result is -inf; expected inf", "result is -inf"),
    (1.7e308, -1.7e308, 1.5, "result is 1.7e+308; expected -1.7e+308", "result is 1.7e+308"),
    (LONG, math.inf, 9.0, "expected inf", "digits)"),
    (LONG, 1.5j, 9.0, "expected (0+1.5j)", "digits)"),
    (0.11, 0.0, 0.1, "result is 0.11; expected 0.0", "result is 0.11"),
    (1000, 1101, 0.09, "result is 1000; expected 1101", "result is 1000"),
    (1j, 1j + 0.11, 0.1, "result is (0+1j); expected (0.11+1j)", "result is (0+1j)"),
    (
        complex(math.inf, 1),
        complex(math.inf, 2),
        0.1,
        "result is (inf+1j); expected (inf+2j)",
        "result is (inf+1j)",
    ),
    # The difference is seen, whatever it takes.
    (3, 3 + 1e-12, 0.0, "result is 3; expected 3.000000000001", "result is 3"),
    (0.1 + 0.2, 0.3, 0.0, "result is 0.30000000000000004; expected 0.3", "result is 0.3"),
    (float(2**53), WIDE, 0.0, "expected 9007199254740993", "result is 9.0071993e+15"),
    (
        "a" * 200 + "b",
        "a" * 200 + "c",
        0.0,
        f"result is '{'a' * 115}...', with 'b' from character 201 on; expected 'c' there",
        f"result is '{'a' * 115}...'",
    ),
    (
        10**100,
        10**100 + 10**50,
        0.0,
        "result is 100000000000000...000000000000000 (101 digits); "
        "expected one with other digits where some are left out here",
        "result is 100000000000000...000000000000000 (101 digits)",
    ),
    # Sequences.
    ([1, 2, 3], [1, 2, 3, 4], 0.0, "result has 3 items; expected 4", "result has 3 items"),
    ((1,), [], 0.0, "result has 1 item; expected 0", "result has 1 item"),
    ([1, [2, 3]], [1, [2, 4]], 0.0, "result[1][1] is 3; expected 4", "result[1][1] is 3"),
    (
        [0, {"loss": 0.5}],
        [0, {"loss": 0.7}],
        0.0,
        "result[1]['loss'] is 0.5; expected 0.7",
        "result[1]['loss'] is 0.5",
    ),
    # Dictionaries.
    ({}, {"a": 1}, 0.0, "result lacks the key 'a'", "result is an empty dictionary"),
    (
        {"a": 1},
        {},
        0.0,
        "result has the key 'a', not expected",
        "result is a dictionary with the keys 'a'",
    ),
    (
        {"a": 1, "b": 2, 3: 4},
        {"b": 2, "c": 3, "d": 4},
        0.0,
        "result lacks the keys 'c', 'd' and has the keys 'a', 3, not expected",
        "result is a dictionary with the keys 'a', 'b', 3",
    ),
    (
        {1: "a"},
        {True: "a"},
        0.0,
        "result lacks the key True and has the key 1, not expected",
        "result is a dictionary with the keys 1",
    ),
    (
        {(1, 2): "a"},
        {(True, 2): "a"},
        0.0,
        "result lacks the key (True, 2) and has the key (1, 2), not expected",
        "result is a dictionary with the keys (1, 2)",
    ),
    (
        {("truth value", 1): 1},
        {True: 1},
        0.0,
        "result lacks the key True and has the key ('truth value', 1), not expected",
        "result is a dictionary with the keys ('truth value', 1)",
    ),
    ({1: 5}, {1.0: 6}, 0.0, "result[1.0] is 5; expected 6", "result[1.0] is 5"),
    # Other kinds.
    (
        [1, 2, 3],
        array(1, 2, 3),
        0.0,
        "result is a list where the exercise returns an array of shape (3,)",
        "result is a list",
    ),
    (
        array(1, 2, 3),
        (1, 2, 3),
        0.0,
        "result is an array of shape (3,) where the exercise returns a tuple",
        "result is an array of shape (3,)",
    ),
    ((1,), {}, 0.0, "result is a tuple where the exercise returns a dictionary", "is a tuple"),
    (None, [1], 0.0, "result is None where the exercise returns a list", "result is None"),
    (
        3,
        array(3),
        0.0,
        "result is a number where the exercise returns an array of shape (1,)",
        "result is a number",
    ),
    ([3], np.array(3), 0.0, "result is a list where the exercise returns a number", "is a list"),
    ([["a"]], [[[]]], 0.0, "result[0][0] is a text where", "result[0][0] is a text"),
    # Arrays.
    (
        array(1, 2, 3),
        array([1, 2, 3]),
        0.0,
        "result has shape (3,); expected (1, 3)",
        "result is an array of shape (3,)",
    ),
    (
        np.array(3),
        array(3),
        0.0,
        "result has shape (); expected (1,)",
        "result is an array of shape ()",
    ),
    (
        array(3),
        np.array(3),
        0.0,
        "result has shape (1,); expected ()",
        "result is an array of shape (1,)",
    ),
    (
        array(0, 1),
        array(False, True),
        0.0,
        "result is an array of numbers where the exercise returns one of truth values",
        "result is an array of numbers",
    ),
    (
        array(False, True),
        array(0, 1),
        0.0,
        "result is an array of truth values where the exercise returns one of numbers",
        "result is an array of truth values",
    ),
    (
        array("1"),
        array(1),
        0.0,
        "result is an array of texts where the exercise returns one of numbers",
        "result is an array of texts",
    ),
    (
        array([0.1, 0.2, 0.5], [1.0, 2.0, 4.0]),
        array([0.1, 0.2, 0.7], [1.0, 2.0, 3.0]),
        0.01,
        "the first difference is at result[0, 2]: 0.5; expected 0.7 (2 of 6 values differ)",
        "result[0, 2] is 0.5",
    ),
    (
        [array(1, 2)],
        [array(1, 3)],
        0.0,
        "the first difference is at result[0][1]: 2; expected 3 (1 of 2 values differs)",
        "result[0][1] is 2",
    ),
    (array(1), array(2), 0.0, "result[0] is 1; expected 2", "result[0] is 1"),
    (array(1101), array(1000), 0.1, "result[0] is 1101; expected 1000", "[0] is 1101"),
    (array(1j + 1100.5), array(1000), 0.1, "expected 1000", "result[0] is (1100.5+1j)"),
    (array("cat"), array("dog"), 0.0, "result[0] is 'cat'; expected 'dog'", "[0] is 'cat'"),
    (array(True), array(False), 0.0, "result[0] is True; expected False", "[0] is True"),
    (array(math.nan), array(1.0), 9.0, "result[0] is nan; expected 1.0", "[0] is nan"),
    (array(1.0), array(math.inf), 9.0, "result[0] is 1.0; expected inf", "[0] is 1.0"),
    (
        array(WIDE),
        array(float(2**53)),
        0.0,
        "result[0] is 9007199254740993; expected 9007199254740992.0",
        "result[0] is 9007199254740993",
    ),
]


@pytest.mark.parametrize(("got", "expected", "tolerance", "said", "hidden"), TABLE)
def test_the_sentence_names_the_place_and_both_values(
    got: Any, expected: Any, tolerance: float, said: str, hidden: str
) -> None:
    sentence = first_difference_of_values(got, expected, tolerance)
    complete = said.startswith(("result", "the first")) and not said.endswith("where")
    assert sentence == said if complete else said in sentence
    sentence = first_difference_of_values(got, expected, tolerance, reveal=False)
    assert sentence.endswith(hidden + NOT_ASKED)
    assert sentence.startswith("result")


@pytest.mark.parametrize(
    ("got", "wrong"),
    [
        (5, [6, "x", None, True, [1], {}, array(7), array(7, 8)]),
        ([5], [[6], [5, 6], [None], ["x"], 6, {}, array(6)]),
        ({"a": 5}, [{"b": 5}, {"a": 5, "b": 6}, {}, {"a": 6}, {"a": "x"}, [6], array(6)]),
        (array(5, 5), [array(5, 6), array(5, 7), array(6), array(True, True), array("x", "y")]),
    ],
    ids=repr,
)
def test_a_sentence_that_hides_tells_nothing_of_what_is_expected(got: Any, wrong: Any) -> None:
    for other in wrong:
        sentence = first_difference_of_values(got, other, reveal=False)
        assert sentence.endswith(NOT_ASKED)
        assert not any(hint in sentence for hint in ("6", "7", "'x'", "True", "'b'", "expected"))


def test_a_tolerance_must_be_one() -> None:
    for tolerance in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="tolerance"):
            first_difference_of_values(1, 1, tolerance)


def test_what_is_not_plain_data_is_an_error() -> None:
    with pytest.raises(TypeError, match="set is not plain data"):
        first_difference_of_values({1}, {1})
    with pytest.raises(TypeError, match="set is not plain data"):
        show({1})


SPECIAL = [0.0, -0.0, 1.0, 1.05, 1.2, -1.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 2.0**53]
WHOLE = [0, 1, -1, 2**53, WIDE, 2**63 - 1, -(2**63)]
COMPLEX = [1j, complex(math.nan, 1), complex(1, math.nan), complex(math.inf, 1), 1e308 + 1e308j]
COMPLEX += [complex(math.inf, 1.05), complex(-math.inf, 1), 1.05 + 0j]


@pytest.mark.parametrize("tolerance", [0.0, 1e-9, 0.1])
def test_numbers_agree_alone_as_they_do_in_arrays(tolerance: float) -> None:
    chance = random.Random(3)
    numbers: list[Any] = [*SPECIAL, *WHOLE, *COMPLEX, *(chance.gauss(0, 1) for _ in range(10))]
    for got, expected in itertools.product(numbers, repeat=2):
        agree = numbers_agree(got, expected, tolerance)
        within = arrays_agree(array(got), array(expected), tolerance)
        assert within.tolist() == [agree], (got, expected)


def test_numbers_that_are_finite_agree_as_the_rule_says() -> None:
    chance = random.Random(4)
    for _ in range(2_000):
        expected = chance.gauss(0, 10.0 ** chance.randrange(-3, 4))
        got = expected + chance.gauss(0, 0.1) * chance.choice([1, abs(expected)])
        agree = abs(got - expected) <= 0.1 * max(1, abs(expected))
        assert numbers_agree(got, expected, 0.1) == agree


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (3, "3"),
        (3.0, "3.0"),
        (-0.0, "-0.0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.33333333"),
        (1e20, "1e+20"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (1 + 2.5j, "(1+2.5j)"),
        (complex(-0.5, -1), "(-0.5-1j)"),
        (10**39, "1" + "0" * 39),
        (-(10**40), "-10000000000000...000000000000000 (41 digits)"),
        (1 << 20_000, "a whole number of 20,001 bits"),
        ("it's", '"it\'s"'),
        ("é\n\u202e😀\0", "'é\\n\\u202e😀\\x00'"),
        ([], "[]"),
        ((), "()"),
        ({}, "{}"),
        ((1,), "(1,)"),
        ([1, (2.0, "a"), {"b": None}], "[1, (2.0, 'a'), {'b': None}]"),
        (np.array(0.5), "array(0.5, shape (), float64)"),
        (np.array([1, 2]), "array([1, 2], shape (2,), int64)"),
        (np.array([[0.1], [0.2]], "float32"), "array([[0.1], [0.2]], shape (2, 1), float32)"),
        (np.array(["a"]), "array(['a'], shape (1,), str)"),
        (np.zeros((0, 2)), "array([], shape (0, 2), float64)"),
        ([np.array([True])], "[array([True], shape (1,), bool)]"),
    ],
    ids=lambda value: show(value),
)
def test_values_are_shown_as_python_writes_them(value: Any, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a" * 50, "'" + "a" * 36 + "...'"),
        ("\n" * 50, "'" + "\\n" * 18 + "...'"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...]"),
        (tuple(range(100)), "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...)"),
        ([list(range(100))] * 2, "[[0, 1, 2, 3, 4, 5, 6, 7, 8, ...], [...]]"),
        ({i: "a" for i in range(100)}, "{0: 'a', 1: 'a', 2: 'a', 3: 'a', ...}"),
        ({1: list(range(100))}, "{1: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]}"),
        (np.arange(1000.0), "array([0.0, ...], shape (1000,), float64)"),
        (np.zeros((9,) * 5), "array(..., shape (9, 9, 9, 9, 9), float64)"),
        (np.zeros((1,) * 20), "..."),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_does_not_fit_is_left_out(value: Any, text: str) -> None:
    limit = 42 if isinstance(value, np.ndarray) else 41
    assert show(value, limit) == text


def some_value(chance: random.Random, depth: int = 0) -> Any:
    draw = chance.random()
    if depth < 4 and draw < 0.5:
        items = [some_value(chance, depth + 1) for _ in range(chance.randrange(6))]
        if draw < 0.2:
            return items
        return tuple(items) if draw < 0.3 else {chance.random(): item for item in items}
    if draw < 0.6:
        return np.ones([chance.randrange(5) for _ in range(chance.randrange(5))])
    return chance.choice([None, chance.gauss(0, 1), 10 ** chance.randrange(99), "a\0é" * 9, 1j])


def test_no_text_is_longer_than_its_limit() -> None:
    chance = random.Random(6)
    for _ in range(2_000):
        value, limit = some_value(chance), chance.randrange(3, 300)
        text = show(value, limit)
        assert len(text) <= limit and text.isprintable(), (value, limit)
        # What fits is shown whole, apart from the room that is kept for dots.
        whole = show(value, 10**6)
        if len(whole) + 60 <= limit:
            assert text == whole
        assert text == whole or "..." in text


def test_a_sentence_is_short_whatever_is_compared() -> None:
    deep: Any = "x" * 1000
    other: Any = "y" * 1000
    for _ in range(18):
        deep, other = {"k" * 1000: deep}, {"k" * 1000: other}
    for reveal in (True, False):
        said = first_difference_of_values(deep, other, reveal=reveal)
        assert len(said) < 450 and said.startswith("result['kkk")
    assert "...'] is 'xxx" in first_difference_of_values(deep, other)
    many = {str(i) * 50: i for i in range(1000)}
    for got, expected in ((many, {}), ({}, many)):
        assert len(first_difference_of_values(got, expected)) < 450


def test_large_values_are_compared_and_shown_in_a_moment() -> None:
    start = time.monotonic()
    numbers = np.arange(250_000, dtype=float)
    assert first_difference_of_values(numbers, numbers + 1e-12, 1e-9) == ""
    assert show(numbers) and show(numbers.reshape(-1, 2))
    assert first_difference_of_values([0.1] * 99_999, [0.1] * 99_999, 1e-9) == ""
    assert first_difference_of_values([WIDE] * 9_999, [WIDE + 1] * 9_999, 1e-3) == ""
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [
        (np.zeros((2, 3)), (2, 3), "float64"),
        (np.array(1, "uint8"), (), "uint8"),
        (np.array(["abc"]), (1,), "str"),
        (1, (), "int"),
        (True, (), "bool"),
        (0.5, (), "float"),
        (1j, (), "complex"),
        ("a", None, None),
        (None, None, None),
        ({"a": 1}, None, None),
        ([1, np.zeros(2), ("a", [])], [(), (2,), [None, []]], ["int", "float64", [None, []]]),
    ],
    ids=repr,
)
def test_shapes_and_dtypes(value: Any, shape: Any, dtype: Any) -> None:
    assert shape_of(value) == shape and type(shape_of(value)) is type(shape)
    assert dtype_of(value) == dtype
