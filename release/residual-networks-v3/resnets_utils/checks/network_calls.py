"""Have a graded function draw its graph, and compare it with the exercise's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from resnets_utils.border.call import Call, as_arguments
from resnets_utils.border.reply import Reply
from resnets_utils.checks.check_result import (
    AnswerRaised,
    CheckFailed,
    NotAttempted,
    raise_what_happened,
)
from resnets_utils.checks.graph_comparison import GraphComparison
from resnets_utils.checks.judging import Judging
from resnets_utils.checks.network_checks import Answer
from resnets_utils.checks.reference import Reference
from resnets_utils.checks.reference_graphs import ReferenceGraphs, block_call
from resnets_utils.graphs.graph import Graph, Node, Shape
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.graphs.spot_check import agrees

# For opening all blocks of a test cell's networks. A student's arguments can ask for so many
# layers that drawing them takes hours; the exercise's own take a second.
MAX_SECONDS = 20
# The student's kernel gets only this remainder of the salt, which stays with the judge.
_SAMPLE_NUMBERS = 1_000_003


@lru_cache(maxsize=4)
def graphs_of(reference: Reference) -> ReferenceGraphs:
    """Return the graphs of a reference; all checks of a notebook share them."""
    return ReferenceGraphs(reference)


class NetworkChecks:
    """The networks that one graded function draws, each call made once.

    Args:
        function: the function's name.
        how: how checks run.
        hidden: tells whether the check that asks is hidden from students.

    """

    def __init__(self, function: str, how: Judging, hidden: Callable[[], bool]) -> None:
        self._function = function
        self._how = how
        self._hidden = hidden
        self._graphs = graphs_of(how.reference)
        self._answers: dict[str, Answer | Exception] = {}
        self._tried = not how.sampled
        self._untrue = ""  # why the function's networks are not trusted
        self._seconds_left: float = MAX_SECONDS

    def trace(
        self, shape: tuple[int, ...] | None, own_blocks: bool, arguments: dict[str, Any]
    ) -> Answer:
        """Call the function and return what it drew; see `Checks.trace`."""
        blocks = self._graphs.blocks
        # A block is judged by itself; a function that calls blocks gets correct ones.
        own = own_blocks or self._function in blocks.functions
        call = Call(
            self._function, as_arguments(arguments), shape, blocks="" if own else blocks.text
        )
        # Before the student's code runs: a call that is not recorded raises here.
        expected = self._graphs.graph(call)
        key = repr(call)
        if key not in self._answers:
            try:
                self._answers[key] = self._answer(call, expected, costly=own_blocks)
            except (AnswerRaised, NotAttempted, CheckFailed) as error:
                self._answers[key] = error
        if self._untrue:
            raise CheckFailed(self._untrue)
        answer = self._answers[key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, call: Call, expected: Graph, *, costly: bool) -> Answer:
        # One network is tried: the first that costs little. With the student's own
        # blocks, a whole network takes seconds.
        if not self._tried and not costly:
            call = replace(call, sample=self._how.salt % _SAMPLE_NUMBERS)
        reply = self._how.tracer(call)
        reason = reply.get("reason", "")
        if reply["status"] == "graph":
            try:
                graph = self._read(reply["graph"], call)
            except GraphRefused as error:
                explained = self._explained(call, error.graph, expected)
                raise CheckFailed(f"{call}: {error}{explained}") from None
            if call.sample is not None:
                self._tried = True
                if not agrees(reply.get("values", ""), graph, call.sample):
                    self._untrue = (
                        f"{call}: called with pictures, it ended in {reason}"
                        if reason
                        else f"{call}: its layers compute something else than they say; use "
                        "Keras's layers and functions as they are, and do not set or train weights"
                    )
            return Answer(
                call,
                self._beside(call, graph, expected),
                reveal=lambda: not self._hidden(),
                thorough=self._how.thorough,
            )
        more = self._explained(call, self._drawn_so_far(reply, call), expected)
        raise_what_happened(call, reply, in_notebook=self._how.in_notebook, more=more)

    def _read(self, text: str, call: Call) -> Graph:
        return read_graph(text, self._graphs.blocks if call.blocks else None)

    def _beside(self, call: Call, graph: Graph, expected: Graph) -> GraphComparison:
        return GraphComparison(
            graph,
            expected,
            self._open_block,
            self._graphs.opened,
            self._how.salt,
            network=call.shape is None,
        )

    def _open_block(self, block: Node, shape: Shape) -> Graph | None:
        """The exercise's layers for a block; a notebook may have only the student's own."""
        started = time.monotonic()
        found = self._graphs.opened(block, shape, self._seconds_left)
        self._seconds_left -= time.monotonic() - started
        if found is not None or not self._how.in_notebook:
            return found
        reply = self._how.tracer(block_call(block, shape))
        if reply["status"] != "graph":
            return None
        try:
            return read_graph(reply["graph"])
        except GraphRefused:
            return None

    def _drawn_so_far(self, reply: Reply, call: Call) -> Graph | None:
        """The graph that was drawn before an error, if it can be read."""
        if "graph" not in reply:
            return None
        try:
            return self._read(reply["graph"], call)
        except GraphRefused as error:
            return error.graph

    def _explained(self, call: Call, graph: Graph | None, expected: Graph) -> str:
        """The first difference in what was drawn before an error, on a line of its own."""
        if graph is None:
            return ""
        found = self._beside(call, graph, expected).difference_so_far()
        return f"\nbefore that, {found}" if found else ""
