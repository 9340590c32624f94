"""What the exercise asks for, as graphs: the other side of every comparison.

The architecture is that of He, Zhang, Ren and Sun, "Deep Residual Learning for
Image Recognition" (2015), in the form of the course exercise: biases in the
convolutions, one seeded initializer, 2 x 2 average pooling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resnets_utils.graph import STAND_INS, Graph, Node, Setting

STAGES: tuple[tuple[int, tuple[int, int, int], int, str], ...] = (
    # stage, filters, stride of the first block, the blocks' letters
    (2, (64, 64, 256), 1, "abc"),
    (3, (128, 128, 512), 2, "abcd"),
    (4, (256, 256, 1024), 2, "abcdef"),
    (5, (512, 512, 2048), 2, "abc"),
)
START = ("glorot_uniform", 0)


class _Drawing:
    """Nodes drawn one after the other; each method returns the new node's position."""

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self.nodes = list(nodes)

    def add(self, kind: str, *inputs: int, layer: str = "", **settings: Setting) -> int:
        return self.place(Node(kind, settings, inputs, layer))

    def place(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def convolution(
        self, at: int, filters: int, width: int, stride: int, padding: str, layer: str
    ) -> int:
        node = Node(
            "convolution",
            {
                "filters": filters,
                "kernel": (width, width),
                "strides": (stride, stride),
                "padding": "valid" if width == 1 else padding,
                "bias": True,
                "initializer": START,
                "bias initializer": ("default",),
            },
            (at,),
            layer,
        )
        return self.place(node)

    def normalisation(self, at: int, layer: str) -> int:
        settings: dict[str, Setting] = {
            "axis": 3,
            "momentum": 0.99,
            "epsilon": 0.001,
            "center": True,
            "scale": True,
            "training": None,
        }
        return self.place(Node("batch normalisation", settings, (at,), layer))

    def block(
        self,
        at: int,
        f: int,
        filters: Sequence[int],
        stage: int,
        letter: str,
        s: int | None,
        owner: str = "",
    ) -> int:
        """Draw a block's layers: with a stride ``s`` the convolutional one, else the identity."""
        convolution, normalisation = f"res{stage}{letter}_branch", f"bn{stage}{letter}_branch"
        first, second, third = filters
        start, shortcut = len(self.nodes), at
        at = self.convolution(at, first, 1, s or 1, "valid", convolution + "2a")
        at = self.add("ReLU", self.normalisation(at, normalisation + "2a"))
        at = self.convolution(at, second, f, 1, "same", convolution + "2b")
        at = self.add("ReLU", self.normalisation(at, normalisation + "2b"))
        at = self.convolution(at, third, 1, 1, "valid", convolution + "2c")
        at = self.normalisation(at, normalisation + "2c")
        if s is not None:
            shortcut = self.convolution(shortcut, third, 1, s, "valid", convolution + "1")
            shortcut = self.normalisation(shortcut, normalisation + "1")
        at = self.add("ReLU", self.add("addition", at, shortcut))
        self.nodes[start:] = [replace(node, owner=owner) for node in self.nodes[start:]]
        return at

    def graph(self, name: str = "") -> Graph:
        return Graph(tuple(self.nodes), len(self.nodes) - 1, name)


def identity_block(
    shape: Sequence[int], f: int, filters: Sequence[int], stage: int, block: str
) -> Graph:
    """Return the identity block on an input of ``shape`` (height, width, channels)."""
    drawing = _Drawing()
    drawing.block(drawing.add("input", shape=tuple(shape)), f, filters, stage, block, None)
    return drawing.graph()


def convolutional_block(
    shape: Sequence[int], f: int, filters: Sequence[int], stage: int, block: str, s: int = 2
) -> Graph:
    """Return the convolutional block on an input of ``shape`` (height, width, channels)."""
    drawing = _Drawing()
    drawing.block(drawing.add("input", shape=tuple(shape)), f, filters, stage, block, s)
    return drawing.graph()


def resnet50(input_shape: Sequence[int] = (64, 64, 3), classes: int = 6) -> Graph:
    """Return ResNet-50 with each block as one closed node; `open_blocks` opens them."""
    drawing = _Drawing()
    at = drawing.add("input", shape=tuple(input_shape))
    at = drawing.add("zero padding", at, padding=((3, 3), (3, 3)))
    at = drawing.convolution(at, 64, 7, 2, "valid", "conv1")
    at = drawing.add("ReLU", drawing.normalisation(at, "bn_conv1"))
    at = drawing.add("max pooling", at, window=(3, 3), strides=(2, 2), padding="valid")
    for stage, filters, stride, letters in STAGES:
        for letter in letters:
            first = letter == letters[0]
            at = drawing.add(
                "convolutional block" if first else "identity block",
                at,
                f=3,
                filters=filters,
                stage=stage,
                block=letter,
                s=stride if first else 1,
            )
    at = drawing.add(
        "average pooling", at, layer="avg_pool", window=(2, 2), strides=(2, 2), padding="valid"
    )
    at = drawing.add("flatten", at)
    at = drawing.place(
        Node(
            "dense",
            {
                "units": classes,
                "bias": True,
                "initializer": START,
                "bias initializer": ("default",),
            },
            (at,),
            f"fc{classes}",
        )
    )
    drawing.add("softmax", at)
    return drawing.graph("ResNet50")


def open_blocks(graph: Graph) -> Graph:
    """Return the graph with each closed block replaced by the layers the exercise asks for."""
    drawing = _Drawing()
    moved: list[int] = []
    for node in graph.nodes:
        sources = tuple(moved[source] for source in node.inputs)
        if node.kind not in STAND_INS:
            moved.append(drawing.place(replace(node, inputs=sources)))
            continue
        filters, f, stage = node["filters"], node["f"], node["stage"]
        assert isinstance(filters, tuple) and isinstance(f, int) and isinstance(stage, int)
        stride = node["s"] if node.kind == "convolutional block" else None
        assert stride is None or isinstance(stride, int)
        sizes = [size for size in filters if isinstance(size, int)]
        letter = str(node["block"])
        moved.append(drawing.block(sources[0], f, sizes, stage, letter, stride, node.layer))
    return Graph(tuple(drawing.nodes), moved[graph.output], graph.name)
