"""Where a layer stands in a graph, in words: "in stage 4, block c, the second convolution".

All names are derived from the graph itself. An addition has two ways into it: the longer
is the main path and the shorter the shortcut. Layers of one kind are numbered along the
main path of their block. Blocks are numbered within stages (see `stages`), or in order.
"""

from __future__ import annotations

import re
from functools import cached_property

from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node
from resnets_utils.graphs.stages import stage_names

ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
)
_KIND_WORDS = {"dense": "dense layer"}


def kind_in_words(kind: str) -> str:
    """Return the name of a kind of layer in a sentence."""
    return _KIND_WORDS.get(kind, kind)


def node_in_words(node: Node) -> str:
    """Return the name of a node in a sentence, such as "convolution" or "identity block"."""
    if node.kind == CLOSED_BLOCK:
        return function_in_words(node.function)
    function = node.settings.get("function")
    if isinstance(function, str):
        return f"{function} activation" if function.isidentifier() else function
    return kind_in_words(node.kind)


def function_in_words(function: str) -> str:
    """Return a function's name as words: "conv_stage" is a "conv stage"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", function).strip("_")
    return " ".join(apart.lower().split("_")) or function


def _nth(number: int, word: str) -> str:
    """A word with its number, counted from 0: "second convolution"."""
    return f"{ORDINALS[number]} {word}" if number < len(ORDINALS) else f"{word} number {number + 1}"


class Names:
    """Names for a graph's nodes: "the second convolution", "the shortcut's convolution".

    ``network`` says whether it is a whole network, not the layers of a block.
    """

    def __init__(self, graph: Graph, *, network: bool) -> None:
        self._graph = graph
        self._network = network

    def __getitem__(self, at: int) -> str:
        """Return the name of the node at a position."""
        node = self._graph.nodes[at]
        if node.kind == "input":
            shape = node.settings.get("shape")
            picture = isinstance(shape, tuple) and len(shape) == 3
            return (
                "the block's input"
                if not self._network
                else f"the {'picture' if picture else 'input'}"
            )
        if node.kind == CLOSED_BLOCK:
            return self.block_of(at)
        prefix = f"in {self._place_of_block(at)}, " if node.owner else ""
        return f"{prefix}{self._in_its_block(at)}"

    def within(self, at: int) -> str:
        """Return the name of the node at a position, for the middle of a sentence."""
        if not self._graph.nodes[at].owner:
            return self[at]
        return f"{self._in_its_block(at)} of {self._place_of_block(at)}"

    def _in_its_block(self, at: int) -> str:
        numbered = self._numbered(at, node_in_words(self._graph.nodes[at]))
        return f"the shortcut's {numbered}" if at in self._shortcut else f"the {numbered}"

    def block_of(self, at: int) -> str:
        """Return the name of the closed block that a node is, or was opened from."""
        place = self._place_of_block(at)
        words = function_in_words(self._graph.nodes[at].function)
        return f"the {words} of {place}" if self._stages else place

    def _numbered(self, at: int, word: str) -> str:
        """A layer's word with its number among those of its kind on its block's path."""
        nodes, node = self._graph.nodes, self._graph.nodes[at]
        alike = [
            other
            for other in self._graph.reached
            if nodes[other].owner == node.owner and node_in_words(nodes[other]) == word
        ]
        here = [other for other in alike if (other in self._shortcut) == (at in self._shortcut)]
        if not node.owner and self._blocks:
            return self._outside_blocks(at, word, here)
        if len(here) == 1 and (len(alike) == 1 or at in self._shortcut):
            return word
        if at == self._last_of(node.owner):
            return f"last {word}"
        return _nth(here.index(at), word)

    def _outside_blocks(self, at: int, word: str, here: list[int]) -> str:
        """A layer before, between or after blocks, numbered among all of its kind."""
        nodes = self._graph.nodes
        everywhere = [other for other in self._graph.reached if node_in_words(nodes[other]) == word]
        if len(everywhere) == 1 or (self._graph.closed and len(here) == 1):
            return word
        if at == everywhere[0]:
            return f"first {word}"
        if at == everywhere[-1]:
            return f"last {word}"
        return f"{_nth(here.index(at), word)} outside the blocks"

    def _last_of(self, owner: str) -> int:
        if not owner:
            return self._graph.output
        return next(last for name, _, last in self._blocks if name == owner)

    @cached_property
    def _blocks(self) -> list[tuple[str, int, int]]:
        """Each block's name, and the positions of its input and of its output."""
        found: dict[str, tuple[str, int, int]] = {}
        for at in self._graph.reached:
            owner = self._owner(at)
            if owner:
                first = found[owner][1] if owner in found else self._graph.nodes[at].inputs[0]
                found[owner] = (owner, first, at)
        return list(found.values())

    @cached_property
    def _stages(self) -> list[tuple[int, str]]:
        """The stage and letter of each block; empty where blocks form no stages."""
        try:
            shapes = self._graph.shapes
        except (ValueError, IndexError, KeyError, AssertionError):
            return []  # the layers do not fit together
        changes = [shapes[first] != shapes[last] for _, first, last in self._blocks]
        return stage_names(changes)

    def _place_of_block(self, at: int) -> str:
        node = self._graph.nodes[at]
        number = [name for name, _, _ in self._blocks].index(self._owner(at))
        if self._stages:
            stage, letter = self._stages[number]
            return f"stage {stage}, block {letter}"
        words = function_in_words(node.function)
        functions = [self._graph.nodes[last].function for _, _, last in self._blocks]
        alike = [place for place, function in enumerate(functions) if function == node.function]
        if len(alike) == 1:
            return f"the {words}"
        return f"the {_nth(alike.index(number), words)}"

    def _owner(self, at: int) -> str:
        """The block that a node is, or was opened from; "" for none."""
        node = self._graph.nodes[at]
        # A record omits names that Keras gave.
        return node.owner if node.kind != CLOSED_BLOCK else node.layer or f"#{at}"

    @cached_property
    def _shortcut(self) -> frozenset[int]:
        """The positions on the shorter way into an addition."""
        found: set[int] = set()
        nodes = self._graph.nodes
        for at in self._graph.reached:
            inputs = nodes[at].inputs
            if nodes[at].kind != "addition" or len(inputs) != 2:
                continue
            one, other = (self._behind(source, nodes[at].owner) for source in inputs)
            ways = [one - other, other - one]
            shorter, longer = sorted(ways, key=len)
            if len(shorter) < len(longer):
                found |= shorter
        return frozenset(found)

    def _behind(self, at: int, owner: str) -> frozenset[int]:
        """The positions that a node's value depends on, within its block."""
        seen: set[int] = set()
        waiting = [at]
        while waiting:
            here = waiting.pop()
            if here in seen or (owner and self._graph.nodes[here].owner != owner):
                continue
            seen.add(here)
            waiting += self._graph.nodes[here].inputs
        return frozenset(seen)
