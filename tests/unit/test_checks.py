"""The words of a test cell: what passes, what fails, and what a student reads of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
from exercises import NAMED, NAMED_BLOCKS
from judging_in_process import judge_in_process

from coursekit.course.test_cells import compose
from coursekit.judge.cell import MAX_REMARKS, TestCellFault, judge_cell
from resnets_utils.answering import answer
from resnets_utils.border.call import Call, as_arguments
from resnets_utils.border.reply import Reply
from resnets_utils.checks import judging as how_judged
from resnets_utils.checks.check_result import CheckResult, ChecksNotPassed, Outcome
from resnets_utils.checks.checks import Checks
from resnets_utils.checks.judging import Judging, judging
from resnets_utils.checks.reference import RECORD, Solution, record, record_text
from resnets_utils.checks.reference_graphs import ReferenceGraphs, replies_to_record
from resnets_utils.hinted_errors import StudentError

EXAMPLE = 'f=2, filters=[2, 4, 6], stage=1, block="a"'
VISIBLE = f"""
from resnets_utils import Checks
import numpy as np
checks = Checks("identity_block")
with checks("visible", points=3):
    answer = checks.trace((4, 4, 6), {EXAMPLE})
    answer.has_values(np.ones((1, 4, 4, 6)), (0, 0, 0), [0.123456] * 6, 1e-5)
### HIDDEN TESTS
checks.report()
"""
HIDDEN = f"""with checks("hidden", points=4):
    answer = checks.trace((4, 4, 6), {EXAMPLE})
    answer.has_values(np.ones((1, 4, 4, 6)), (0, 0, 0), [0.654321] * 6, 1e-5)
"""
SOLUTION = [("identity_block", NAMED)]
TEST = compose(VISIBLE, HIDDEN, SOLUTION, NAMED_BLOCKS)


def trace(call: Call, namespace: dict[str, Any]) -> Reply:
    return answer(call, namespace)


def answering(function: Any) -> list[CheckResult]:
    namespace = {"identity_block": function} if function else {}
    return list(judge_cell(TEST, lambda call: trace(call, namespace), salt=1).checks)


def test_expected_figures_are_told_in_visible_checks_only() -> None:
    visible, hidden = answering(lambda X, **arguments: X + X)
    assert visible.outcome is hidden.outcome is Outcome.FAILED
    assert "0.123456" in visible.reason
    assert "0.654321" not in hidden.reason
    assert "came back as" in hidden.reason
    assert (visible.hidden, hidden.hidden) == (False, True)


def test_an_answer_that_raises_is_an_error_with_its_own_words() -> None:
    def broken(X: Any, **arguments: Any) -> Any:
        raise KeyError("my own mistake")

    assert {result.outcome for result in answering(broken)} == {Outcome.ERROR}
    assert "my own mistake" in answering(broken)[0].reason


def test_a_network_that_is_refused_is_told_why_though_it_cannot_be_tried() -> None:
    def network() -> keras.Model:
        picture = keras.Input((8, 8, 3))
        return keras.Model(picture, [picture, keras.layers.ReLU()(picture)])

    reply = trace(Call("network", {}, sample=1), {"network": network})
    assert (reply["status"], reply["values"]) == ("graph", "")
    visible, hidden = (
        text.replace('"identity_block"', '"network"').replace(f"(4, 4, 6), {EXAMPLE}", "")
        for text in (VISIBLE, HIDDEN)
    )
    test = compose(visible, hidden, SOLUTION, NAMED_BLOCKS)
    results = judge_cell(test, lambda call: trace(call, {"network": network}), salt=1).checks
    assert "the model must have one output" in results[0].reason


def test_a_tensor_from_elsewhere_is_told_in_words() -> None:
    results = answering(lambda X, **arguments: keras.layers.ReLU()(keras.Input((4, 4, 6))))
    assert "not made from the tensor that it was given" in results[0].reason


def test_a_network_that_cannot_be_called_is_told_the_error() -> None:
    def broken(X: Any, **arguments: Any) -> Any:
        layer = keras.layers.ReLU()
        answer = layer(X)
        layer.call = None
        return answer

    hidden = HIDDEN.replace("f=2", "f=3")
    test = compose(VISIBLE, hidden, SOLUTION, NAMED_BLOCKS)
    results = judge_cell(test, lambda call: trace(call, {"identity_block": broken}), salt=1).checks
    assert "called with pictures, it ended in TypeError" in results[1].reason


def test_an_undefined_function_is_an_error() -> None:
    result = answering(None)[0]
    assert (result.outcome, result.reason) == (Outcome.ERROR, "identity_block is not defined")


def test_the_placeholder_reads_not_attempted() -> None:
    source = "def identity_block(X, **arguments):\n    raise NotImplementedError()\n"
    results = judge_in_process(TEST, [source], salt=1).checks
    assert {result.outcome for result in results} == {Outcome.NOT_ATTEMPTED}
    assert "line 2: raise NotImplementedError()" in results[0].reason


def test_what_a_library_has_not_implemented_is_an_error_and_no_placeholder() -> None:
    source = "class Far:\n    def get(self): raise NotImplementedError\n"
    library: dict[str, Any] = {}
    exec(source, library)
    namespace: dict[str, Any] = {"far": library["Far"]()}
    exec("def identity_block(X, **arguments):\n    return far.get()\n", namespace)
    results = judge_cell(TEST, lambda call: trace(call, namespace), salt=1).checks
    assert {result.outcome for result in results} == {Outcome.ERROR}


def test_an_error_that_cannot_be_told_is_an_error() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    def broken(X: Any, **arguments: Any) -> Any:
        raise Mute

    assert "Mute: (its message cannot be read)" in answering(broken)[0].reason


def test_half_a_letter_in_an_error_can_be_sent() -> None:
    def broken(X: Any, **arguments: Any) -> Any:
        raise ValueError("half \ud800 a letter")

    reply = trace(Call("f", {}, (4, 4, 6)), {"f": broken})
    assert reply["reason"] == "ValueError: half ? a letter"


def test_an_error_whose_class_cannot_be_told_is_an_error() -> None:
    class Nameless(type):
        @property
        def __name__(cls) -> Any:  # type: ignore[override]
            raise ZeroDivisionError

    class Odd(Exception, metaclass=Nameless):
        pass

    def broken(X: Any, **arguments: Any) -> Any:
        raise Odd

    assert answering(broken)[0].outcome is Outcome.ERROR
    assert "an error that cannot be told" in answering(broken)[0].reason


def test_one_network_that_computes_something_else_fails_every_check() -> None:
    def forging(call: Call) -> dict[str, str]:
        reply = trace(call, {"identity_block": lambda X, **arguments: X})
        return reply | ({"values": "[1.0]"} if "values" in reply else {})

    other = HIDDEN.replace(EXAMPLE, EXAMPLE.replace("f=2", "f=3"))
    checks = compose(VISIBLE.replace("[0.123456]", "[1]"), other, SOLUTION, NAMED_BLOCKS)
    results = judge_cell(checks, forging, salt=1).checks
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.FAILED]
    assert all("compute something else than they say" in result.reason for result in results)
    results = judge_cell(checks, forging, salt=1, sampled=False).checks
    assert [result.outcome for result in results] == [Outcome.PASSED, Outcome.FAILED]


def test_figures_of_weights_that_start_from_elsewhere_are_not_those_of_the_exercise() -> None:
    def starting_elsewhere(X: Any, **arguments: Any) -> Any:
        return keras.layers.BatchNormalization(moving_mean_initializer="ones")(X)

    said = answering(starting_elsewhere)[0].reason
    assert "also sets moving_mean_initializer; the exercise leaves it out" in said


def test_remarks_on_an_answer_are_bounded() -> None:
    many = VISIBLE.replace(
        "    answer.has", "    answer.remarks.extend(map(str, range(99)))\n    answer.has"
    )
    tracer = lambda call: trace(call, {"identity_block": lambda X, **arguments: X})  # noqa: E731
    check = judge_cell(compose(many, "", SOLUTION, NAMED_BLOCKS), tracer, salt=1).checks[0]
    assert len(check.remarks) == MAX_REMARKS


def test_an_object_equal_to_everything_is_no_tensor() -> None:
    class Anything:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = object.__hash__

    result = answering(lambda X, **arguments: Anything())[0]
    assert result.outcome is Outcome.ERROR
    assert "object of class Anything" in result.reason


def test_a_mistake_in_a_check_is_nobodys_failure() -> None:
    broken = TEST.replace("np.ones((1, 4, 4, 6))", "no_such_name", 1)
    with pytest.raises(TestCellFault, match="NameError: name 'no_such_name' is not defined"):
        judge_cell(broken, lambda call: trace(call, {"identity_block": lambda X, **a: X}), salt=1)


def test_a_test_cell_without_checks_is_a_mistake() -> None:
    with pytest.raises(TestCellFault, match="test_x holds no check"):
        judge_cell("pass", lambda call: {}, salt=1, grade_id="test_x")


def test_random_arguments_follow_the_salt() -> None:
    def drawn(salt: int) -> list[int]:
        with judging(Judging(tracer=lambda call: {}, salt=salt)):
            return list(Checks("identity_block").random.integers(0, 1000, 5))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_figures_that_differ_by_the_start_of_the_weights_say_so() -> None:
    names: dict[str, Any] = {}
    exec(NAMED.replace("glorot_uniform(seed=0))(X)", '"glorot_uniform")(X)'), names)
    visible, _ = answering(names["identity_block"])
    assert "expected [0.123456" in visible.reason
    assert "; the weights start differently: the first convolution" in visible.reason
    assert "Keras's own GlorotUniform without a seed" in visible.reason
    exec(NAMED.replace("layers.Add()([Y, X])", "layers.Add()([Y, Y])"), names)
    visible, _ = answering(names["identity_block"])
    assert "expected [0.123456" in visible.reason and "start differently" not in visible.reason


def test_one_call_is_traced_once() -> None:
    calls: list[Call] = []

    def tracer(call: Call) -> dict[str, str]:
        calls.append(call)
        return trace(call, {"identity_block": lambda X, **arguments: X})

    judge_cell(TEST, tracer, salt=1)
    assert len(calls) == 1


ARGUMENTS: dict[str, Any] = {"f": 2, "filters": [2, 4, 6], "stage": 1, "block": "a"}


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a running notebook, beside which lies a record of one call."""
    graphs = ReferenceGraphs(Solution(SOLUTION, NAMED_BLOCKS))
    asked = Call("identity_block", as_arguments(ARGUMENTS), (4, 4, 6))
    data = record(NAMED_BLOCKS, replies_to_record(graphs, [asked]), {"identity_block": 15})
    (tmp_path / RECORD).write_text(record_text(data))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"identity_block": lambda X, **arguments: X}
    monkeypatch.setattr(how_judged, "notebook_namespace", lambda: names)
    return names


def test_a_notebook_gets_a_list_and_one_line_instead_of_a_traceback(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    checks = Checks("identity_block")
    with checks("output shape", points=2):
        checks.trace((4, 4, 6), **ARGUMENTS).has_output_shape()
    with checks("convolutions", points=5):
        checks.trace((4, 4, 6), **ARGUMENTS).has_convolutions()
    with pytest.raises(ChecksNotPassed) as raised:
        checks.report()
    printed = capsys.readouterr().out
    assert "identity_block: 1 of 2 checks passed, 2 of 7 points" in printed
    assert "✓ passed         output shape (2 points)" in printed and "✗ failed" in printed
    assert printed.endswith("Grading adds checks with other arguments, worth 15 points more.\n")
    assert "the first convolution is missing" in printed
    assert raised.value._render_traceback_() == [str(raised.value)]
    assert str(raised.value).endswith("1 of 2 checks not passed yet; the list above says why.")


def test_nbgrader_validate_gets_the_list_in_the_error_which_is_all_that_it_shows(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    checks = Checks("identity_block")
    with checks("convolutions", points=5):
        checks.trace((4, 4, 6), **ARGUMENTS).has_convolutions()
    with pytest.raises(ChecksNotPassed, match="✗ failed") as raised:
        checks.report()
    said = str(raised.value)
    assert "above" not in said and "the first convolution is missing" in " ".join(said.split())
    # It cuts longer lines.
    assert max(map(len, said.splitlines())) <= 80


PROGRAM = """
from resnets_utils import Checks
def f(x):
    return "naïve ☃"
checks = Checks("f")
with checks("passed", points=1):
    assert True
with checks("values ≥ 1", points=1):
    checks.call(x=1).equals("☃")
checks.report()
"""


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({"PYTHONIOENCODING": "ascii"}, ["+ passed", "x failed", "values \\u2265 1", "na\\xefve"]),
        ({"PYTHONIOENCODING": "latin-1"}, ["+ passed", "x failed", "values \\u2265 1", "naïve"]),
        (
            {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            ["+ passed", "x failed", "values \\u2265 1", "na\\xefve"],
        ),
        ({"PYTHONIOENCODING": "utf-8"}, ["✓ passed", "✗ failed", "values ≥ 1", "naïve ☃"]),
    ],
    ids=["ascii", "latin-1", "LANG=C", "utf-8"],
)
def test_a_report_is_printed_in_what_the_terminal_can_show(
    settings: dict[str, str], lines: list[str], tmp_path: Path
) -> None:
    program = tmp_path / "notebook.py"
    program.write_text(PROGRAM, encoding="utf-8")
    (tmp_path / RECORD).write_text(record_text(record("", {}, {})))
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    run = subprocess.run(
        [sys.executable, program],
        cwd=tmp_path,
        env={**clean, **settings},
        capture_output=True,
        check=False,
    )
    printed = run.stdout.decode("latin-1" if "latin-1" in settings.values() else "utf-8")
    for line in lines:
        assert line in printed, printed + run.stderr.decode()
    assert b"UnicodeEncodeError" not in run.stderr
    assert b"f: 1 of 2 checks not passed yet" in run.stderr


def test_a_call_that_is_not_recorded_is_told_before_anything_runs(
    notebook: dict[str, Any],
) -> None:
    def never(X: Any, **arguments: Any) -> Any:
        raise AssertionError("it ran")

    notebook["identity_block"] = never
    checks = Checks("identity_block")
    with pytest.raises(StudentError) as caught, checks("convolutions", points=5):
        checks.trace((4, 4, 6), **{**ARGUMENTS, "f": 5}).has_convolutions()
    assert "does not say what identity_block(X, f=5, " in caught.value.message
    assert checks.results == []


def test_a_function_that_is_not_there_yet_is_told_to_run_its_cell(
    notebook: dict[str, Any],
) -> None:
    del notebook["identity_block"]
    checks = Checks("identity_block")
    with checks("convolutions", points=5):
        checks.trace((4, 4, 6), **ARGUMENTS).has_convolutions()
    assert checks.results[0].reason == "identity_block is not defined; run its cell first"


def test_stand_ins_leave_the_notebook_as_it_was() -> None:
    def mine(X: Any) -> Any:
        return X

    namespace: dict[str, Any] = {"identity_block": mine}
    exec(
        "import keras\n"
        "def network(**arguments):\n"
        "    X = keras.Input((8, 8, 3))\n"
        "    Y = convolutional_block(X, 3, [1, 1, 4], 2, 'a')\n"
        "    return keras.Model(X, identity_block(Y, 3, [1, 1, 4], 2, 'b'))\n",
        namespace,
    )
    reply = trace(Call("network", {}, blocks=NAMED_BLOCKS), namespace)
    assert reply["status"] == "graph"
    assert '"function": "convolutional_block"' in reply["graph"]
    assert namespace["identity_block"] is mine
    assert "convolutional_block" not in namespace
