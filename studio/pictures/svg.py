"""A small pen for SVG: boxes, words, rounded arrows, on a light card of their own."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

Point = tuple[float, float]

# The card is light and the ink dark in every theme, so a picture never depends on the
# page behind it. Nobody needs the colours of the three tints: every box has words.
CARD, CARD_EDGE = "#fbfbfd", "#d5d9e2"
INK, SOFT_INK = "#1b2530", "#4a5868"
BLUE, BLUE_EDGE = "#dcebf8", "#2b6ca8"
GREY, GREY_EDGE = "#eceff3", "#7a8696"
YELLOW, YELLOW_EDGE = "#fdf0cd", "#a87a12"
WHITE = "#ffffff"
ORANGE = "#b84a00"

SANS = "'Segoe UI', 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
SERIF = "'STIX Two Text', Georgia, 'Times New Roman', 'Liberation Serif', serif"

CORNER = 12.0
HEAD = 8.0


class Picture:
    """An SVG picture on a rounded light card.

    Lengths are in the units of the view box, which are CSS pixels at the
    picture's natural size.

    Args:
        name: the file's name without its ending; part of the ids.
        size: width and height.
        title: what it shows, in a few words; screen readers say it first.
        description: the same in whole sentences.

    """

    def __init__(self, name: str, size: tuple[int, int], title: str, description: str) -> None:
        width, height = size
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width} {height}",
                "width": str(width),
                "height": str(height),
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-description",
                "font-family": SANS,
                "font-size": "14",
                "fill": INK,
            },
        )
        for tag, ending, text in (("title", "title", title), ("desc", "description", description)):
            element = ElementTree.SubElement(self._root, tag, {"id": f"{name}-{ending}"})
            element.text = text
        self.box((0.5, 0.5), (width - 1, height - 1), fill=CARD, edge=CARD_EDGE, corner=14)

    def box(
        self,
        corner_at: Point,
        size: Point,
        *,
        fill: str = WHITE,
        edge: str = GREY_EDGE,
        corner: float = 8,
        width: float = 1.25,
    ) -> None:
        """Draw a rounded rectangle with its upper left corner at ``corner_at``."""
        self._add(
            "rect",
            x=corner_at[0],
            y=corner_at[1],
            width=size[0],
            height=size[1],
            rx=corner,
            fill=fill,
            stroke=edge,
            stroke_width=width,
        )

    def words(
        self,
        text: str,
        at: Point,
        *,
        size: float = 14,
        anchor: str = "middle",
        bold: bool = False,
        formula: bool = False,
        colour: str = INK,
    ) -> None:
        """Write one line whose middle is at height ``at[1]``; a formula is in italics."""
        element = self._add(
            "text",
            x=at[0],
            # The middle of small letters lies about a third of the size above the base line.
            y=at[1] + 0.35 * size,
            font_size=size,
            text_anchor=anchor,
            fill=colour,
        )
        if bold:
            element.set("font-weight", "600")
        if formula:
            element.set("font-family", SERIF)
            element.set("font-style", "italic")
        element.text = text

    def line(
        self, points: Sequence[Point], *, colour: str = INK, width: float = 1.75, dash: str = ""
    ) -> None:
        """Draw straight pieces through ``points`` with rounded corners."""
        element = self._add(
            "path",
            d=_rounded(points),
            fill="none",
            stroke=colour,
            stroke_width=width,
            stroke_linecap="round",
        )
        if dash:
            element.set("stroke-dasharray", dash)

    def arrow(self, points: Sequence[Point], *, colour: str = INK, width: float = 1.75) -> None:
        """Draw a line through ``points`` that ends in a head at the last of them."""
        (x0, y0), (x1, y1) = points[-2:]
        length = math.hypot(x1 - x0, y1 - y0)
        ahead = ((x1 - x0) / length, (y1 - y0) / length)
        neck = (x1 - ahead[0] * HEAD, y1 - ahead[1] * HEAD)
        self.line([*points[:-1], neck], colour=colour, width=width)
        aside = (-ahead[1] * HEAD / 2, ahead[0] * HEAD / 2)
        left, right = (
            f"{_number(neck[0] + side * aside[0])} {_number(neck[1] + side * aside[1])}"
            for side in (1, -1)
        )
        # A rounded stroke extends past the corners, so the tip ends short of the target.
        tip = f"{_number(x1 - ahead[0])} {_number(y1 - ahead[1])}"
        self._add(
            "path",
            d=f"M{left} L{tip} L{right} Z",
            fill=colour,
            stroke=colour,
            stroke_width=1.5,
            stroke_linejoin="round",
        )

    def plus(self, centre: Point, radius: float = 15) -> None:
        """Draw the sign of an addition: a plus in a circle."""
        x, y = centre
        self._add("circle", cx=x, cy=y, r=radius, fill=WHITE, stroke=INK, stroke_width=1.75)
        arm = 0.45 * radius
        for ends in ([(x - arm, y), (x + arm, y)], [(x, y - arm), (x, y + arm)]):
            self.line(ends, width=2)

    def dot(self, centre: Point) -> None:
        """Mark the place where a line forks."""
        self._add("circle", cx=centre[0], cy=centre[1], r=3.5, fill=ORANGE)

    def strip(
        self, corner_at: Point, height: float, parts: Sequence[tuple[float, str, Sequence[str]]]
    ) -> float:
        """Draw layers glued side by side: (width, tint, lines of text) each.

        Returns:
            the strip's right end.

        """
        x, y = corner_at
        last = len(parts) - 1
        for number, (width, tint, lines) in enumerate(parts):
            self._add(
                "path",
                d=_half_round(x, y, width, height, left=number == 0, right=number == last),
                fill=TINTS[tint][0],
                stroke=TINTS[tint][1],
                stroke_width=1.25,
            )
            self.lines(lines, (x + width / 2, y + height / 2))
            x += width
        return x

    def lines(self, lines: Sequence[str], centre: Point, *, size: float = 14) -> None:
        """Write several centred lines: the layer's name in bold, its settings below."""
        step = 1.3 * size
        top = centre[1] - step * (len(lines) - 1) / 2
        for number, text in enumerate(lines):
            self.words(
                text,
                (centre[0], top + number * step),
                size=size,
                bold=number == 0 or lines == BATCH_NORM,
            )

    def to_bytes(self) -> bytes:
        """Return the picture as UTF-8, indented; the same bytes on each call."""
        ElementTree.indent(self._root)
        return file_of(self._root)

    def _add(self, tag: str, **attributes: float | str) -> ElementTree.Element:
        return ElementTree.SubElement(
            self._root,
            tag,
            {
                name.replace("_", "-"): value if isinstance(value, str) else _number(value)
                for name, value in attributes.items()
            },
        )


def file_of(root: ElementTree.Element) -> bytes:
    """Return an SVG's file: a declaration, the picture and a line's end, in UTF-8."""
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


BATCH_NORM = ["batch", "norm"]

TINTS = {
    "convolution": (BLUE, BLUE_EDGE),
    "normalisation": (GREY, GREY_EDGE),
    "activation": (YELLOW, YELLOW_EDGE),
    "plain": (WHITE, GREY_EDGE),
}


def _number(value: float) -> str:
    """At most two decimals, so that platforms do not differ in the last digit."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _towards(start: Point, end: Point, length: float) -> Point:
    whole = math.hypot(end[0] - start[0], end[1] - start[1])
    part = length / whole
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _rounded(points: Sequence[Point]) -> str:
    """Path data through ``points``, each corner cut by a quadratic curve."""
    pieces = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(CORNER, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        enter, leave = _towards(corner, before, reach), _towards(corner, after, reach)
        pieces.append(f"L{_number(enter[0])} {_number(enter[1])}")
        pieces.append(
            f"Q{_number(corner[0])} {_number(corner[1])} {_number(leave[0])} {_number(leave[1])}"
        )
    pieces.append(f"L{_number(points[-1][0])} {_number(points[-1][1])}")
    return " ".join(pieces)


def _half_round(x: float, y: float, width: float, height: float, *, left: bool, right: bool) -> str:
    """Path data of a rectangle whose left or right corners are rounded."""
    a, b = (8.0 if left else 0.0), (8.0 if right else 0.0)
    return (
        f"M{_number(x + a)} {_number(y)} H{_number(x + width - b)} "
        f"q{_number(b)} 0 {_number(b)} {_number(b)} V{_number(y + height - b)} "
        f"q0 {_number(b)} {_number(-b)} {_number(b)} H{_number(x + a)} "
        f"q{_number(-a)} 0 {_number(-a)} {_number(-a)} V{_number(y + a)} "
        f"q0 {_number(-a)} {_number(a)} {_number(-a)} Z"
    )
