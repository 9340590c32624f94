"""The graphs that an exercise asks for, from what its `Reference` answers."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply
from resnets_utils.checks.reference import Record, Reference, damaged_record, record
from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node, Shape
from resnets_utils.graphs.graph_json import graph_of_text, text_of_graph
from resnets_utils.graphs.initializer_names import Start
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.graphs.keras_private import can_wait_for_values
from resnets_utils.graphs.stand_ins import Blocks, argument_forms
from resnets_utils.graphs.tracing import UncertainStart, without_starting_values
from resnets_utils.hinted_errors import StudentError

_AGAIN_SECONDS = 0.5
# So many numbers of one kind are handed on to another process.
MAX_VALUES = 100_000
Values = Sequence[NDArray[np.float32]]


class OutOfTime(BaseException):
    """It took too long. A BaseException: the code that is interrupted may catch all others."""


class ReferenceGraphs:
    """Graphs of a reference's replies, each read once."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.blocks = Blocks(reference.blocks)
        self._graphs: dict[str, Graph] = {}
        self._opened: dict[Any, Graph | None] = {}
        # What the exercise's own graphs compute; see `values`.
        self._values: dict[str, Values] = {}

    def graph(self, call: Call) -> Graph:
        """Return what the exercise draws for a call, its blocks closed.

        Raises:
            StudentError: if the call is not recorded, or the record is damaged.
            ValueError: if the solution draws no graph, which is the author's mistake.

        """
        # The graph is the same with the student's own blocks, and with pictures tried.
        own = call.function in self.blocks.functions
        call = replace(call, blocks="" if own else self.blocks.text, sample=None)
        if call.key not in self._graphs:
            reply = self.reference.reply(call)
            self._graphs[call.key] = self._read(reply, call)
        return self._graphs[call.key]

    def _read(self, reply: Reply, call: Call) -> Graph:
        if reply["status"] == "drawn":
            try:
                return graph_of_text(reply.get("graph", ""))
            except ValueError as error:
                raise damaged_record(call, error) from None
        if reply["status"] != "graph":
            raise ValueError(f"the solution fails: {call}: {reply.get('reason', '')}")
        try:
            return read_graph(reply["graph"], self.blocks)
        except GraphRefused as error:
            raise ValueError(f"the checks cannot read what the solution draws: {error}") from None

    def opened(self, block: Node, shape: Shape, seconds: float | None = None) -> Graph | None:
        """Return the layers that the exercise has for a closed block.

        Args:
            block: the closed block; its arguments may be a student's.
            shape: the shape of its input.
            seconds: how long drawing it may take; None for a block of the exercise's own.

        Returns:
            The layers, drawn on an input of that shape; None if they are not
            recorded, if the solution's block cannot be called like this, or takes too long.

        """
        key = (block.function, repr(sorted(block.settings.items())), shape)
        if key not in self._opened:
            # A block that keeps its input's shape fits only an input of as many channels
            # as it gives; elsewhere it is drawn on an input that fits.
            try:
                with within_seconds(seconds), _without_values(seconds):
                    self._opened[key] = self._drawn(block, shape) or self._drawn(
                        block, (*shape[:-1], block.gives[-1])
                    )
            except OutOfTime:
                return None
        return self._opened[key]

    def values(
        self, graph: Graph, expected: Graph, what: str, compute: Callable[[], Values]
    ) -> Values:
        """Return what a graph computes; only once for all that compute what the exercise's does.

        Args:
            graph: the graph, which may be a student's.
            expected: the exercise's for the same call.
            what: identifies the values, of all that this graph can compute.
            compute: computes them; it may raise anything.

        """
        if not graph.computation or graph.computation != expected.computation:
            return compute()
        key = f"{what} of {graph.computation}"
        if key not in self._values:
            self._values[key] = compute()
        return self._values[key]

    def values_as_data(self) -> dict[str, Any]:
        """Return what `values` has kept, as JSON data; without what is long."""
        return {
            key: [[one.shape, one.ravel().tolist()] for one in values]
            for key, values in self._values.items()
            if sum(one.size for one in values) <= MAX_VALUES
        }

    def learn(self, replies: Mapping[str, Reply], values: Mapping[str, Any]) -> None:
        """Take over what was found of the same reference elsewhere, and read its graphs.

        Nothing is drawn or computed here.

        Args:
            replies: the reference's replies by their calls' keys.
            values: what `values_as_data` returned there.

        """
        known = ReferenceGraphs(Record(record(self.reference.blocks, replies, {})))
        for key, reply in replies.items():
            if reply["status"] == "graph":
                graph = known.graph(Call.of_key(key))
                for node in graph.of_kind(CLOSED_BLOCK):
                    known.opened(node, graph.shapes[node.inputs[0]])
        self._graphs.update(known._graphs)
        self._opened.update((key, found) for key, found in known._opened.items() if found)
        for key, kept in values.items():
            self._values[key] = [
                np.asarray(numbers, np.float32).reshape(shape) for shape, numbers in kept
            ]

    def _drawn(self, block: Node, shape: Shape) -> Graph | None:
        try:
            graph = self.graph(block_call(block, shape))
        except (StudentError, ValueError):
            return None
        return graph.with_nodes(_with_own_starts(node, block) for node in graph.nodes)


@contextlib.contextmanager
def _without_values(seconds: float | None) -> Iterator[None]:
    """Let a block of a student's arguments draw no values: they can ask for gigabytes of them."""
    if seconds is None or not can_wait_for_values():
        yield
        return
    with contextlib.suppress(UncertainStart), without_starting_values(()):
        yield


def block_call(block: Node, shape: Shape) -> Call:
    """Return the call that a closed block stands for, on a tensor of ``shape``."""
    sizes = tuple(size or 1 for size in shape[1:])
    return Call(block.function, argument_forms(block.settings), sizes)


def _with_own_starts(node: Node, block: Node) -> Node:
    """A block's layer, with the student's own initializer that the block was called with."""
    start = node.settings.get("initializer")
    if not isinstance(start, tuple) or start[:2] != ("other", Start.__name__):
        return node
    handed = list(block.settings.values())[int(str(start[2]))]
    assert isinstance(handed, tuple)
    return replace(node, settings={**node.settings, "initializer": handed[1:]})


@contextlib.contextmanager
def within_seconds(seconds: float | None) -> Iterator[None]:
    """Interrupt a block that takes longer; works only in the main thread of a Unix process.

    Args:
        seconds: how long it may take; None for any time.

    Raises:
        OutOfTime: within the block, when the time is over.

    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    if seconds <= 0:
        raise OutOfTime

    running = True

    def over(number: int, frame: object) -> None:
        if running:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, over)
    # Again and again: the block may catch the first one, and Python drops it in a destructor.
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def replies_to_record(graphs: ReferenceGraphs, asked: Sequence[Call]) -> dict[str, Reply]:
    """Return the replies that a record keeps for the graphs that checks asked for.

    The layers of the blocks in these graphs, which are the solution's, are among them.
    """
    kept: dict[str, Reply] = {}
    for call in asked:
        graph = graphs.graph(call)
        kept[call.key] = {"status": "drawn", "graph": text_of_graph(graph)}
        for node in graph.of_kind(CLOSED_BLOCK):
            block = block_call(node, graph.shapes[node.inputs[0]])
            kept[block.key] = {"status": "drawn", "graph": text_of_graph(graphs.graph(block))}
    return kept
