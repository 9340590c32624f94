"""A network that was drawn, compared with the exercise's for the same call."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from resnets_utils.border.difference import VALUE, Sentence
from resnets_utils.checks.reference_graphs import Values
from resnets_utils.graphs.graph import (
    CLOSED_BLOCK,
    TRAINING_KINDS,
    WEIGHTED,
    Graph,
    Node,
    Reading,
    Shape,
)
from resnets_utils.graphs.graph_differences import INITIALIZERS, first_difference
from resnets_utils.graphs.keras_layers import BENT_RELU
from resnets_utils.graphs.places import Names
from resnets_utils.graphs.rebuilding import build, same_behaviour

CONVOLUTION = (
    "filters",
    "kernel",
    "strides",
    "padding",
    "dilation",
    "groups",
    "bias",
    "trainable",
    "also sets",
)
NORMALISATION = (
    "axis",
    "momentum",
    "epsilon",
    "center",
    "scale",
    "training",
    "trainable",
    "also sets",
)


class Opener(Protocol):
    """Finds the layers behind a closed block."""

    def __call__(self, block: Node, shape: Shape) -> Graph | None:
        """Return them, drawn on an input of ``shape``; None if they are not known."""


@dataclass(frozen=True, eq=False)
class GraphComparison:
    """Two graphs of one call, with closed blocks opened where it is necessary.

    Attributes:
        graph: the answer's graph as read, closed blocks and all.
        expected: the exercise's graph for the same call.
        open_block: finds the layers behind a closed block of the answer's.
        open_own_block: finds those behind one of the exercise's.
        values: computes what the answer's graph computes, unless that is known; see
            `ReferenceGraphs.values`.
        salt: determines random weights and pictures.
        network: whether they are whole networks, not a function's on a tensor.

    """

    graph: Graph
    expected: Graph
    open_block: Opener
    open_own_block: Opener
    values: Callable[[Graph, Graph, str, Callable[[], Values]], Values]
    salt: int
    network: bool

    @cached_property
    def opened(self) -> Graph:
        """The answer's graph, all blocks opened."""
        return open_blocks(self.graph, self.open_block)

    @cached_property
    def opened_expected(self) -> Graph:
        """The exercise's graph, all blocks opened."""
        return open_blocks(self.expected, self.open_own_block)

    @cached_property
    def at_one_level(self) -> tuple[Graph, Graph]:
        """The two graphs, closed blocks closed if the answer has any, else all open."""
        if self.graph.closed:
            return self.graph, self.expected
        return self.opened, self.opened_expected

    @cached_property
    def equivalent(self) -> bool:
        """Whether the answer computes what the exercise asks for, however it is drawn."""
        if any(node.also_sets for node in self.opened.nodes):
            return False
        # Ordinary pictures may never reach the bend.
        if _bent(self.opened) != _bent(self.opened_expected):
            return False
        # Keras 3 overrides a layer's own `training` when the whole model is
        # called with one, so values alone would not show it.
        if _training_arguments(self.opened) != _training_arguments(self.opened_expected):
            return False
        if self.alike(all_but_start):
            return True
        return self._same_behaviour()

    @cached_property
    def named_alike(self) -> bool:
        """Whether equal names are on equal layers, of two graphs that compute the same."""
        if self.alike(all_but_start):
            return self.alike(all_and_names)
        return self._same_behaviour(by_name=True)

    def _same_behaviour(self, *, by_name: bool = False) -> bool:
        try:
            return same_behaviour(self.opened, self.opened_expected, self.salt, by_name=by_name)
        except Exception:  # the layers do not fit together, or cannot be computed
            return False

    def alike(self, read: Reading) -> bool:
        """Whether the opened graphs are the same in what is read of their layers."""
        return self.opened.signature(read) == self.opened_expected.signature(read)

    def outputs(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the answer gives for pictures, with the weights that it starts with.

        Raises:
            Exception: whatever Keras raises for the graph.

        """

        def compute() -> Values:
            return [np.asarray(build(_as_called(self.opened))(X))]

        pictures = hashlib.sha256(repr(X.shape).encode() + X.tobytes()).hexdigest()
        (found,) = self.values(self.opened, self.opened_expected, f"outputs {pictures}", compute)
        return found

    def names(self, graph: Graph) -> Names:
        """Return what a graph's layers are called in a sentence."""
        return Names(graph, network=self.network)

    def first_difference(self, answer: Graph, expected: Graph, **looked_at: Any) -> str:
        """Return a sentence on the first difference; see `graph_differences`."""
        return first_difference(answer, expected, network=self.network, **looked_at)

    def any_difference(self, *graphs: Graph) -> str:
        """Return the first difference of any kind, at one level or of two graphs given."""
        answer, expected = graphs or self.at_one_level
        found = self.first_difference(
            answer,
            expected,
            settings=(*CONVOLUTION, *NORMALISATION, "window", "units", "rate", "shape", "keepdims"),
            arguments=self.arguments_that_matter(all_but_start),
        )
        return found or Sentence(lambda *_: "its values differ from the exercise's", VALUE)

    def difference_so_far(self) -> str:
        """Return the first difference of a graph that was cut short, "" if there is not one."""
        found = self.any_difference(self.graph, self.expected)
        return "" if found.endswith(("is missing", "the exercise's")) else found

    def arguments_that_matter(self, read: Reading) -> Callable[[Node, Node], list[str]]:
        """Return what finds the arguments by which two calls of a block draw different layers.

        Args:
            read: what of the layers is looked at; their names, for example, are not.

        """

        def differing(got: Node, wanted: Node) -> list[str]:
            shape = self.expected.shapes[wanted.inputs[0]]
            right = self.open_own_block(wanted, shape)

            def matters(name: str) -> bool:
                changed = {**wanted.settings, name: got.settings.get(name)}
                other = self.open_block(replace(wanted, settings=changed), shape)
                return (
                    right is None or other is None or other.signature(read) != right.signature(read)
                )

            return [
                name
                for name in wanted.settings
                if repr(got.settings.get(name)) != repr(wanted.settings[name]) and matters(name)
            ]

        return differing


def all_but_start(node: Node) -> tuple[object, ...] | None:
    """Read a layer's settings without the values that its weights start from."""
    if node.kind == "identity":
        return None
    return tuple(sorted((k, v) for k, v in node.settings.items() if k not in INITIALIZERS))


def all_and_names(node: Node) -> tuple[object, ...] | None:
    """Read the same, and the name of a layer that has weights."""
    read = all_but_start(node)
    return (*read, node.layer) if read is not None and node.kind in WEIGHTED else read


def all_and_start(node: Node) -> tuple[object, ...] | None:
    """Read a layer's settings, the values that its weights start from included."""
    return None if node.kind == "identity" else tuple(sorted(node.settings.items()))


def _as_called(graph: Graph) -> Graph:
    """The graph as a plain call runs it: a batch normalisation without `training` predicts.

    Within one call, Keras 3 passes a layer's own `training` on to later layers that
    have none. A function that calls its layers one by one does not.
    """
    return graph.with_nodes(
        replace(node, settings={**node.settings, "training": False})
        if node.kind in TRAINING_KINDS and node["training"] is None
        else node
        for node in graph.nodes
    )


def _training_arguments(graph: Graph) -> Counter[Any]:
    return Counter((node.kind, node["training"]) for node in graph.of_kind(*sorted(TRAINING_KINDS)))


def _bent(graph: Graph) -> Counter[Any]:
    return Counter(
        tuple(sorted(node.settings.items(), key=repr))
        for node in graph.of_kind("activation")
        if node["function"] == BENT_RELU
    )


def open_blocks(graph: Graph, open_block: Opener) -> Graph:
    """Return a graph with its closed blocks replaced by the layers behind them.

    A block whose layers are not known stays closed.
    """
    nodes: list[Node] = []
    moved: list[int] = []  # by place in the closed graph: the place of its result
    for at, node in enumerate(graph.nodes):
        layers = None
        if node.kind == CLOSED_BLOCK:
            layers = open_block(node, graph.shapes[node.inputs[0]])
        if layers is None:
            inputs = tuple(moved[source] for source in node.inputs)
            moved.append(len(nodes))
            nodes.append(replace(node, inputs=inputs))
            continue
        within = [moved[node.inputs[0]]]
        for layer in layers.nodes[1:]:
            inputs = tuple(within[source] for source in layer.inputs)
            within.append(len(nodes))
            owner = f"{node.layer or at}"
            nodes.append(replace(layer, inputs=inputs, owner=owner, function=node.function))
        moved.append(within[layers.output])
    return Graph(tuple(nodes), moved[graph.output], graph.name)
