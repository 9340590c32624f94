"""Have a graded function draw its graph, and compare it with the exercise's."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from resnets_utils.border.call import Call, as_arguments
from resnets_utils.border.difference import OTHER, Difference, difference_in
from resnets_utils.border.reply import Reply
from resnets_utils.checks.check_result import (
    AnswerRaised,
    CheckFailed,
    NotAttempted,
    raise_what_happened,
)
from resnets_utils.checks.graph_comparison import GraphComparison, all_but_start, open_blocks
from resnets_utils.checks.judging import Judging
from resnets_utils.checks.network_checks import Answer
from resnets_utils.checks.reference import MAX_REFERENCES, Reference
from resnets_utils.checks.reference_graphs import ReferenceGraphs, Values, block_call
from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node, Shape
from resnets_utils.graphs.keras_json import read_graph
from resnets_utils.graphs.keras_layers import GraphRefused
from resnets_utils.graphs.spot_check import agrees, right_values

# For opening all blocks of a test cell's networks. A student's arguments can ask for so many
# layers that drawing them takes hours; the exercise's own take a second.
MAX_SECONDS = 20
# Of the networks that hidden checks ask for, one is tried on pictures at each new size, and
# one in so many others.
_ONE_IN = 4


@lru_cache(maxsize=MAX_REFERENCES)
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
        self._own: dict[str, Graph | None] = {}  # layers of the student's own blocks, by call
        how.networks[function] = self
        self._tried: set[Shape] = set()  # the sizes at which a network was tried
        self.untrue = ""  # why the function's networks are not trusted
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
                self._answers[key] = self._answer(call, expected, own_blocks)
            except (AnswerRaised, NotAttempted, CheckFailed) as error:
                self._answers[key] = error
        if self.untrue:
            raise CheckFailed(self.untrue, Difference(OTHER, sentence=self.untrue))
        answer = self._answers[key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, call: Call, expected: Graph, own_blocks: bool) -> Answer:
        # A whole network with the student's own blocks takes seconds: the blocks' own checks
        # try them at such sizes.
        size = expected.shapes[0]
        if not own_blocks and self._to_be_tried(call, size):
            call = replace(call, sample=_trial_number(self._how.salt, call))
            self._tried.add(size)
        reply = self._how.tracer(call)
        reason = reply.get("reason", "")
        if reply["status"] == "graph":
            try:
                graph = self._read(reply["graph"], call)
            except GraphRefused as error:
                found = self._differs_so_far(call, error.graph, expected)
                difference = difference_in(found or str(error), self._arguments(call))
                raise CheckFailed(f"{call}: {error}{_before(found)}", difference) from None
            answer = Answer(
                call,
                self._beside(call, graph, expected),
                reveal=lambda: not self._hidden(),
                arguments=self._arguments(call),
                thorough=self._how.thorough,
                other_blocks=lambda: self._other_blocks(call, graph),
            )
            answer.refuse_settings()
            if call.sample is not None and not self._is_true(call.sample, reply, graph, expected):
                self.untrue = (
                    f"{call}: called with pictures, it ended in {reason}"
                    if reason
                    else f"{call}: its layers compute something else than they say; use "
                    "Keras's layers and functions as they are, and do not set or train weights"
                )
            return answer
        found = self._differs_so_far(call, self._drawn_so_far(reply, call), expected)
        raise_what_happened(
            call,
            reply,
            in_notebook=self._how.in_notebook,
            more=_before(found),
            cause=difference_in(found, self._arguments(call)) if found else None,
        )

    def _arguments(self, call: Call) -> dict[str, Any]:
        return self._how.reference.arguments(call)

    def _is_true(self, number: int, reply: Reply, graph: Graph, expected: Graph) -> bool:
        """Whether a network that was tried is and computes what its graph says."""

        def right() -> Values:
            return self._graphs.values(
                graph, expected, f"trial {number}", lambda: right_values(graph, number)
            )

        return agrees(reply.get("values", ""), graph, right)

    def _to_be_tried(self, call: Call, size: Shape) -> bool:
        """Whether a network is tried on pictures.

        What a visible check asks for stands in the student's folder (see `Record`): to draw
        that needs no lie.
        """
        if not self._how.sampled or not (self._how.in_notebook or self._hidden()):
            return False
        return size not in self._tried or _trial_number(self._how.salt, call) % _ONE_IN == 0

    @property
    def without_mistake(self) -> bool:
        """Whether every network that the function drew computes what the exercise asks for."""
        return not self.untrue and all(
            isinstance(answer, Answer) and answer.graphs.equivalent
            for answer in self._answers.values()
        )

    def _other_blocks(self, call: Call, whole: Graph) -> str:
        """How the blocks in a whole network differ from those that were judged; see `Answer`."""
        arguments = call.python_arguments
        closed = self.trace(call.shape, own_blocks=False, arguments=arguments).graphs.graph
        own = open_blocks(closed, self._own_layers)
        if own.signature(all_but_start) != whole.signature(all_but_start):
            return "its blocks have other layers here than when they are called one by one" + (
                f"\n{found}" if (found := self._beside(call, whole, own).any_difference()) else ""
            )
        if not closed.closed:
            return self._beside(call, closed, self._graphs.graph(call)).any_difference()
        for node in closed.of_kind(CLOSED_BLOCK):
            if self._is_known_to_be_wrong(node.function):
                continue
            shape = closed.shapes[node.inputs[0]]
            block, layers = block_call(node, shape), self._own_layers(node, shape)
            right = self._graphs.opened(node, shape)
            if layers is None or right is None:
                continue
            beside = self._beside(block, layers, right)
            if not beside.equivalent:
                return (
                    f"{node.function} passes its own checks, but here it is another block"
                    f"\n{block}: {beside.any_difference()}"
                )
        return ""

    def _is_known_to_be_wrong(self, block: str) -> bool:
        """Whether a block's own test cell found a mistake, or may have found one."""
        judged = self._how.networks.get(block)
        # In a notebook each test cell is on its own. In the judge, a test cell that comes
        # later has not found anything.
        return self._how.in_notebook if judged is None else not judged.without_mistake

    def _own_layers(self, block: Node, shape: Shape) -> Graph | None:
        """The layers of the student's own block; None if it draws none that can be read."""
        call = block_call(block, shape)
        if call.key not in self._own:
            reply = self._how.tracer(call)
            self._own[call.key] = None
            if reply["status"] == "graph":
                with contextlib.suppress(GraphRefused):
                    self._own[call.key] = read_graph(reply["graph"])
        return self._own[call.key]

    def _read(self, text: str, call: Call) -> Graph:
        return read_graph(text, self._graphs.blocks if call.blocks else None)

    def _beside(self, call: Call, graph: Graph, expected: Graph) -> GraphComparison:
        return GraphComparison(
            graph,
            expected,
            self._open_block,
            self._graphs.opened,
            self._graphs.values,
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
        return self._own_layers(block, shape)

    def _drawn_so_far(self, reply: Reply, call: Call) -> Graph | None:
        """The graph that was drawn before an error, if it can be read."""
        if "graph" not in reply:
            return None
        try:
            return self._read(reply["graph"], call)
        except GraphRefused as error:
            return error.graph

    def _differs_so_far(self, call: Call, graph: Graph | None, expected: Graph) -> str:
        """The first difference in what was drawn before an error; "" if there is not one."""
        return "" if graph is None else self._beside(call, graph, expected).difference_so_far()


def _before(found: str) -> str:
    """What differed before an error, on a line of its own."""
    return f"\nbefore that, {found}" if found else ""


def _trial_number(salt: int, call: Call) -> int:
    """The number that decides a call's trial; the salt, which the judge keeps, is not in it."""
    digest = hashlib.sha256(f"{salt} {call.key}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
