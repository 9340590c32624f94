"""The graph of a Keras function as plain data: what is compared, and what is rebuilt.

A graded function maps a tensor to a tensor through layers. A graph keeps only
what matters to an exercise: each node is one step (a convolution, a batch
normalisation, ...), its settings, and the nodes it reads from. Keras is not
needed to hold, compare or describe a graph.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

# ResNet-50 has 24 million weights; at 64 x 64 it has 4 million values for a picture, and
# takes 0.3e9 multiplications.
MAX_PARAMETERS = 200_000_000
MAX_VALUES_PER_PICTURE = 200_000_000
MAX_MULTIPLICATIONS = 30_000_000_000
Setting = None | bool | int | float | str | tuple["Setting", ...]
Shape = tuple[int | None, ...]

# Kinds whose result does not depend on the order of what they read.
COMMUTATIVE = frozenset({"addition", "multiplication", "maximum"})
# Kinds that read several tensors.
MERGING = COMMUTATIVE | {"subtraction", "concatenation"}
# Kinds that hold weights.
WEIGHTED = frozenset({"convolution", "batch normalisation", "dense"})
# Kinds that behave differently in training, and take a training argument.
TRAINING_KINDS = frozenset({"batch normalisation", "dropout"})
# A call of one of the exercise's own functions, which stands for its layers; see `stand_ins`.
CLOSED_BLOCK = "closed block"


@dataclass(frozen=True)
class Node:
    """One step of a graph.

    Attributes:
        kind: what it does, in words: "convolution", "ReLU", "addition", ...
        settings: its settings, by name; only those that matter to an exercise.
        inputs: positions, in the graph, of the nodes that it reads from.
        layer: the layer's name. Two nodes of one name and owner share their weights.
        owner: the closed block that the node was opened from, "" for none.
        gives: a closed block's output shape, None for the number of pictures.
        function: the function that a closed block, or the block of an opened node, is a call of.
        named: whether a person chose the layer's name; Keras names the other layers.

    """

    kind: str
    settings: dict[str, Setting] = field(default_factory=dict)
    inputs: tuple[int, ...] = ()
    layer: str = ""
    owner: str = ""
    gives: Shape = ()
    function: str = ""
    named: bool = True

    def __getitem__(self, setting: str) -> Setting:
        return self.settings[setting]

    @property
    def also_sets(self) -> tuple[str, ...]:
        """The settings that are not read, and differ from Keras's defaults."""
        return tuple(map(str, self.settings.get("also sets", ())))  # type: ignore[arg-type]

    def weights_of(self, position: int) -> tuple[str, str]:
        """Return what identifies the node's weights."""
        return (self.owner, self.layer or f"#{position}")


Reading = Callable[[Node], tuple[object, ...] | None]


@dataclass(frozen=True)
class Graph:
    """A graph whose nodes stand in an order in which each reads from earlier ones only.

    Attributes:
        nodes: the steps; the first is the input.
        output: position of the node whose value is the graph's result.
        name: the model's name.

    """

    nodes: tuple[Node, ...]
    output: int
    name: str = ""

    @cached_property
    def depths(self) -> list[int]:
        """By node, how many there are on the longest path to it, itself included."""
        depth: list[int] = []
        for node in self.nodes:
            depth.append(1 + max((depth[source] for source in node.inputs), default=0))
        return depth

    @cached_property
    def reached(self) -> tuple[int, ...]:
        """Positions that the output depends on, in reading order: the longest path first."""
        depth = self.depths
        order: list[int] = []
        seen: set[int] = set()
        # An explicit stack: a graph may be deeper than Python's call stack allows.
        stack: list[tuple[int, bool]] = [(self.output, False)]
        while stack:
            position, opened = stack.pop()
            if opened:
                order.append(position)
                continue
            if position in seen:
                continue
            seen.add(position)
            stack.append((position, True))
            for source in sorted(self.nodes[position].inputs, key=lambda at: depth[at]):
                stack.append((source, False))
        return tuple(order)

    def of_kind(self, *kinds: str) -> list[Node]:
        """Return the nodes of these kinds, in reading order."""
        return [self.nodes[at] for at in self.reached if self.nodes[at].kind in kinds]

    def signature(self, read: Reading) -> str:
        """Return a digest that is equal for graphs that are equal in what ``read`` returns.

        ``read`` returns what counts of a node. For None the node is skipped, and
        its input is used in its place. Names of layers and the order of nodes do
        not matter unless ``read`` returns them.
        """
        if read not in self._signatures:
            self._signatures[read] = self._signature(read)
        return self._signatures[read]

    @cached_property
    def _signatures(self) -> dict[Reading, str]:
        return {}

    def _signature(self, read: Reading) -> str:
        digests: list[str] = []
        for node in self.nodes:
            sources = [digests[source] for source in node.inputs]
            said = read(node)
            if said is None and len(sources) == 1:
                digests.append(sources[0])
                continue
            if node.kind in COMMUTATIVE:
                sources.sort()
            what = (node.kind, node.function if node.kind == CLOSED_BLOCK else "", said, sources)
            digests.append(hashlib.sha256(repr(what).encode()).hexdigest())
        # One branch used twice has the same digest as two equal branches; the number
        # of nodes distinguishes the two.
        counted = [at for at in self.reached if read(self.nodes[at]) is not None]
        weighted = [at for at in counted if self.nodes[at].kind in WEIGHTED]
        layers = {self.nodes[at].weights_of(at) for at in weighted}
        tally = (len(counted), len(weighted), len(layers) == len(weighted))
        return f"{digests[self.output]}:{tally}"

    @cached_property
    def computation(self) -> str:
        """A text that only graphs have in common that compute the same with equal weights.

        Every setting is in it, the initializers and the input's shape included. It is ""
        where layers share weights or lead nowhere: then a signature does not tell enough.
        """
        weighted = [at for at, node in enumerate(self.nodes) if node.kind in WEIGHTED]
        layers = {self.nodes[at].weights_of(at) for at in weighted}
        if len(layers) < len(weighted) or len(self.reached) < len(self.nodes):
            return ""
        return self.signature(_everything)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The output shape of each node, None for the number of pictures.

        Raises:
            ValueError: if a node cannot take what it reads.

        """
        found: list[Shape] = []
        for node in self.nodes:
            found.append(output_shape(node, [found[source] for source in node.inputs]))
        return tuple(found)

    @property
    def output_shape(self) -> Shape:
        """The shape of the graph's result, such as (None, 4, 4, 6)."""
        return self.shapes[self.output]

    def parameters(self, *, trainable_only: bool = False) -> int:
        """Return the number of weights. A layer used twice counts once."""
        counts: dict[tuple[str, str], int] = {}
        for at in self.reached:
            node = self.nodes[at]
            if node.kind in WEIGHTED:
                counts[node.weights_of(at)] = self.node_parameters(at, trainable_only)
        return sum(counts.values())

    @cached_property
    def too_large(self) -> str:
        """Why a judge must not build and compute the graph, in words; "" if it may.

        Raises:
            ValueError: if the layers do not fit together.

        """
        values = sum(map(_size, self.shapes))
        if self.parameters() > MAX_PARAMETERS or values > MAX_VALUES_PER_PICTURE:
            return (
                f"the model has {self.parameters():,} parameters and {values:,} values for one "
                "picture, far more than this exercise needs"
            )
        if self._multiplications > MAX_MULTIPLICATIONS:
            return "the model's layers take far more computing than this exercise needs"
        return ""

    @property
    def _multiplications(self) -> int:
        """An estimate of the multiplications and comparisons that one picture takes."""
        count = 0
        for at, node in enumerate(self.nodes):
            size = _size(self.shapes[at])
            if node.kind in {"convolution", "dense"}:
                count += size // (self.shapes[at][-1] or 1) * self.node_parameters(at)
            else:
                count += size * math.prod(_window(node) if "window" in node.settings else (1,))
        return count

    def node_parameters(self, position: int, trainable_only: bool = False) -> int:
        """Return the number of weights of one node."""
        node = self.nodes[position]
        frozen = node.settings.get("trainable") is False
        if node.kind not in WEIGHTED or (trainable_only and frozen):
            return 0
        source = self.shapes[node.inputs[0]]
        if node.kind == "batch normalisation":
            size = _known(source[_integer(node["axis"])])
            learnt = int(bool(node["scale"])) + int(bool(node["center"]))
            return size * (learnt if trainable_only else learnt + 2)
        channels = _known(source[-1])
        if node.kind == "dense":
            width, window = _integer(node["units"]), 1
        else:
            width, window = _integer(node["filters"]), math.prod(_pair(node["kernel"]))
            channels //= _integer(node.settings.get("groups", 1))
        return channels * window * width + (width if node["bias"] else 0)

    @property
    def closed(self) -> bool:
        """Whether the graph has closed blocks."""
        return bool(self.of_kind(CLOSED_BLOCK))

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """Return this graph with other nodes in the same places."""
        return replace(self, nodes=tuple(nodes))


def _everything(node: Node) -> tuple[object, ...]:
    return (*sorted(node.settings.items()), node.gives)


def _integer(value: Setting) -> int:
    assert isinstance(value, int), value
    return value


def _size(shape: Shape) -> int:
    """How many values a tensor has for one picture."""
    return math.prod(size or 1 for size in shape)


def _known(size: int | None) -> int:
    if size is None:
        raise ValueError("a size is None where the graph needs a number")
    return size


def _pair(value: Setting) -> tuple[int, int]:
    assert isinstance(value, tuple), value
    height, width = value
    return _integer(height), _integer(width)


def _window(node: Node) -> tuple[int, int]:
    """Height and width of what a window spans, gaps between its points included."""
    height, width = _pair(node.settings.get("kernel", node.settings.get("window")))
    down, across = _pair(node.settings.get("dilation", (1, 1)))
    return (height - 1) * down + 1, (width - 1) * across + 1


def _window_shape(node: Node, source: Shape) -> tuple[int, int]:
    sizes = []
    for size, width, stride in zip(source[1:3], _window(node), _pair(node["strides"]), strict=True):
        size = _known(size)
        covered = size if node["padding"] == "same" else size - width + 1
        if covered < 1:
            raise ValueError(f"a window of {width} does not fit an input of {size}")
        sizes.append(-(-covered // stride))
    return sizes[0], sizes[1]


def pads_nothing(node: Node, source: Shape) -> bool:
    """Whether "same" padding adds nothing here, so that it equals "valid"."""
    for size, width, stride in zip(source[1:3], _window(node), _pair(node["strides"]), strict=True):
        outputs = -(-_known(size) // stride)
        if (outputs - 1) * stride + width > _known(size):
            return False
    return True


def output_shape(node: Node, sources: list[Shape]) -> Shape:
    """Return a node's output shape, from the shapes that it reads.

    Raises:
        ValueError: if it cannot read them.

    """
    kind = node.kind
    if kind == "input":
        shape = node["shape"]
        assert isinstance(shape, tuple)
        return (None, *(_integer(size) for size in shape))
    first = sources[0]
    if kind == "concatenation":
        axis = _integer(node["axis"])
        return (*first[:axis], sum(_known(shape[axis]) for shape in sources), *first[axis + 1 :])
    if kind in MERGING:
        if any(shape != first for shape in sources):
            raise ValueError(f"the {kind} takes tensors of one shape, not {sources}")
        return first
    if kind == "convolution":
        height, width = _window_shape(node, first)
        filters, groups = _integer(node["filters"]), _integer(node.settings.get("groups", 1))
        if filters % groups or _known(first[3]) % groups:
            raise ValueError(
                f"{groups} groups do not divide {first[3]} channels and {filters} filters"
            )
        return (None, height, width, filters)
    if kind in {"average pooling", "max pooling"}:
        height, width = _window_shape(node, first)
        return (None, height, width, first[3])
    if kind == "zero padding":
        padding = node["padding"]
        assert isinstance(padding, tuple)
        rows, columns = _pair(padding[0]), _pair(padding[1])
        return (None, _known(first[1]) + sum(rows), _known(first[2]) + sum(columns), first[3])
    if kind == "global average pooling":
        return (None, 1, 1, first[3]) if node.settings.get("keepdims") else (None, first[3])
    if kind == "flatten":
        return (None, math.prod(_known(size) for size in first[1:]))
    if kind == "dense":
        return (*first[:-1], _integer(node["units"]))
    if kind == CLOSED_BLOCK:
        return node.gives
    return first
