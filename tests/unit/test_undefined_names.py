"""The reason of an undefined function is the error of the cell that should have defined it."""

from __future__ import annotations

import pytest

from coursekit.grading.undefined_names import HERE, CellEnd, CellEnds, error_in_words

NAME = "identity_block"
ANSWERS = {NAME: NAME}
MISSING = "ModuleNotFoundError: No module named 'my_blocks'"
OTHER = "ZeroDivisionError: division by zero"

TEXTS = {
    "a condition": f"1 / 0\nif True:\n    def {NAME}(X): return X",
    "a decorator": f"@nothing\ndef {NAME}(X): return X",
    "an import": f"from my_blocks import {NAME}",
    "an import by another name": f"from my_blocks import block as {NAME}",
    "a module of that name": f"import {NAME}",
    "a class": f"class {NAME}: pass",
    "a lambda": f"{NAME} = lambda X: X",
    "a condition's value": f"({NAME} := None)",
    "exec": f"exec('''def {NAME}(X): return X''')",
    "globals": f"globals()['{NAME}'] = 1 / 0",
    "a loop": f"for {NAME} in one: pass",
    "what Python cannot read": f"def {NAME}(X:\n  return X",
}


def ended(text: str, name: str = "", why: str = OTHER, stopped: bool = False) -> CellEnd:
    return CellEnd(text, name, why, stopped)


def ends(*found: CellEnd, left_out: dict[str, str] | None = None, python: str = HERE) -> CellEnds:
    made = CellEnds(ANSWERS, left_out or {}, python)
    for one in found:
        made.add(one)
    return made


@pytest.mark.parametrize("text", TEXTS)
def test_the_cell_that_should_have_defined_a_function_is_found(text: str) -> None:
    made = ends(
        ended(TEXTS[text]), ended(f"print({NAME})", why="NameError: x"), ended("1 / 0", why="no")
    )
    assert made.cause_of(NAME) == f"its cell ended in {OTHER}"


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("ValueError", "no", "ValueError: no"),
        ("ValueError", "", "ValueError"),
        ("ValueError", " \n", "ValueError"),
        ("", "no", "no"),
        ("", "", "an error without a name"),
    ],
)
def test_an_error_without_words_or_name_is_told_by_the_other(
    name: str, words: str, told: str
) -> None:
    assert error_in_words(name, words) == told


def test_of_two_cells_that_should_have_defined_it_the_last_counts() -> None:
    made = ends(ended(f"{NAME} = 1", why=MISSING), ended(f"{NAME} = 2"))
    assert made.cause_of(NAME) == f"its cell ended in {OTHER}"


def test_the_answers_own_cell_counts_where_no_text_names_the_function() -> None:
    star = "from my_blocks import *"
    assert ends(ended("1/0"), ended(star, NAME, MISSING)).cause_of(NAME).endswith(MISSING)
    assert ends(ended("1/0"), ended(star, "", MISSING)).cause_of(NAME).endswith(MISSING)
    assert ends(ended("1/0")).cause_of(NAME) == ""


def test_a_cell_that_was_stopped_is_the_cause_too() -> None:
    text = f"while True: pass\ndef {NAME}(X): return X"
    why = "stopped after 300 s in cell 7"
    found = ends(ended(text, why=why, stopped=True)).cause_of(NAME)
    assert found == f"its cell did not end: {why}"


def test_a_missing_name_leads_on_to_its_own_cell() -> None:
    made = ends(
        ended("from my_blocks import make", why=MISSING),
        ended(f"{NAME} = make(3)", why="NameError: name 'make' is not defined"),
    )
    assert made.cause_of(NAME) == (
        f"its cell ended in NameError: name 'make' is not defined, whose cell ended in {MISSING}"
    )
    reason = "NameError: name 'make' is not defined"
    assert made.explained(reason) == f"{reason}: its cell ended in {MISSING}"
    assert made.explained("ValueError: no") == "ValueError: no"
    chain = [ended(f"n{at} = n{at + 1}", why=f"name 'n{at + 1}' is not defined") for at in range(9)]
    assert ends(*chain).cause_of("n0").count("ended") == 3
    circle = ends(ended("a = b", why="NameError: name 'a' is not defined"))
    assert circle.cause_of("a").count("ended") == 1


LEFT = {"deep/my_blocks.py": "it is larger than 500 KB", "data.bin": "why not", "json.py": "taken"}


@pytest.mark.parametrize(
    ("text", "why", "named"),
    [
        (f"from my_blocks import {NAME}", MISSING, "deep/my_blocks.py"),
        (f"import deep.my_blocks\n{NAME} = f", MISSING.replace("my", "deep.my"), "deep"),
        (f"%run my_blocks.py\n{NAME} = f", "Exception: File `'my_blocks.py'` not", "deep"),
        (f"{NAME} = open('data.bin')", "FileNotFoundError: [Errno 2]: 'data.bin'", "data.bin"),
        (f"from json import {NAME}", f"ImportError: cannot import name '{NAME}' from 'json'", "js"),
        (f"import json\n{NAME} = json.f", "AttributeError: module 'json' has no 'f'", "json.py"),
        (f"from json import *\n{NAME} = f", "NameError: name 'f' is not defined", "json.py"),
    ],
)
def test_a_file_that_was_left_out_is_named_in_what_fails_without_it(
    text: str, why: str, named: str
) -> None:
    made = ends(ended(text, why=why), left_out=LEFT)
    assert f"; {named}" in made.cause_of(NAME)
    assert "was handed in and left out: " in made.cause_of(NAME)
    if text.startswith(f"{NAME} ="):
        assert f"; {named}" in made.explained(why)


def test_a_file_is_named_too_where_the_cell_catches_the_error() -> None:
    text = f"try:\n    from my_blocks import {NAME}\nexcept ImportError:\n    pass"
    made = ends(ended(text, why=""), left_out=LEFT)
    assert made.cause_of(NAME) == (
        "deep/my_blocks.py was handed in and left out: it is larger than 500 KB"
    )
    assert ends(ended(text, why="")).cause_of(NAME) == ""


def test_other_errors_name_no_file() -> None:
    made = ends(ended(f"import json\ndef {NAME}(X): 1", why=OTHER), left_out=LEFT)
    assert "left out" not in made.cause_of(NAME)
    assert "left out" not in made.explained("ValueError: json")
    for other in ("json5", "my_json", "keras.json"):
        missing = f"ModuleNotFoundError: No module named '{other}'"
        assert made.explained(missing) == missing


SYNTAX = "SyntaxError: f-string: expecting '}' (<ipython>, line 3)"


@pytest.mark.parametrize("python", ["3.99", "3.14", "2.7"])
def test_text_of_another_python_is_told_with_both_versions(python: str) -> None:
    text = f"""def {NAME}(X): return f"{{X["a"]}}" """
    found = ends(ended(text, why=SYNTAX), python=python).cause_of(NAME)
    assert found == (
        f"its cell ended in {SYNTAX}; the notebook was written with Python {python}, and Python "
        f"{HERE} graded it: write what Python {HERE} can read, or ask to have it graded with "
        f"Python {python}"
    )
    missing = "ImportError: cannot import name 'batched' from 'itertools'"
    found = ends(ended(text, why=missing), python=python).cause_of(NAME)
    assert found.endswith(f"written with Python {python}, and Python {HERE} graded it")
    assert "Python" not in ends(ended(text, why=OTHER), python=python).cause_of(NAME)


def test_without_another_version_no_version_is_blamed() -> None:
    text = f"def {NAME}(X: return X"
    assert ends(ended(text, why=SYNTAX)).cause_of(NAME) == f"its cell ended in {SYNTAX}"
    unknown = ends(ended(text, why=SYNTAX), python="").cause_of(NAME)
    assert unknown == f"its cell ended in {SYNTAX} (read by Python {HERE})"
