"""What the exercise asks for: the solution itself, and a record of what it answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exercises import (
    CHAIN,
    CHAIN_BLOCKS,
    MODES,
    MODES_BLOCKS,
    NAMED,
    NAMED_BLOCKS,
    PLAIN,
    drawn,
    graphs,
    opened,
)

from resnets_utils import tensorflow1
from resnets_utils.border.call import VALUE, Call, as_arguments
from resnets_utils.checks.reference import (
    RECORD,
    Record,
    Solution,
    record,
    record_of_this_folder,
    record_text,
)
from resnets_utils.checks.reference_graphs import ReferenceGraphs, replies_to_record
from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node
from resnets_utils.graphs.graph_json import graph_of_text, text_of_graph
from resnets_utils.graphs.places import Names
from resnets_utils.hinted_errors import StudentError

NETWORK = Call("network", {})
VALUES = "def softmax(x):\n    return [round(one / sum(x), 3) for one in x]\n"
POINTS = {"network": 15, "softmax": 2.5}
ASKED = Call("softmax", as_arguments({"x": [1, 3]}), asks=VALUE)


def data_of(text: str = MODES, blocks: str = MODES_BLOCKS) -> dict[str, Any]:
    """A record of one network and one value, of a solution that runs again."""
    solution = Solution([("network", text), ("softmax", VALUES)], blocks)
    found = replies_to_record(ReferenceGraphs(solution), [NETWORK])
    return record(blocks, {**found, ASKED.key: solution.reply(ASKED)}, POINTS)


def everything(node: Node) -> tuple[object, ...]:
    return (*sorted(node.settings.items()), node.gives, node.layer if node.named else "")


def test_a_record_answers_as_the_solution_does() -> None:
    text = record_text(data_of())
    found = Record(json.loads(text))
    assert found.blocks == MODES_BLOCKS
    assert json.loads(found.reply(ASKED)["value"]) == json.loads(
        Solution([("softmax", VALUES)]).reply(ASKED)["value"]
    )
    recorded, own = ReferenceGraphs(found), graphs(MODES, MODES_BLOCKS)
    assert recorded.graph(NETWORK).closed
    for one, other in (
        (recorded.graph(NETWORK), own.graph(NETWORK)),
        (opened(recorded, recorded.graph(NETWORK)), opened(own, own.graph(NETWORK))),
    ):
        assert one.signature(everything) == other.signature(everything)
    # A line a call, and the whole JSON.
    assert text.count("\n") == len(json.loads(text)["replies"]) + len(POINTS) + 8
    assert json.loads(text) == data_of()


def test_blocks_of_a_record_are_told_by_their_places_though_keras_named_them() -> None:
    wanted = ReferenceGraphs(Record(json.loads(record_text(data_of())))).graph(NETWORK)
    own = graphs(MODES, MODES_BLOCKS).graph(NETWORK)
    for at, node in enumerate(wanted.nodes):
        if node.kind == CLOSED_BLOCK:
            assert not node.layer
            assert Names(wanted, network=True)[at] == Names(own, network=True)[at]


def test_a_record_is_the_same_when_it_is_made_again() -> None:
    assert record_text(data_of()) == record_text(data_of())
    shuffled = {**dict(reversed(data_of()["replies"].items()))}
    assert record_text(record(MODES_BLOCKS, shuffled, POINTS)) == record_text(data_of())


def test_what_is_not_recorded_is_told_in_words() -> None:
    found = Record(data_of())
    other = Call("softmax", as_arguments({"x": [2, 2]}), asks=VALUE)
    with pytest.raises(StudentError) as caught:
        found.reply(other)
    assert "does not say what softmax(x=[2, 2]) should give" in caught.value.message
    assert "restore the check's arguments" in caught.value.hint
    graphs_found = ReferenceGraphs(found)
    with pytest.raises(StudentError, match=r"what network\(classes=4\) should give"):
        graphs_found.graph(Call("network", as_arguments({"classes": 4})))
    block = graphs_found.graph(NETWORK).of_kind(CLOSED_BLOCK)[0]
    assert graphs_found.opened(block, (None, 8, 8, 3)) is not None
    assert graphs_found.opened(block, (None, 9, 9, 3)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"schema": 2, "blocks": "", "replies": {}}',
        '{"schema": 1, "replies": {}}',
        '{"schema": 1, "blocks": 3, "hidden_points": {}, "replies": {}}',
        '{"schema": 1, "blocks": "", "hidden_points": {}, "replies": []}',
        '{"schema": 1, "blocks": "", "hidden_points": {"f": "15"}, "replies": {}}',
        "[" * 100_000,
        "\udcff",
    ],
    ids=range(11),
)
def test_a_damaged_record_is_told(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / RECORD).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StudentError, match=r"expected\.json cannot be read") as caught:
        record_of_this_folder()
    assert "copy expected.json again" in caught.value.hint


def test_a_missing_record_is_told_and_a_source_notebook_has_its_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source" / "one"
    source.mkdir(parents=True)
    monkeypatch.chdir(source)
    with pytest.raises(StudentError, match=r"is missing next to this notebook") as caught:
        record_of_this_folder()
    assert caught.value.hint == "copy expected.json from the folder that you were given"
    release = tmp_path / "release" / "one"
    release.mkdir(parents=True)
    (release / RECORD).write_text(record_text(record("", {ASKED.key: {"status": "value"}}, {})))
    assert record_of_this_folder().reply(ASKED) == {"status": "value"}


@pytest.mark.parametrize("graph", [None, "[", "{}", '{"output":0,"nodes":[3]}'])
def test_a_damaged_graph_in_a_record_is_told_to_the_student(graph: str | None) -> None:
    data = data_of()
    data["replies"][NETWORK.key] = {"status": "drawn"} | ({"graph": graph} if graph else {})
    with pytest.raises(StudentError, match="cannot be read") as caught:
        ReferenceGraphs(Record(data)).graph(NETWORK)
    assert caught.value.hint
    data["replies"][NETWORK.key] = {"graph": graph}
    with pytest.raises(ValueError, match="is not a reply"):
        Record(data)


@pytest.mark.parametrize(
    ("text", "blocks", "function"),
    [
        (NAMED, NAMED_BLOCKS, "network"),
        (MODES, MODES_BLOCKS, "network"),
        (PLAIN, "", "network"),
        (PLAIN, "", "of_numbers"),
        (CHAIN, CHAIN_BLOCKS, "network"),
    ],
)
def test_a_graph_comes_back_from_its_text(text: str, blocks: str, function: str) -> None:
    found = graphs(text, blocks)
    graph = drawn(found, function)
    for one in (graph, opened(found, graph)):
        again = graph_of_text(text_of_graph(one))
        assert isinstance(again, Graph)
        assert again.signature(everything) == one.signature(everything)
        assert again.shapes == one.shapes and again.reached == one.reached
        assert text_of_graph(again) == text_of_graph(one)
        assert again.parameters() == one.parameters()
    # Drawn a second time, Keras counts its names on.
    assert text_of_graph(graph) == text_of_graph(drawn(graphs(text, blocks), function))


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"nodes":[{"kin":1}],"output":0}', "null"])
def test_what_is_no_graph_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is not a graph|Expecting value"):
        graph_of_text(text)


def test_the_solutions_cells_run_once_and_only_when_they_are_asked() -> None:
    text = "import itertools\ncount = itertools.count()\ndef f():\n    return next(count)\n"
    solution = Solution([("one", text), ("broken", "")])
    call = Call("f", {}, asks=VALUE)
    assert solution.reply(call) == solution.reply(call)
    broken = Solution([("one", "1 / 0")])
    with pytest.raises(ZeroDivisionError):
        broken.reply(call)


def test_arguments_that_a_call_leaves_out_are_the_solutions_defaults() -> None:
    text = "1 / 0\ndef block(X, f, filters, s=2, start=glorot_uniform, name='a'):\n    pass\n"
    solution = Solution([("one", text)])
    call = Call("block", as_arguments({"f": 2, "name": "b"}), (4, 4, 3))
    # Nothing has to run for that.
    assert solution.arguments(call) == {"s": 2, "f": 2, "name": "b"}
    assert solution.arguments(Call("other", as_arguments({"f": 2}), (4,))) == {"f": 2}


def test_a_block_of_a_students_arguments_draws_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_shapes: list[Any] = []
    monkeypatch.setattr(
        tensorflow1.GlorotUniform, "draw", lambda self, shape, *others: drawn_shapes.append(shape)
    )
    found = graphs(NAMED, NAMED_BLOCKS)
    # More filters than its input has: the addition fails, and a second try would need gigabytes.
    settings: dict[str, Any] = {"f": 3, "filters": (8192, 8192, 8192), "stage": 2, "block": "b"}
    block = Node(CLOSED_BLOCK, settings, (0,), function="identity_block", gives=(None, 4, 4, 8))
    assert found.opened(block, (None, 4, 4, 8), 60.0) is None
    assert drawn_shapes == []
