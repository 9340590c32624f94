"""Functions of plain values: what a check asks of what they return."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from coursekit.course.test_cells import compose
from coursekit.judge.cell import HIDDEN_TESTS, NOTEBOOK, TestCellFault, judge_cell
from resnets_utils.answering import answer
from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply
from resnets_utils.checks.check_result import CheckFailed, CheckResult, Outcome
from resnets_utils.checks.checks import Checks
from resnets_utils.checks.judging import Judging, judging
from resnets_utils.checks.reference import Solution
from resnets_utils.checks.value_checks import Returned

SOLUTION = """
import numpy as np

def f(x=2.0, y=None):
    if isinstance(x, str):
        raise TypeError("no text")
    if x is None:
        raise RuntimeError("the solution is broken")
    if isinstance(x, list):
        return np.array(x, np.float32) * 2
    return {"twice": 2 * x, "pair": (x, "a")}
"""


def returned(function: Any, hidden: bool = False, **arguments: Any) -> Returned:
    how = Judging(
        tracer=lambda call: answer(call, {"f": function}),
        given_reference=Solution([("f", SOLUTION)]),
        salt=1,
        hidden_lines=range(1, 10_000) if hidden else (),
    )
    with judging(how):
        checks = Checks("f")
        with checks("a check", points=1):
            return checks.call(**arguments)
    raise AssertionError(how.results)


def failure(of: Returned, ask: str = "equals", **options: Any) -> str:
    with pytest.raises(CheckFailed) as caught:
        getattr(of, ask)(**options)
    return str(caught.value)


def right(x: Any = 2.0, y: Any = None) -> Any:
    return [[2, 4]] if isinstance(x, list) else {"pair": [x, "a"], "twice": x + x}


def test_what_the_solution_returns_is_asked_for() -> None:
    returned(right, x=3).equals()
    returned(right).equals()
    near = returned(lambda x: {"twice": 6.0001, "pair": (x, "a")}, x=3)
    near.equals(tolerance=1e-3)
    assert failure(near) == (
        "f(x=3) returned {'twice': 6.0001, 'pair': (3, 'a')}; "
        "the exercise asks for {'twice': 6, 'pair': (3, 'a')}\n"
        "result['twice'] is 6.0001; expected 6"
    )


def test_a_hidden_check_tells_nothing_of_what_is_expected() -> None:
    def wrong(x: Any) -> Any:
        return np.zeros(2) if isinstance(x, list) else {"twice": 7, "pair": (9, "a")}

    for ask, x in [("equals", 54321), ("has_shape", [[1, 54321]]), ("has_dtype", [54321])]:
        visible = failure(returned(wrong, x=x), ask)
        assert "the exercise asks for" in visible
        said = failure(returned(wrong, hidden=True, x=x), ask)
        asked = said.partition(" returned ")
        assert asked[0].endswith(")") and "; the exercise asks for" not in said
        for secret in ("108642", "(1, 2)", "float32"):
            assert secret not in asked[2]
    said = failure(returned(lambda x: 1, hidden=True, x="a"), "raises", error=TypeError)
    assert said == "f(x='a') returned 1, which is not what the exercise asks for"


def test_shapes_and_dtypes_are_those_of_the_solutions_arrays() -> None:
    same = returned(lambda x: np.ones((1, 2), np.float32), x=[[1, 2]])
    same.has_shape()
    same.has_dtype()
    flat = returned(lambda x: np.ones(2), x=[[1, 2]])
    assert failure(flat, "has_shape").endswith(
        "which has the shape (2,); the exercise asks for (1, 2)"
    )
    assert failure(flat, "has_dtype").endswith(
        "which has the dtype float64; the exercise asks for float32"
    )
    assert "which has the dtype int; the exercise asks for float32" in failure(
        returned(lambda x: 3, x=[[1, 2]]), "has_dtype"
    )
    assert "which has no shape; the exercise asks for (1, 2)" in failure(
        returned(lambda x: None, x=[[1, 2]]), "has_shape"
    )


def raising(error: BaseException) -> Any:
    def function(**arguments: Any) -> Any:
        raise error

    return function


class OwnError(TypeError):
    pass


def test_an_error_is_asked_for_by_its_class() -> None:
    returned(raising(TypeError("mine")), x="a").raises(TypeError)
    returned(raising(OwnError()), x="a").raises(TypeError)
    returned(raising(NotImplementedError("words")), x="a").raises(RuntimeError)
    assert failure(returned(lambda x: 1, x="a"), "raises", error=TypeError) == (
        "f(x='a') returned 1; the exercise asks for a TypeError here"
    )
    with pytest.raises(Exception, match=r"ValueError: other\nthe exercise asks for a TypeError"):
        returned(raising(ValueError("other")), x="a").raises(TypeError)


def test_what_is_no_data_is_no_error_that_was_asked_for() -> None:
    def generator(x: Any) -> Any:
        yield 1

    with pytest.raises(Exception, match="it returned a generator") as caught:
        returned(generator, x="a").raises(TypeError)
    assert not isinstance(caught.value, CheckFailed)
    with pytest.raises(Exception, match="it returned a generator"):
        returned(generator, x=3).equals()


class Agreeable(float):
    """A number that says it equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = float.__hash__


@pytest.mark.parametrize(
    "given",
    [
        10**400,
        float("nan"),
        float("inf"),
        Agreeable(5.0),
        [[1, 2], [3]],
        [1, [2, [3]]],
        np.full(100_000, np.nan),
        {"twice": Agreeable(5.0), "pair": (3, "a")},
        "x" * 100_000,
        None,
        True,
        np.array(["a"]),
    ],
    ids=range(12),
)
def test_whatever_comes_is_compared_as_data(given: Any) -> None:
    said = failure(returned(lambda x: given, x=3))
    assert said.startswith("f(x=3) returned ") and len(said) < 2000


def test_a_number_that_is_too_long_is_told_and_no_expected_error() -> None:
    with pytest.raises(Exception, match="more than can be compared"):
        returned(lambda x: 10**4000, x=3).equals()


@pytest.mark.parametrize(
    "reply",
    [
        {"status": "value", "value": "["},
        {"status": "value", "value": "null"},
        {"status": "value", "value": "[" * 50_000},
        {"status": "value", "value": '["float", "x"]'},
        {"status": "value", "value": "{}"},
        {"status": "value", "value": "3"},
    ],
)
def test_a_reply_that_is_no_data_fails_the_check(reply: dict[str, str]) -> None:
    how = Judging(tracer=lambda call: reply, given_reference=Solution([("f", SOLUTION)]), salt=1)
    with judging(how):
        checks = Checks("f")
        with checks("a check", points=1):
            checks.call(x=3).equals()
    assert [result.outcome for result in how.results] == [Outcome.FAILED]
    assert "its result cannot be read" in how.results[0].reason


def test_arguments_that_a_function_changes_are_new_in_the_next_call() -> None:
    seen: list[Any] = []

    def changing(x: Any, y: Any) -> Any:
        seen.append(([*x], y.copy()))
        alike = x is y
        x.append(99)
        y[:] = 0
        return alike

    given, array = [1, 2], np.ones(2)
    how = Judging(
        tracer=lambda call: answer(call, {"f": changing}),
        given_reference=Solution([("f", "def f(x, y):\n    x.clear(); y[:] = 5\n    return 0")]),
        salt=1,
    )
    with judging(how):
        checks = Checks("f")
        with checks("one", points=1):
            checks.call(x=given, y=array).equals(False)
        with checks("solution", points=1):
            checks.call(x=given, y=array).equals(0)
        again = Checks("f")
        with again("two", points=1):
            again.call(x=given, y=array).equals(False)
    assert given == [1, 2] and array.tolist() == [1, 1]
    assert len(seen) == 2 and all(x == [1, 2] and y.tolist() == [1, 1] for x, y in seen)
    # Within one Checks a call is made once.
    outcomes = [result.outcome for result in how.results]
    assert outcomes == [Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]
    # One list in two places is two lists to the function.
    shared: list[int] = [1]
    assert returned(lambda x: x[0] is x[1], x=[shared, shared]).value is False


def test_what_a_function_does_to_its_arguments_does_not_reach_the_solution() -> None:
    def changing(x: list[int]) -> Any:
        doubled = np.array(x, np.float32) * 2
        x.clear()
        return doubled

    returned(changing, x=[1, 2]).equals()


def judged(text: str, function: Any, hidden: str | None = None) -> list[CheckResult]:
    cell = compose(
        f'from resnets_utils import Checks\nchecks = Checks("f")\n{text}', hidden, [("f", SOLUTION)]
    )
    tracer = lambda call: answer(call, {"f": function})  # noqa: E731
    return list(judge_cell(cell, tracer, 1, grade_id="test_f").checks)


def test_a_solution_that_fails_is_the_authors_fault_and_named() -> None:
    text = 'with checks("one", points=1):\n    checks.call(x=None).equals()'
    with pytest.raises(TestCellFault) as caught:
        judged(text, right)
    said = str(caught.value)
    assert "the solution fails: f(x=None): RuntimeError: the solution is broken" in said
    assert "line 4 of test_f" in said


def test_a_figure_that_is_written_out_needs_no_solution() -> None:
    text = 'with checks("one", points=1):\n    checks.call(x=None).equals(12.5, tolerance=0.1)'
    assert judged(text, lambda x: 13)[0].outcome is Outcome.PASSED
    [wrong] = judged(text, lambda x: 99)
    assert wrong.reason == (
        "f(x=None) returned 99; the exercise asks for 12.5\nresult is 99; expected 12.5"
    )
    nothing = 'with checks("one", points=1):\n    checks.call(x=1).equals(None)'
    assert judged(nothing, lambda x: None)[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "argument", ["object()", "{1, 2}", "open", "lambda: 1", "(n for n in [1])"]
)
def test_an_argument_that_is_no_data_is_the_authors_fault(argument: str) -> None:
    text = f'with checks("one", points=1):\n    checks.call(x={argument}).equals()'
    with pytest.raises(
        TestCellFault, match=r"ValueError: a check can.* hand over .*line 4 of test_f"
    ):
        judged(text, right)


def test_the_placeholder_and_an_error_of_ones_own_are_told_apart() -> None:
    names: dict[str, Any] = {}
    exec("def f(x):\n    raise NotImplementedError()\n", names)
    cell = compose(
        'from resnets_utils import Checks\nchecks = Checks("f")\n'
        'with checks("one", points=1):\n    checks.call(x=1).equals()',
        None,
        [("f", SOLUTION)],
    )
    results = [
        judge_cell(cell, lambda call: answer(call, names), 1).checks[0],
        judge_cell(cell, lambda call: answer(call, {"f": raising(KeyError("k"))}), 1).checks[0],
        judge_cell(cell, lambda call: answer(call, {}), 1).checks[0],
    ]
    assert [result.outcome for result in results] == [
        Outcome.NOT_ATTEMPTED,
        Outcome.ERROR,
        Outcome.ERROR,
    ]
    assert results[1].reason.startswith("f(x=1): KeyError: 'k'")
    assert results[2].reason == "f is not defined"


# --- Whose mistake an error is --------------------------------------------------------------

OWN_LINES = """from resnets_utils import Checks
checks = Checks("f")
value = checks.call(x=2.0).value
with checks("a part of it", points=1):
    assert value["twice"] == 4
if value["pair"][0] > 1:
    with checks("only for some", points=2):
        checks.call(x=2.0).equals()
for number in range(len(value["pair"])):
    with checks("each", points=3):
        assert value["pair"][number] is not None
### HIDDEN TESTS
checks.report()"""
OWN_HIDDEN = """with checks("hidden", points=4):
    assert {4.0: "secret"}[value["twice"]]"""
OWN_POINTS = 13  # the solution's


def own_lines(function: Any) -> list[tuple[str, float, str, str]]:
    cell = compose(OWN_LINES, OWN_HIDDEN, [("f", SOLUTION)])
    names = {} if function is None else {"f": function}
    verdict = judge_cell(cell, lambda call: answer(call, names), 1, points=OWN_POINTS)
    assert verdict.points == OWN_POINTS and verdict.function == "f"
    return [(one.name, one.points, one.outcome.value, one.reason) for one in verdict.checks]


def passed(function: Any) -> float:
    return sum(points for _, points, outcome, _ in own_lines(function) if outcome == "passed")


def test_an_authors_own_lines_judge_whatever_comes_back() -> None:
    assert passed(right) == OWN_POINTS
    # Errors outside of checks: what was passed before counts.
    unfinished = "the check could not be finished with this answer"
    for function, points, last in (
        (None, 0, ("error", "f is not defined")),
        (raising(KeyError("k")), 0, ("error", "f(x=2.0): KeyError: 'k'")),
        (lambda x: None, 0, ("error", f"{unfinished} (TypeError)")),
        (lambda x: {"twice": 4}, 1, ("error", f"{unfinished} (KeyError)")),
    ):
        assert passed(function) == points
        assert own_lines(function)[-1][2:] == last
    names: dict[str, Any] = {}
    exec("def f(x):\n    raise NotImplementedError", names)
    cell = compose(OWN_LINES, OWN_HIDDEN, [("f", SOLUTION)])
    blank = judge_cell(cell, lambda call: answer(call, names), 1, points=OWN_POINTS)
    assert (blank.outcome, blank.score) == (Outcome.NOT_ATTEMPTED, 0)


def test_an_error_in_a_check_ends_that_check_alone() -> None:
    said = own_lines(lambda x: {"twice": [4], "pair": (x, "a")})
    assert [outcome for _, _, outcome, _ in said] == [
        "failed",
        "failed",
        "passed",
        "passed",
        "error",
    ]
    # What a hidden check expects may be in the error's words.
    assert said[-1][3] == "the check could not be finished with this answer (TypeError)"
    said = own_lines(lambda x: {"twice": 5.0, "pair": (x, "a")})
    assert said[-1][3].endswith("(KeyError)")


def test_an_answer_cannot_add_or_remove_checks() -> None:
    # The third "each" is one more than the cell has.
    assert passed(lambda x: {"twice": 4, "pair": (x, "a", "b")}) == OWN_POINTS - 2
    said = own_lines(lambda x: {"twice": 4.0, "pair": (0, "a")})
    assert said[1] == ("only for some", 2, "failed", "the check was not reached with this answer")
    assert passed(lambda x: {"twice": 4.0, "pair": (0, "a")}) == OWN_POINTS - 2


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("with checks('a', points=1): value['twice'].real.nothing", "line 4 of test_f"),
        ("value['nothing']", "KeyError: 'nothing', line 4 of test_f"),
        ("value['nothing'", "SyntaxError: '\\[' was never closed, line 4 of test_f"),
        ("pass", "test_f holds no check"),
    ],
)
def test_what_the_solution_does_not_pass_either_is_the_authors_mistake(
    cell: str, said: str
) -> None:
    test = "from resnets_utils import Checks\nchecks = Checks('f')\nvalue = checks.call().value\n"
    source = compose(test + cell, None, [("f", SOLUTION)])
    for function in (lambda: 0, lambda: right(2.0), raising(KeyError("k"))):
        with pytest.raises(TestCellFault, match=said):
            judge_cell(source, partial(answering, function), 1, grade_id="test_f")


def test_the_words_of_an_assertion_outside_of_checks_are_not_told() -> None:
    test = "from resnets_utils import Checks\nchecks = Checks('f')\n"
    test += "assert checks.call().value['twice'] == 4, 'it is 4'\nwith checks('a', points=1): pass"
    source = compose(test, None, [("f", SOLUTION)])
    [check] = judge_cell(source, partial(answering, lambda: {"twice": 5}), 1).checks
    assert check.outcome is Outcome.FAILED
    assert check.reason == "the check was not reached with this answer"


def answering(function: Any, call: Call) -> Reply:
    return answer(call, {"f": function})


@pytest.mark.parametrize("file", [NOTEBOOK, HIDDEN_TESTS])
def test_a_check_that_the_solution_fails_convicts_nobody(file: str) -> None:
    test = "from resnets_utils import Checks\nchecks = Checks('f')\n"
    check = "with checks('a', points=1): assert checks.call().value['twice'] == 5"
    hidden = check if file == HIDDEN_TESTS else None
    visible = f"{test}### HIDDEN TESTS" if hidden else test + check
    source = compose(visible, hidden, [("f", SOLUTION)])
    said = "the solution does not pass 'a' of test_f: an assert"
    with pytest.raises(TestCellFault, match=said) as caught:
        judge_cell(source, lambda call: answer(call, {"f": lambda: 0}), 1, grade_id="test_f")
    assert caught.value.file == file


def test_without_a_solution_an_error_is_the_authors_mistake() -> None:
    cell = "from resnets_utils import Checks\nwith Checks('f')('a', points=1): 1 / 0"
    with pytest.raises(TestCellFault, match="division by zero, line 2 of test_f"):
        judge_cell(cell, lambda call: {}, 1, grade_id="test_f")
