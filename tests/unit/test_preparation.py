"""What a run's judges share is prepared once, of the solution alone, and changes no verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import psutil
import pytest
from judging_in_process import answer_cells, full_test_cells
from own_assignments import put_in_place

from coursekit.course.assignment import Assignment
from coursekit.course.test_cells import compose
from coursekit.judge import warm_judge_client
from coursekit.judge.cell import TestCellFault, judge_cell, solution_of
from coursekit.judge.judge_client import JudgeProcess
from coursekit.judge.preparation import learn, prepared
from coursekit.judge.verdict import CellVerdict
from coursekit.judge.warm_judge_client import WARM_JUDGE, prepare
from resnets_utils import glorot_uniform
from resnets_utils.answering import answer
from resnets_utils.border.call import Call
from resnets_utils.checks import graph_comparison, network_calls
from resnets_utils.checks.check_result import Outcome
from resnets_utils.checks.network_calls import graphs_of
from resnets_utils.checks.reference import Solution
from resnets_utils.graphs.graph import Graph, Node
from resnets_utils.graphs.keras_json import read_graph

SALT = 5
BLOCK, NETWORK = "conv_stage", "plain_network"
RELU = 'X = Activation("relu")(X)'
# What is written in place of what.
ANSWERS = {
    "right": ("", ""),
    "written differently": ("MaxPooling2D((2, 2))", "MaxPooling2D(pool_size=2)"),
    "drawn differently": (
        "MaxPooling2D((2, 2))(X)",
        "MaxPooling2D((2, 2))(Activation('relu')(X))",
    ),
    "wrong": ("range(layers)", "range(2)"),
    "another start": ("seed=0", "seed=1"),
    "a lie": (RELU, "relu = Activation('relu'); relu.call = lambda X: -X; X = relu(X)"),
    "no answer": ("for _", "raise ValueError('none')\n    for _"),
}
linux = pytest.mark.skipif(sys.platform != "linux", reason="judges are forked on Linux only")


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    return put_in_place("plain-network-v1", Path(tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="module")
def tests(assignment: Assignment) -> list[str]:
    return list(full_test_cells(assignment).values())


@pytest.fixture(scope="module")
def found(tests: list[str]) -> dict[str, Any]:
    """What another process would send."""
    forget()
    told: dict[str, Any] = json.loads(json.dumps(prepared(tests, SALT)))
    return told


def forget() -> None:
    solution_of.cache_clear()
    graphs_of.cache_clear()


def judged(
    assignment: Assignment, tests: list[str], change: tuple[str, str], salt: int = SALT
) -> list[CellVerdict]:
    """The verdicts on a submission, whose test cells are judged in turn."""
    cells = answer_cells(assignment, {})
    assert any(change[0] in cell for cell in cells)
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        exec(cell.replace(*change) if change[0] else cell, names)
    networks: dict[str, Any] = {}
    return [
        judge_cell(test, lambda call: answer(call, names), salt, networks=networks)
        for test in tests
    ]


@pytest.mark.parametrize("change", ANSWERS.values(), ids=ANSWERS)
def test_a_verdict_is_the_same_with_what_was_prepared(
    assignment: Assignment, tests: list[str], found: dict[str, Any], change: tuple[str, str]
) -> None:
    forget()
    cold = judged(assignment, tests, change)
    forget()
    learn(found)
    assert judged(assignment, tests, change) == cold
    passed = {check.outcome for verdict in cold for check in verdict.checks} == {Outcome.PASSED}
    assert passed is (change in list(ANSWERS.values())[:3])


def test_a_right_answer_needs_no_computing(
    assignment: Assignment,
    tests: list[str],
    found: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed: list[Any] = []

    def compute(*given: Any, **settings: Any) -> Any:
        computed.append(given)
        raise ValueError

    forget()
    learn(found)
    monkeypatch.setattr(network_calls, "right_values", compute)
    monkeypatch.setattr(graph_comparison, "build", compute)
    monkeypatch.setattr(Solution, "namespace", property(compute))
    for verdict in judged(assignment, tests, ANSWERS["right"]):
        assert verdict.outcome is Outcome.PASSED
    assert not computed
    # Another network is not served from it, nor another salt.
    judged(assignment, tests, ANSWERS["another start"])
    assert computed
    with pytest.raises(TestCellFault):
        judged(assignment, tests, ANSWERS["right"], SALT + 1)


def test_networks_that_a_signature_does_not_tell_apart_are_computed() -> None:
    def network(*, shared: bool = False, start: int = 0, rows: int = 4) -> Graph:
        entrance = keras.Input((rows, 4, 2))
        first, second = (
            keras.layers.Conv2D(2, 1, kernel_initializer=glorot_uniform(seed=start))
            for _ in range(2)
        )
        output = (first if shared else second)(first(entrance))
        return read_graph(keras.Model(entrance, output).to_json())

    assert network().computation == network().computation
    others = {network(start=1).computation, network(rows=5).computation}
    assert len({network().computation, *others}) == 3
    assert network(shared=True).computation == ""
    graph = network()
    assert Graph((*graph.nodes, Node("ReLU", {}, (0,), "unread")), 2).computation == ""


# A check that is named after what its judge knows of the solution, and the judge's parent.
WHAT_IS_KNOWN = """
import hashlib, json, os
from coursekit.course.test_cells import take_apart
from coursekit.judge.cell import solution_of
from resnets_utils import Checks
from resnets_utils.checks.network_calls import graphs_of
cell = take_apart({source!r})
solution = solution_of(cell.solution, cell.blocks, {salt})
known = solution.replies, graphs_of(solution).values_as_data()
digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
threads = len(os.listdir(f"/proc/{{os.getppid()}}/task"))
with Checks("f")(" ".join(map(str, [*map(len, known), digest, threads])), points=1):
    assert False
"""


def known_to_a_judge(source: str, salt: int = SALT) -> list[str]:
    """How many replies and values a new judge knows, their digest, and its parent's threads."""
    with JudgeProcess() as judge:
        cell = WHAT_IS_KNOWN.format(source=source, salt=salt)
        return judge.judge("test", cell, 1, lambda call: {}, 0).checks[0].name.split()


NOTHING = ["0", "0"]


@pytest.fixture
def fresh() -> Iterator[None]:
    warm_judge_client.WARM_JUDGE.close()
    yield
    warm_judge_client.WARM_JUDGE.close()


@linux
@pytest.mark.usefixtures("fresh")
def test_judges_know_what_was_prepared_and_nothing_of_a_submission(
    assignment: Assignment, tests: list[str], found: dict[str, Any]
) -> None:
    cells = {str(number): (test, 0.0) for number, test in enumerate(tests)}
    # What cannot be prepared costs nothing.
    broken = compose("import os; os._exit(3)", None, [("f", "")])
    prepare({"broken": (broken, 0.0)}, SALT, wait=True)
    prepare(cells, SALT, at_once=False, wait=True)
    assert known_to_a_judge(tests[0])[:2] == NOTHING
    # A judge that is asked for now waits until it is done.
    prepare(cells, SALT, at_once=False)
    known = known_to_a_judge(tests[0])
    [solution] = found["solutions"]
    assert known[:2] == [str(len(solution["replies"])), str(len(solution["values"]))]
    assert known[0] != "0" != known[1] and known[3] == "1"
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in answer_cells(assignment, {}):
        exec(cell.replace(*ANSWERS["a lie"]), names)

    def reply(call: dict[str, Any]) -> Any:
        return answer(Call.from_json(call), names)

    with JudgeProcess() as judge:
        verdicts = [
            judge.judge("the test cell", test, points, reply, SALT)
            for test, points in zip(tests, (20, 30), strict=True)
        ]
    assert verdicts == judged(assignment, tests, ANSWERS["a lie"])
    assert verdicts[0].score == 0
    assert known_to_a_judge(tests[0]) == known
    assert known_to_a_judge(tests[0], SALT + 1)[:2] == NOTHING
    # It is not prepared twice.
    assert WARM_JUDGE.server is not None
    prepare(cells, SALT)
    assert psutil.Process(WARM_JUDGE.server.process.pid).children() == []


@linux
@pytest.mark.usefixtures("fresh")
def test_a_warm_judge_that_gets_a_thread_starts_again_without_what_was_prepared() -> None:
    # It runs in this process, too, which must not wait for it.
    thread = """import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
    test = """from resnets_utils import Checks
checks = Checks("f")
with checks("shape", points=1):
    checks.trace((4, 4, 2)).has_output_shape()
"""
    solution = "import keras\ndef f(X):\n    return keras.layers.ReLU()(X)\n"
    source = compose(test, None, [("f", solution)], thread)
    for salt in (SALT, SALT + 1):
        prepare({"test": (source, 1.0)}, salt, wait=True)
        assert WARM_JUDGE.server is not None
        process = psutil.Process(WARM_JUDGE.server.process.pid)
        known = known_to_a_judge(source, salt)
        assert known[:2] == NOTHING and known[3] == "1"
        assert process.is_running() and process.num_threads() == 1
    with JudgeProcess() as judge:
        names: dict[str, Any] = {}
        exec(solution, names)
        verdict = judge.judge(
            "test", source, 1, lambda call: answer(Call.from_json(call), names), SALT
        )
    assert verdict.score == 1
