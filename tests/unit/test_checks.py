from __future__ import annotations

from typing import Any

import keras
import pytest
from coursekit.judge.markers import hidden_lines

from coursekit.judge.cell import judge_cell
from coursekit.judge.trusted import judge_trusted
from resnets_utils import checks as harness
from resnets_utils import expected
from resnets_utils.checks import CheckResult, Checks, ChecksNotPassed, Judging, Outcome, judging
from resnets_utils.tracing import Call, trace

EXAMPLE = 'f=2, filters=[2, 4, 6], stage=1, block="a"'
TEST = f"""
from resnets_utils import Checks
import numpy as np
checks = Checks("identity_block")
with checks("visible", points=3):
    answer = checks.trace((4, 4, 6), {EXAMPLE})
    answer.has_values(np.ones((1, 4, 4, 6)), (0, 0, 0), [0.123456] * 6, 1e-5)
### BEGIN HIDDEN TESTS
with checks("hidden", points=4):
    answer = checks.trace((4, 4, 6), {EXAMPLE})
    answer.has_values(np.ones((1, 4, 4, 6)), (0, 0, 0), [0.654321] * 6, 1e-5)
### END HIDDEN TESTS
checks.report()
"""


def answering(function: Any) -> list[CheckResult]:
    namespace = {"identity_block": function} if function else {}
    return list(judge_cell(TEST, lambda call: trace(call, namespace), salt=1).results)


def test_expected_figures_are_told_in_visible_checks_only() -> None:
    visible, hidden = answering(lambda X, **arguments: X + X)
    assert visible.outcome is hidden.outcome is Outcome.FAILED
    assert "0.123456" in visible.reason
    assert "0.654321" not in hidden.reason
    assert "came back as" in hidden.reason


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
    test = TEST.replace('"identity_block"', '"ResNet50"').replace(f"(4, 4, 6), {EXAMPLE}", "")
    results = judge_cell(test, lambda call: trace(call, {"ResNet50": network}), salt=1).results
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

    assert "called with pictures, it ended in TypeError" in answering(broken)[0].reason


def test_an_undefined_function_is_an_error() -> None:
    result = answering(None)[0]
    assert (result.outcome, result.reason) == (Outcome.ERROR, "identity_block is not defined")


def test_the_placeholder_reads_not_attempted() -> None:
    source = "def identity_block(X, **arguments):\n    raise NotImplementedError()\n"
    results = judge_trusted(TEST, [source], salt=1).results
    assert {result.outcome for result in results} == {Outcome.NOT_ATTEMPTED}
    assert "line 2: raise NotImplementedError()" in results[0].reason


def test_what_a_library_has_not_implemented_is_an_error_and_no_placeholder() -> None:
    source = "class Far:\n    def get(self): raise NotImplementedError\n"
    library: dict[str, Any] = {}
    exec(source, library)
    namespace: dict[str, Any] = {"far": library["Far"]()}
    exec("def identity_block(X, **arguments):\n    return far.get()\n", namespace)
    results = judge_cell(TEST, lambda call: trace(call, namespace), salt=1).results
    assert {result.outcome for result in results} == {Outcome.ERROR}


def test_an_error_that_cannot_be_told_is_an_error() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    def broken(X: Any, **arguments: Any) -> Any:
        raise Mute

    assert "Mute: (what it says cannot be told)" in answering(broken)[0].reason


def test_a_graded_function_cannot_draw_what_the_library_says_it_should() -> None:
    def copied(X: Any, **arguments: Any) -> Any:
        return expected.identity_block(X.shape[1:], **arguments)

    result = answering(copied)[0]
    assert result.outcome is Outcome.ERROR
    assert "a graded function makes its own layers" in result.reason
    assert expected.identity_block((4, 4, 6), 2, [2, 4, 6], 1, "a")


def test_one_network_that_computes_something_else_fails_every_check() -> None:
    def forging(call: Call) -> dict[str, str]:
        reply = trace(call, {"identity_block": lambda X, **arguments: X})
        return reply | ({"values": "[1.0]"} if "values" in reply else {})

    checks = TEST.replace("[0.654321]", "[1]").replace(EXAMPLE, EXAMPLE.replace("f=2", "f=3"), 1)
    results = judge_cell(checks, forging, salt=1).results
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.FAILED]
    assert all("compute something else than they say" in result.reason for result in results)
    results = judge_cell(checks, forging, salt=1, sampled=False).results
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.PASSED]


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
    with pytest.raises(NameError):
        judge_cell(broken, lambda call: trace(call, {"identity_block": lambda X, **a: X}), salt=1)


def test_a_test_cell_without_checks_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no check"):
        judge_cell("pass", lambda call: {}, salt=1)


def test_random_arguments_follow_the_salt() -> None:
    def drawn(salt: int) -> list[int]:
        with judging(Judging(tracer=lambda call: {}, salt=salt)):
            return list(Checks("identity_block").random.integers(0, 1000, 5))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_one_call_is_traced_once() -> None:
    calls: list[Call] = []

    def tracer(call: Call) -> dict[str, str]:
        calls.append(call)
        return trace(call, {"identity_block": lambda X, **arguments: X})

    judge_cell(TEST, tracer, salt=1)
    assert len(calls) == 1


def test_a_notebook_gets_a_list_and_one_line_instead_of_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        harness, "notebook_namespace", lambda: {"identity_block": lambda X, **arguments: X}
    )
    checks = Checks("identity_block")
    with checks("output shape", points=2):
        checks.trace((4, 4, 6), f=2, filters=[2, 4, 6], stage=1, block="a").has_output_shape()
    with checks("convolutions", points=5):
        checks.trace((4, 4, 6), f=2, filters=[2, 4, 6], stage=1, block="a").has_convolutions()
    with pytest.raises(ChecksNotPassed) as raised:
        checks.report()
    printed = capsys.readouterr().out
    assert "identity_block: 1 of 2 checks passed" in printed
    assert "✓ passed" in printed and "✗ failed" in printed
    assert "the first convolution is missing" in printed
    assert raised.value._render_traceback_() == [str(raised.value)]


def test_hidden_lines_cover_the_markers_and_what_stands_between() -> None:
    source = "a\n### BEGIN HIDDEN TESTS\nb\nc\n### END HIDDEN TESTS\nd"
    assert list(hidden_lines(source)) == [2, 3, 4, 5]
    assert not hidden_lines("a\nb")


def test_stand_ins_leave_the_notebook_as_it_was() -> None:
    def mine(X: Any) -> Any:
        return X

    namespace: dict[str, Any] = {"identity_block": mine}
    exec(
        "import keras\n"
        "def ResNet50(**arguments):\n"
        "    X = keras.Input((8, 8, 3))\n"
        "    Y = convolutional_block(X, 3, [1, 1, 4], 2, 'a')\n"
        "    return keras.Model(X, identity_block(Y, 3, [1, 1, 4], 2, 'b'))\n",
        namespace,
    )
    reply = trace(Call("ResNet50", {}, own_blocks=False), namespace)
    assert reply["status"] == "graph"
    assert "resnets_utils>ConvolutionalBlock" in reply["graph"]
    assert namespace["identity_block"] is mine
    assert "convolutional_block" not in namespace
