"""What the exercise asks for, as graphs: the other side of every comparison.

The architecture is that of He, Zhang, Ren and Sun, "Deep Residual Learning for
Image Recognition" (2015), in the form of the course exercise: biases in the
convolutions, seeded initializers, 2 x 2 average pooling. Its versions differ in
what a block is called with: a stage and a letter for the names of its layers
(v2a), or the mode and the initializer of its layers (v3).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from resnets_utils.graph import STAND_INS, Graph, Node, Setting

STAGES: tuple[tuple[int, tuple[int, int, int], int, str], ...] = (
    # stage, filters, stride of the first block, the blocks' letters
    (2, (64, 64, 256), 1, "abc"),
    (3, (128, 128, 512), 2, "abcd"),
    (4, (256, 256, 1024), 2, "abcdef"),
    (5, (512, 512, 2048), 2, "abc"),
)
Start = tuple[str, Setting]
# With which weights v2a's convolutions start, and v3's by the initializer's name.
START: Start = ("glorot_uniform", 0)
STARTS: dict[str, Start] = {
    "glorot_uniform": ("stateless glorot_uniform", 0),
    "random_uniform": ("stateless random_uniform", 0),
    "all_ones": ("constant", 1.0),
}


_in_calls = 0  # of graded functions, that is


@contextlib.contextmanager
def withheld() -> Iterator[None]:
    """Draw nothing meanwhile: a graded function that is being called makes its own layers."""
    global _in_calls
    _in_calls += 1
    try:
        yield
    finally:
        _in_calls -= 1


class _Drawing:
    """Nodes drawn one after the other; each method returns the new node's position.

    Attributes:
        start: with which weights convolutions start from here on.
        training: what batch normalisations are called with from here on.

    """

    def __init__(self, start: Setting = START, training: Setting = None) -> None:
        if _in_calls:
            raise RuntimeError(
                "what the exercise asks for is for the checks; a graded function makes its own "
                "layers"
            )
        self.nodes: list[Node] = []
        self.start = start
        self.training = training

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
                "initializer": self.start,
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
            "training": self.training,
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
    """Return v2a's identity block on an input of ``shape`` (height, width, channels)."""
    return _block(_Drawing(), shape, f, filters, stage, block, None)


def convolutional_block(
    shape: Sequence[int], f: int, filters: Sequence[int], stage: int, block: str, s: int = 2
) -> Graph:
    """Return v2a's convolutional block on an input of ``shape`` (height, width, channels)."""
    return _block(_Drawing(), shape, f, filters, stage, block, s)


def initialised_identity_block(
    shape: Sequence[int],
    f: int,
    filters: Sequence[int],
    training: bool = True,
    initializer: str = "random_uniform",
) -> Graph:
    """Return v3's identity block on an input of ``shape`` (height, width, channels)."""
    drawing = _Drawing(STARTS[initializer], training)
    return _block(drawing, shape, f, filters, *_ANY_NAME, None)


def initialised_convolutional_block(
    shape: Sequence[int],
    f: int,
    filters: Sequence[int],
    s: int = 2,
    training: bool = True,
    initializer: str = "glorot_uniform",
) -> Graph:
    """Return v3's convolutional block on an input of ``shape`` (height, width, channels)."""
    drawing = _Drawing(STARTS[initializer], training)
    return _block(drawing, shape, f, filters, *_ANY_NAME, s)


# v3 names no layer; `differences` still needs to know which one it speaks of.
_ANY_NAME = (1, "a")


def _block(
    drawing: _Drawing,
    shape: Sequence[int],
    f: int,
    filters: Sequence[int],
    stage: int,
    letter: str,
    s: int | None,
) -> Graph:
    at = drawing.add("input", shape=tuple(shape))
    drawing.block(at, f, filters, stage, letter, s)
    return drawing.graph()


def resnet50(input_shape: Sequence[int] = (64, 64, 3), classes: int = 6) -> Graph:
    """Return v2a's ResNet-50, each block as one closed node; `open_blocks` opens them."""
    return _resnet50(_Drawing(), input_shape, classes, {}, {})


def initialised_resnet50(input_shape: Sequence[int] = (64, 64, 3), classes: int = 6) -> Graph:
    """Return v3's ResNet-50, each block as one closed node; `open_blocks` opens them."""
    return _resnet50(
        _Drawing(STARTS["glorot_uniform"]),
        input_shape,
        classes,
        {"training": True, "initializer": STARTS["glorot_uniform"]},
        {"training": True, "initializer": STARTS["random_uniform"]},
    )


def _resnet50(
    drawing: _Drawing,
    input_shape: Sequence[int],
    classes: int,
    convolutional: dict[str, Setting],
    identity: dict[str, Setting],
) -> Graph:
    """Draw the network; the last two are what its blocks are called with besides."""
    at = drawing.add("input", shape=tuple(input_shape))
    at = drawing.add("zero padding", at, padding=((3, 3), (3, 3)))
    at = drawing.convolution(at, 64, 7, 2, "valid", "conv1")
    at = drawing.add("ReLU", drawing.normalisation(at, "bn_conv1"))
    at = drawing.add("max pooling", at, window=(3, 3), strides=(2, 2), padding="valid")
    for stage, filters, stride, letters in STAGES:
        for letter in letters:
            first = letter == letters[0]
            settings: dict[str, Setting] = {
                "f": 3,
                "filters": filters,
                "stage": stage,
                "block": letter,
                "s": stride if first else 1,
                **(convolutional if first else identity),
            }
            kind = "convolutional block" if first else "identity block"
            at = drawing.place(Node(kind, settings, (at,)))
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
                "initializer": drawing.start,
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
        filters, f = node["filters"], node["f"]
        assert isinstance(filters, tuple) and isinstance(f, int)
        stride = node["s"] if node.kind == "convolutional block" else None
        assert stride is None or isinstance(stride, int)
        # An answer to v3 names neither stage nor letter; the expected graph does.
        stage, letter = node.settings.get("stage", 0), node.settings.get("block", "a")
        assert isinstance(stage, int) and isinstance(letter, str)
        drawing.start = node.settings.get("initializer", START)
        drawing.training = node.settings.get("training")
        sizes = [size for size in filters if isinstance(size, int)]
        moved.append(drawing.block(sources[0], f, sizes, stage, letter, stride, node.layer))
    return Graph(tuple(drawing.nodes), moved[graph.output], graph.name)


# What each version's functions should draw, by the name of the function.
EXPECTED: dict[str, dict[str, Callable[..., Graph]]] = {
    "v2a": {
        "identity_block": identity_block,
        "convolutional_block": convolutional_block,
        "ResNet50": resnet50,
    },
    "v3": {
        "identity_block": initialised_identity_block,
        "convolutional_block": initialised_convolutional_block,
        "ResNet50": initialised_resnet50,
    },
}
