"""The pictures of residual blocks: the idea of the shortcut, and the blocks to be written."""

from __future__ import annotations

from collections.abc import Sequence

from studio.pictures.svg import BATCH_NORM, ORANGE, SOFT_INK, Picture, Point

WIDTH = 760
CONVOLUTION, NORMALISATION, ACTIVATION = 68, 54, 52
STRIP = 62
PLUS = 15
SHORTCUT = 2.5


def skip_connection() -> bytes:
    """Draw a plain stack of layers beside the same stack with a shortcut; as SVG."""
    picture = Picture(
        "skip-connection",
        (WIDTH, 464),
        "A plain stack of layers, and the same stack with a skip connection",
        "Left: x passes through a convolution, a ReLU and a second convolution, which give F(x), "
        "and then through a ReLU. Right: the same layers, but x is also carried past them and "
        "added to F(x); the last ReLU receives F(x) + x.",
    )
    for middle, heading in ((184.0, "Plain"), (512.0, "With a skip connection")):
        picture.words(heading, (middle, 32), size=17, bold=True)
    picture.line([(342, 30), (342, 434)], colour="#d5d9e2", width=1.25)
    for middle, residual in ((184.0, False), (512.0, True)):
        _stack(picture, middle, residual)
    return picture.to_bytes()


def _stack(picture: Picture, middle: float, residual: bool) -> None:
    picture.words("x", (middle, 66), size=20, formula=True)
    left = middle - 65
    picture.arrow([(middle, 78), (middle, 116)])
    layers = (
        (116, "convolution", "convolution"),
        (176, "activation", "ReLU"),
        (236, "convolution", "convolution"),
    )
    for top, tint, text in layers:
        picture.strip((left, top), 38, [(130, tint, [text])])
    picture.arrow([(middle, 154), (middle, 176)])
    picture.arrow([(middle, 214), (middle, 236)])
    picture.words("F(x)", (middle - 14, 294), size=18, formula=True, anchor="end")
    if residual:
        picture.arrow([(middle, 274), (middle, 308)])
        right = middle + 110
        picture.arrow(
            [(middle, 94), (right, 94), (right, 323), (middle + PLUS, 323)],
            colour=ORANGE,
            width=SHORTCUT,
        )
        picture.dot((middle, 94))
        picture.words("x", (right + 14, 194), size=20, formula=True, anchor="start")
        picture.words("shortcut", (right + 14, 218), anchor="start", colour=ORANGE, bold=True)
        picture.plus((middle, 323), PLUS)
        picture.words("F(x) + x", (middle - 14, 353), size=18, formula=True, anchor="end")
        picture.arrow([(middle, 338), (middle, 368)])
        result = "ReLU(F(x) + x)"
    else:
        picture.arrow([(middle, 274), (middle, 368)])
        result = "ReLU(F(x))"
    picture.strip((left, 368), 34, [(130, "activation", ["ReLU"])])
    picture.arrow([(middle, 402), (middle, 422)])
    picture.words(result, (middle, 436), size=16, formula=True)


def identity_block_of_two() -> bytes:
    """Draw the identity block whose shortcut jumps over two layers; as SVG."""
    picture = Picture(
        "identity-block-two",
        (WIDTH, 266),
        "Identity block whose shortcut jumps over two convolutions",
        "The main path: convolution, batch normalisation and ReLU, then convolution and batch "
        "normalisation. The shortcut carries the input x unchanged past them. Both are added, "
        "and a ReLU follows the addition.",
    )
    _block(
        picture,
        above=64,
        middle=166,
        components=[
            ("first component", "", ["Conv"]),
            ("second component", "no ReLU here", ["Conv"]),
        ],
        shortcut=None,
        widths=(86, 70, 62),
    )
    return picture.to_bytes()


def identity_block_of_three() -> bytes:
    """Draw the identity block that the notebook builds, over three convolutions; as SVG."""
    picture = Picture(
        "identity-block-three",
        (WIDTH, 266),
        "Identity block over three convolutions",
        "The main path: a 1 by 1 convolution, batch normalisation and ReLU; an f by f convolution, "
        "batch normalisation and ReLU; a 1 by 1 convolution and batch normalisation without a "
        "ReLU. The shortcut carries the input unchanged past them. Both are added, and the last "
        "ReLU follows the addition.",
    )
    _block(picture, above=64, middle=166, components=THREE, shortcut=None)
    return picture.to_bytes()


def convolutional_block() -> bytes:
    """Draw the convolutional block, with a strided convolution on its shortcut; as SVG."""
    picture = Picture(
        "convolutional-block",
        (WIDTH, 306),
        "Convolutional block: a 1 by 1 convolution of stride s on the shortcut",
        "The main path: a 1 by 1 convolution of stride s, batch normalisation and ReLU; an f by f "
        "convolution, batch normalisation and ReLU; a 1 by 1 convolution and batch normalisation "
        "without a ReLU. The shortcut: a 1 by 1 convolution of stride s and batch normalisation "
        "without a ReLU. Both are added, and the last ReLU follows the addition.",
    )
    strided = [("first component", "F₁ filters", ["Conv", "1 × 1", "stride s"]), *THREE[1:]]
    _block(
        picture, above=80, middle=206, components=strided, shortcut=["Conv", "1 × 1", "stride s"]
    )
    return picture.to_bytes()


THREE = [
    ("first component", "F₁ filters", ["Conv", "1 × 1"]),
    ("second component", "F₂ filters", ["Conv", "f × f"]),
    ("third component", "F₃ filters, no ReLU", ["Conv", "1 × 1"]),
]


def _block(
    picture: Picture,
    *,
    above: float,
    middle: float,
    components: Sequence[tuple[str, str, list[str]]],
    shortcut: list[str] | None,
    widths: tuple[float, float, float] = (CONVOLUTION, NORMALISATION, ACTIVATION),
) -> None:
    """Draw a main path at height ``middle`` and its shortcut at height ``above``."""
    convolution, normalisation, activation = widths
    margin, letter = 16.0, 22.0
    strips = len(components) * (convolution + normalisation) + (len(components) - 1) * activation
    used = 2 * (margin + letter) + strips + 2 * PLUS + activation
    gap = (WIDTH - used) / (len(components) + 3)
    picture.words("x", (margin + 8, middle), size=20, formula=True)
    at = margin + letter
    fork = (at + 7, middle)
    start = at
    for number, (name, remark, lines) in enumerate(components):
        picture.arrow([(start, middle), (start + gap, middle)])
        parts: list[tuple[float, str, Sequence[str]]] = [
            (convolution, "convolution", lines),
            (normalisation, "normalisation", BATCH_NORM),
        ]
        if number < len(components) - 1:
            parts.append((activation, "activation", ["ReLU"]))
        end = picture.strip((start + gap, middle - STRIP / 2), STRIP, parts)
        picture.words(name, ((start + gap + end) / 2, middle + 50), colour=SOFT_INK)
        picture.words(remark, ((start + gap + end) / 2, middle + 69), colour=SOFT_INK)
        start = end
    plus = start + gap + PLUS
    picture.arrow([(start, middle), (plus - PLUS, middle)])
    _shortcut(picture, fork, (plus, middle), above, shortcut)
    picture.plus((plus, middle), PLUS)
    last = plus + PLUS + gap
    picture.arrow([(plus + PLUS, middle), (last, middle)])
    end = picture.strip((last, middle - STRIP / 2), STRIP, [(activation, "activation", ["ReLU"])])
    picture.arrow([(end, middle), (end + gap, middle)])
    picture.words("y", (end + gap + letter - 10, middle), size=20, formula=True)


def _shortcut(
    picture: Picture, fork: Point, plus: Point, above: float, layers: list[str] | None
) -> None:
    """Draw the shortcut from ``fork`` up to height ``above`` and down to ``plus``."""
    into = (plus[0], plus[1] - PLUS)
    centre = (fork[0] + plus[0]) / 2
    picture.dot(fork)
    if layers is None:
        picture.words(
            "shortcut: x as it is", (centre, above - 20), size=15, colour=ORANGE, bold=True
        )
        picture.arrow(
            [fork, (fork[0], above), (plus[0], above), into], colour=ORANGE, width=SHORTCUT
        )
        return
    left = centre - (CONVOLUTION + NORMALISATION) / 2
    picture.line([fork, (fork[0], above), (left, above)], colour=ORANGE, width=SHORTCUT)
    right = picture.strip(
        (left, above - STRIP / 2),
        STRIP,
        [
            (CONVOLUTION, "convolution", layers),
            (NORMALISATION, "normalisation", BATCH_NORM),
        ],
    )
    picture.arrow([(right, above), (plus[0], above), into], colour=ORANGE, width=SHORTCUT)
    picture.words(
        "shortcut: F₃ filters, no ReLU", (centre, above - 50), size=15, colour=ORANGE, bold=True
    )
