"""The solution that travels to the judge: its cells, the test cell's text, and faults in either."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from coursekit.course.solution import python_text, solution_pieces
from coursekit.course.test_cells import BEGIN_HIDDEN, END_HIDDEN, PLACEHOLDER, compose, take_apart
from coursekit.errors import AuthoringError
from coursekit.judge.cell import TestCellFault, judge_cell
from resnets_utils.answering import answer


def cell(text: str, grade_id: str = "", **flags: bool) -> NotebookNode:
    found: NotebookNode = new_code_cell(text)
    if grade_id:
        given = {"grade": False, "solution": False, "locked": False, "task": False}
        found.metadata["nbgrader"] = {"grade_id": grade_id, "schema_version": 3, **given, **flags}
    return found


def notebook() -> list[NotebookNode]:
    return [
        cell("import numpy as np\nimport matplotlib.pyplot as plt\nfrom os import path as where"),
        new_markdown_cell("def not_code(): pass"),
        cell("%matplotlib inline\nSCALE = 2\n!ls\ndata = np.load('missing.npy')\nassert data"),
        cell(
            "# a helper\n\n@np.vectorize\ndef twice(x):\n    return SCALE * x\n\nplt.plot(data)",
        ),
        cell("GIVEN = [1, 2]\nprint(GIVEN)", "given", locked=True),
        cell(
            "def f(x):\n    ### BEGIN SOLUTION\n    return twice(x) + one.two.three(x)\n"
            "    ### END SOLUTION",
            "f",
            solution=True,
        ),
        cell("import one.two\nif SCALE:\n    more = 3\nelse:\n    def more(): pass"),
        cell("checks = f(1)", "test_f", grade=True, locked=True),
        cell("def by_hand():\n    return 1\n\nby_hand()", "essay", grade=True, solution=True),
    ]


def test_what_the_solution_needs_comes_along_and_nothing_else() -> None:
    pieces = dict(solution_pieces(notebook()))
    assert pieces["cell 1"].rstrip("\n") == "import numpy as np"
    assert "twice" in pieces["cell 4"] and "plot" not in pieces["cell 4"]
    assert pieces["given"].startswith("GIVEN = [1, 2]\nprint(GIVEN)")
    assert "return twice(x)" in pieces["f"]
    everything = "\n".join(pieces.values())
    for left in ("matplotlib", "where", "load", "assert", "not_code", "checks", "by_hand", "more"):
        assert left not in everything
    for left in ("get_ipython", "SOLUTION", "%"):
        assert left not in everything
    assert list(pieces) == ["cell 1", "cell 3", "cell 4", "given", "f", "cell 7"]
    assert "import one.two" in pieces["cell 7"]


def test_lines_stay_where_they_are() -> None:
    pieces = dict(solution_pieces(notebook()))
    cells = {f"cell {number}": found for number, found in enumerate(notebook(), 1)}
    assert pieces["cell 3"].split("\n")[1] == "SCALE = 2"
    lines = pieces["cell 4"].split("\n")
    assert lines[:5] == ["", "", "@np.vectorize", "def twice(x):", "    return SCALE * x"]
    for name, text in pieces.items():
        if name in cells:
            own = cells[name].source.split("\n")
            for line, written in zip(text.rstrip("\n").split("\n"), own, strict=False):
                assert line in ("", written)
    source = notebook()[5].source
    assert python_text(source).split("\n")[2] == source.split("\n")[2]


def test_a_helpers_helper_comes_along_and_a_broken_cell_does_not() -> None:
    cells = [
        cell("base = 3\nunused = 4"),
        cell("def inner(x): return x + base"),
        cell("def outer(x): return inner(x)\nthis is no Python"),
        cell("def outer(x): return inner(x)"),
        cell("def f(x): return outer(x)", "f", solution=True),
    ]
    assert [name for name, _ in solution_pieces(cells)] == ["cell 1", "cell 2", "cell 4", "f"]
    assert "unused" not in dict(solution_pieces(cells))["cell 1"]
    # An answer graded by hand that another needs is a helper.
    cells[3] = cell("def outer(x): return inner(x)\nouter(1)", "outer", grade=True, solution=True)
    assert dict(solution_pieces(cells))["outer"].startswith("def outer")
    assert "outer(1)" not in dict(solution_pieces(cells))["outer"]


def test_what_is_put_into_a_table_comes_along() -> None:
    cells = [
        cell("import types\nUNITS = {}\nsettings = types.SimpleNamespace()"),
        cell("UNITS['m'] = 1\nsettings.digits = 2\nother = {}\nother['x'] = 1"),
        cell("def f(x): return x * UNITS['m'] + settings.digits", "f", solution=True),
    ]
    names: dict[str, Any] = {}
    for _, text in solution_pieces(cells):
        exec(text, names)
    assert names["f"](3) == 5 and "other" not in names


def test_an_import_of_all_names_comes_along() -> None:
    cells = [
        cell("1 + 1\nfrom math import *"),
        cell("def f(x): return sqrt(x)", "f", solution=True),
    ]
    assert dict(solution_pieces(cells))["cell 1"].strip() == "from math import *"


VISIBLE = f"""import numpy as np
first = 1
with checks("a", points=1):
    pass
{PLACEHOLDER}
last = 6
checks.report()"""
HIDDEN = "hidden_one = 1\nhidden_two = 2\n"
SOLUTION = [("f", "def f():\n    return '### END HIDDEN TESTS\\n\u2028é'\n"), ("cell 2", "x = 1")]


def test_a_test_cell_is_put_together_and_taken_apart() -> None:
    text = compose(VISIBLE, HIDDEN, SOLUTION, "def b(X): return X\n")
    found = take_apart(text)
    assert found.text == text and list(found.solution) == SOLUTION
    assert found.blocks == "def b(X): return X\n"
    lines = text.split("\n")
    shown = [line for number, line in enumerate(lines, 1) if number not in found.hidden]
    assert shown == [line for line in VISIBLE.split("\n") if line != PLACEHOLDER]
    kept = [lines[number - 1] for number in sorted(found.hidden)]
    assert kept[:1] == [BEGIN_HIDDEN] and kept[2:] == [
        END_HIDDEN,
        BEGIN_HIDDEN,
        "hidden_one = 1",
        "hidden_two = 2",
        END_HIDDEN,
    ]
    compile(text, "cell", "exec")


@pytest.mark.parametrize("hidden", [None, HIDDEN, "one = 1"])
def test_each_line_is_told_where_its_author_wrote_it(hidden: str | None) -> None:
    visible = VISIBLE if hidden else VISIBLE.replace(f"{PLACEHOLDER}\n", "")
    found = take_apart(compose(visible, hidden, SOLUTION))
    lines = found.text.split("\n")
    for number, line in enumerate(visible.split("\n"), 1):
        if line != PLACEHOLDER:
            at = lines.index(line) + 1
            assert found.line_in_words(at, "test_f") == f"line {number} of test_f"
    for number, line in enumerate((hidden or "").splitlines(), 1):
        at = lines.index(line) + 1
        assert found.line_in_words(at, "test_f") == f"line {number} of the hidden tests of test_f"


def test_a_text_without_a_solution_has_none() -> None:
    text = f"a = 1\n{BEGIN_HIDDEN}\nb = 2\nc = 3\n{END_HIDDEN}\nd = 4"
    found = take_apart(text)
    assert (found.solution, found.blocks, sorted(found.hidden)) == ((), "", [2, 3, 4, 5])
    assert found.line_in_words(1, "test_f") == "line 1 of test_f"
    assert found.line_in_words(4, "test_f") == "line 2 of the hidden tests of test_f"
    assert not take_apart("a\nb").hidden
    # As nbgrader reads them, markers may stand anywhere on their lines.
    text = f"if a:\n    {BEGIN_HIDDEN}\n    b = 2\n    {END_HIDDEN}\nd = 4"
    assert take_apart(text).line_in_words(3, "test_f") == "line 1 of the hidden tests of test_f"
    assert take_apart(text).line_in_words(5, "test_f") == "line 3 of test_f"


@pytest.mark.parametrize(
    ("visible", "hidden"),
    [("checks.report()", "pass"), (f"{PLACEHOLDER}\n{PLACEHOLDER}", "pass"), (PLACEHOLDER, None)],
)
def test_a_missing_doubled_or_idle_placeholder_is_named(visible: str, hidden: str | None) -> None:
    with pytest.raises(AuthoringError, match="### HIDDEN TESTS") as caught:
        compose(visible, hidden, [])
    assert caught.value.hint


CHECKED = """from resnets_utils import Checks
checks = Checks("f")
with checks("one", points=1):
    checks.call(x=1).equals()
wrong_here = 1
### HIDDEN TESTS
checks.report()"""
RIGHT = "def f(x):\n    return x\n"


def fault(
    visible: str = CHECKED, hidden: str = "pass", solution: str = RIGHT, blocks: str = ""
) -> str:
    cell = compose(visible, hidden, [("f", solution)], blocks)
    with pytest.raises(TestCellFault) as caught:
        judge_cell(cell, lambda call: answer(call, {"f": lambda x: x}), 1, grade_id="test_f")
    return str(caught.value)


def test_a_fault_is_told_with_the_authors_own_line() -> None:
    cell = compose(CHECKED, "pass", [("f", RIGHT)])
    assert judge_cell(cell, lambda call: answer(call, {"f": lambda x: x}), 1).function == "f"
    said = "NameError: name 'np' is not defined"
    assert fault(CHECKED.replace("wrong_here = 1", "np.ones(1)")) == f"{said}, line 5 of test_f"
    assert fault(CHECKED.replace("checks.report()", "np.e")) == f"{said}, line 7 of test_f"
    assert fault(hidden="a = 1\n\nnp.e") == f"{said}, line 3 of the hidden tests of test_f"
    assert fault(hidden="assert not 1") == "AssertionError, line 1 of the hidden tests of test_f"
    long = fault(hidden="raise ValueError(10_000 * 'long ')")
    assert long.startswith("ValueError: long") and len(long) < 1_000
    assert long.endswith(", line 1 of the hidden tests of test_f")
    inside = CHECKED.replace("x=1", "x=np.e")
    assert fault(inside) == f"{said}, line 4 of test_f"


def test_a_syntax_error_is_told_with_the_authors_own_line() -> None:
    assert fault(CHECKED.replace("wrong_here = 1", "wrong here")) == (
        "SyntaxError: invalid syntax, line 5 of test_f"
    )
    assert fault(hidden="a = 1\n1 +") == (
        "SyntaxError: invalid syntax, line 2 of the hidden tests of test_f"
    )


@pytest.mark.parametrize(
    ("solution", "said"),
    [
        ("a = 1\nb = np.e\n", "NameError: name 'np' is not defined, line 2 of the solution's f"),
        ("def f(x):\n    return 1 +\n", "SyntaxError: invalid syntax, line 2 of the solution's f"),
        ("def f(x):\n    return np.e\n", "the solution fails: f(x=1): NameError: name 'np'"),
        ("def g(x):\n    return x\n", "the solution fails: f(x=1): f is not defined"),
    ],
)
def test_an_error_in_the_solution_is_told_as_the_solutions(solution: str, said: str) -> None:
    assert said in fault(solution=solution)


def test_an_error_in_blocks_is_told_as_blocks() -> None:
    drawing = CHECKED.replace("checks.call(x=1).equals()", "checks.trace((4, 4, 1)).behaves()")
    own = "import keras\ndef f(X):\n    return keras.layers.ReLU()(X)\n"
    assert fault(drawing, solution=own, blocks="a = 1\n\nnp.e\n") == (
        "NameError: name 'np' is not defined, line 3 of blocks.py"
    )
    assert fault(drawing, solution=own, blocks="a = 1\n1 +") == (
        "SyntaxError: invalid syntax, line 2 of blocks.py"
    )
