"""The picture of the whole ResNet-50, with the output shape of each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.pictures.svg import CARD_EDGE, ORANGE, SOFT_INK, TINTS, Picture, Point

WIDTH = 760
NAMES, FIRST, SHAPES = 24.0, 116.0, 616.0  # left ends of the three columns
SHAPE_WIDTH = WIDTH - 24 - SHAPES
BLOCK, BLOCK_GAP = 62.0, 20.0
TOP, ROW = 58.0, 106.0  # middle of the first row, and from row to row
BOX = 46.0
ARC = 11.0


@dataclass(frozen=True)
class Stage:
    """A stage of residual blocks.

    Attributes:
        number: 2 to 5.
        letters: its blocks; the first is the convolutional one.
        shape: height, width and channels of its output.

    """

    number: int
    letters: str
    shape: tuple[int, int, int]


STAGES = (
    Stage(2, "abc", (15, 15, 256)),
    Stage(3, "abcd", (8, 8, 512)),
    Stage(4, "abcdef", (4, 4, 1024)),
    Stage(5, "abc", (2, 2, 2048)),
)

# Width of the box, tint, lines of text, and output shape.
Layer = tuple[float, str, Sequence[str], tuple[int, ...]]

STEM: tuple[Layer, ...] = (
    (70, "plain", ["picture"], (64, 64, 3)),
    (74, "plain", ["zero pad", "3 × 3"], (70, 70, 3)),
    (140, "convolution", ["Conv 7 × 7, stride 2", "batch norm, ReLU"], (32, 32, 64)),
    (106, "plain", ["max pool", "3 × 3, stride 2"], (15, 15, 64)),
)
END: tuple[Layer, ...] = (
    (120, "plain", ["average pool", "2 × 2"], (1, 1, 2048)),
    (84, "plain", ["flatten"], (2048,)),
    (150, "convolution", ["fully connected", "softmax"], (6,)),
)


def resnet50() -> bytes:
    """Draw ResNet-50 stage by stage for pictures of 64 x 64 x 3 and six classes; as SVG."""
    rows = len(STAGES) + 2
    picture = Picture(
        "resnet50",
        (WIDTH, round(TOP + (rows - 1) * ROW + 152)),
        "ResNet-50, stage by stage",
        _description(),
    )
    headings = ("Start,", *(f"Stage {stage.number}" for stage in STAGES), "End")
    for row, heading in enumerate(headings):
        lift = 10 if row == 0 else 0
        picture.words(heading, (NAMES, TOP + row * ROW - lift), size=16, bold=True, anchor="start")
    picture.words("stage 1", (NAMES, TOP + 10), size=16, bold=True, anchor="start")
    _layers(picture, TOP, STEM)
    for row, stage in enumerate(STAGES, start=1):
        _stage(picture, TOP + row * ROW, stage)
    _layers(picture, TOP + (rows - 1) * ROW, END)
    for row in range(rows - 1):
        _carry_on(picture, TOP + row * ROW)
    _legend(picture, TOP + (rows - 1) * ROW + 72)
    return picture.to_bytes()


def shape_in_words(shape: Sequence[int]) -> str:
    """Return ``15 × 15 × 256`` for (15, 15, 256)."""
    return " × ".join(str(length) for length in shape)


def _description() -> str:
    stages = "; ".join(
        f"stage {stage.number}, one convolutional block and {len(stage.letters) - 1} identity "
        f"blocks, {shape_in_words(stage.shape)}"
        for stage in STAGES
    )
    return (
        "A picture of 64 × 64 × 3 is padded with zeros to 70 × 70 × 3. Then: stage 1, convolution "
        "7 × 7 of stride 2, batch normalisation and ReLU, 32 × 32 × 64, and max pooling, "
        f"15 × 15 × 64; {stages}; average pooling 2 × 2, 1 × 1 × 2048; flatten, 2048; "
        "a fully connected softmax layer, 6."
    )


def _layers(picture: Picture, middle: float, layers: Sequence[Layer]) -> None:
    """Draw a row of layers, with the output shape of each below it."""
    gap = (SHAPES - 22 - FIRST - sum(width for width, *_ in layers)) / (len(layers) - 1)
    x = FIRST
    for number, (width, tint, lines, shape) in enumerate(layers):
        if number:
            picture.arrow([(x - gap, middle), (x, middle)])
        picture.strip((x, middle - BOX / 2), BOX, [(width, tint, lines)])
        if number < len(layers) - 1:
            picture.words(
                shape_in_words(shape), (x + width / 2, middle + BOX / 2 + 15), colour=SOFT_INK
            )
        x += width + gap
    _shape(picture, x - gap, middle, layers[-1][3])


def _stage(picture: Picture, middle: float, stage: Stage) -> None:
    x = FIRST
    for letter in stage.letters:
        convolutional = letter == "a"
        if not convolutional:
            picture.arrow([(x - BLOCK_GAP, middle), (x, middle)])
        _block(picture, (x, middle), letter, convolutional)
        x += BLOCK + BLOCK_GAP
    _shape(picture, x - BLOCK_GAP, middle, stage.shape)


def _block(picture: Picture, at: Point, letter: str, convolutional: bool) -> None:
    """Draw a block whose left side's middle is ``at``, and its shortcut as an arc above it."""
    x, middle = at
    top = middle - BOX / 2
    picture.line(
        [(x + 10, top), (x + 10, top - ARC), (x + BLOCK - 10, top - ARC), (x + BLOCK - 10, top)],
        colour=ORANGE,
        width=2.25,
    )
    if convolutional:
        fill, edge = TINTS["convolution"]
        picture.box((x + BLOCK / 2 - 7, top - ARC - 5), (14, 10), fill=fill, edge=edge, corner=3)
    tint = "convolution" if convolutional else "plain"
    words = ["CONV" if convolutional else "ID", letter]
    picture.strip((x, top), BOX, [(BLOCK, tint, words)])


def _shape(picture: Picture, x: float, middle: float, shape: Sequence[int]) -> None:
    """Draw an arrow from ``x`` to the shape, in its column."""
    picture.arrow([(x, middle), (SHAPES, middle)])
    picture.box((SHAPES, middle - 16), (SHAPE_WIDTH, 32), corner=16, edge=CARD_EDGE)
    picture.words(shape_in_words(shape), (SHAPES + SHAPE_WIDTH / 2, middle), bold=True)


def _carry_on(picture: Picture, middle: float) -> None:
    """Draw the way from a row's shape to the first box of the row below."""
    right, left = SHAPES + SHAPE_WIDTH / 2, FIRST - 18
    between = middle + 57
    picture.arrow(
        [
            (right, middle + 16),
            (right, between),
            (left, between),
            (left, middle + ROW),
            (FIRST, middle + ROW),
        ]
    )


def _legend(picture: Picture, top: float) -> None:
    picture.line([(24, top - 12), (WIDTH - 24, top - 12)], colour=CARD_EDGE, width=1.25)
    for line, text in enumerate(
        (
            "CONV: convolutional block, a 1 × 1 convolution on its shortcut. "
            "ID: identity block, shortcut as it is.",
            "The arc above a block is its shortcut. Shapes: height × width × channels handed on.",
            "Layers with weights on the way: 1 + 3 × (3 + 4 + 6 + 3) + 1 = 50.",
        )
    ):
        picture.words(text, (24, top + 10 + 22 * line), anchor="start", colour=SOFT_INK)
