"""A drawing of a model: every layer with graphviz, or its blocks in a table without it."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from resnets_utils.graphs.keras_private import sources
from resnets_utils.graphs.stages import stage_names
from resnets_utils.hinted_errors import StudentError
from resnets_utils.short_run import short_run

# At 72 dots an inch ResNet-50 is 20,000 pixels high. Graphviz takes seconds for it and
# cannot draw much higher pictures. In a short run nobody looks at the file.
DOTS_PER_INCH, SHORT_RUN_DOTS_PER_INCH = 72, 20

INSTALL_HINT = (
    "hint: install graphviz to see the drawing (apt install graphviz, brew install graphviz or "
    "conda install graphviz), restart the kernel and run this cell again; until then, here is a "
    "table of the model's blocks."
)

# Classes of Keras's layers that have other words in the table.
CLASS_WORDS = {"BatchNormalization": "batch norm", "Activation": "activation", "Add": "add"}


class ModelDrawing:
    """A drawn model as a notebook shows it: as HTML if it can, as text if not."""

    def __init__(self, page: str, text: str) -> None:
        self._page, self._text = page, text

    def _repr_html_(self) -> str:
        return self._page

    def __repr__(self) -> str:
        return self._text


def show_model(model: Any, to_file: str | Path = "model.png") -> ModelDrawing:
    """Draw a model's layers with their names and shapes, and save the drawing.

    Without graphviz nothing is saved: a hint says how to install it, and a table of
    the model's blocks takes the place of the drawing.

    Args:
        model: a built Keras model.
        to_file: where the drawing is saved; ends in .png.

    Returns:
        the drawing, or the table; the notebook shows it if this call is the last line
        of a cell.

    Raises:
        StudentError: if ``model`` is not a built Keras model, or if ``to_file`` cannot be
            written or does not end in .png.

    """
    _insist_on_a_model(model)
    path = Path(to_file)
    if path.suffix != ".png":
        raise StudentError(
            f"show_model saves its drawing as PNG, and {path.name} does not end in .png.",
            hint='give it a name that ends in .png: show_model(model, to_file="model.png")',
        )
    rows = summary_rows(model)
    text = _as_text(model, rows)
    try:
        drawn = _svg(model)
    except Exception:
        # pydot and graphviz fail in many ways: not installed, no plug-in, a crash.
        print(INSTALL_HINT)
        return ModelDrawing(_as_table(model, rows), text)
    _save(model, path)
    return ModelDrawing(_scrolling(drawn), text)


def _insist_on_a_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        name = getattr(model, "__name__", type(model).__name__)
        raise StudentError(
            f"show_model draws a Keras model, and {name} is not one.",
            hint="build the model first, and pass show_model the result of your function that "
            "builds it.",
        )
    if not model.built:
        raise StudentError(
            f"show_model cannot draw {model.name} yet: it has not seen an input, so its "
            "layers have no shapes.",
            hint="call the model on a batch of pictures first, or build it with an Input layer.",
        )


def _svg(model: Any) -> str:
    if shutil.which("dot") is None:
        raise FileNotFoundError("dot")
    graph = keras.utils.model_to_dot(
        model, show_shapes=True, show_layer_names=True, dpi=DOTS_PER_INCH
    )
    drawn: str = graph.create(prog="dot", format="svg").decode()
    return drawn


def _save(model: Any, path: Path) -> None:
    dots = SHORT_RUN_DOTS_PER_INCH if short_run() else DOTS_PER_INCH
    try:
        keras.utils.plot_model(
            model, to_file=path, show_shapes=True, show_layer_names=True, dpi=dots
        )
    except OSError as error:
        raise StudentError(
            f"the drawing of {model.name} cannot be saved as {path}: {error.strerror}.",
            hint="name a file in an existing folder that you may write to: to_file=...",
        ) from None


def _scrolling(drawn: str) -> str:
    """Return HTML that fits the drawing into the notebook and lets it scroll."""
    svg = drawn[drawn.index("<svg") :]
    # Graphviz names its nodes by addresses in memory, which browsers would show as tips.
    svg = re.sub(r"<title>.*?</title>\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[^"]*"', "", svg)
    wide = re.search(r'<svg width="(\d+)pt" height="\d+pt"', svg)
    if wide is not None:
        width = int(wide[1])
        # Below three quarters of its width nobody could read it; then it scrolls sideways.
        limits = f"min-width:{round(0.75 * width)}px;max-width:{width}px"
        fit = f"width:100%;{limits};height:auto;display:block"
        svg = svg.replace(wide[0], f'<svg role="img" style="{fit};margin:auto"', 1)
    return (
        '<div style="max-height:560px;overflow:auto;border:1px solid #d5d9e2;'
        f'border-radius:10px;background:#ffffff;padding:8px">{svg}</div>'
    )


@dataclass(frozen=True)
class Row:
    """A line of the table: a block that ends in an addition, or a layer outside the blocks.

    Attributes:
        name: the layer's or the block's name.
        made_of: its layers, in words.
        shape: of its output, without the number of pictures; "" if unknown.

    """

    name: str
    made_of: str
    shape: str


def summary_rows(model: Any) -> list[Row]:
    """Return the model's layers in order; the layers of a residual block share one row."""
    layers = list(model.layers)
    places = {layer: place for place, layer in enumerate(layers)}
    before = [[places[one] for one in read if one in places] for read in sources(layers)]
    block_of: dict[int, int] = {}  # place of a layer -> place of its block's addition
    shortcuts: dict[int, list[int]] = {}
    changes_shape: dict[int, bool] = {}
    for place, layer in enumerate(layers):
        if not isinstance(layer, keras.layers.Add) or len(before[place]) != 2:
            continue
        paths = [_back_from(start, before) for start in before[place]]
        fork = max(paths[0] & paths[1], default=-1)
        main, short = sorted(({p for p in path if p > fork} for path in paths), key=len)[::-1]
        members = [*main, *short, place]
        after = [p for p, inputs in enumerate(before) if place in inputs]
        if after and isinstance(layers[after[0]], keras.layers.Activation | keras.layers.ReLU):
            members.append(after[0])
        if fork < 0 or not main or any(member in block_of for member in members):
            continue  # not a residual block: its layers get a row each
        block_of |= dict.fromkeys(members, place)
        shortcuts[place] = sorted(short)
        changes_shape[place] = _shape(layers[fork]) != _shape(layer)
    stages = [f"block {stage}{letter}" for stage, letter in stage_names([*changes_shape.values()])]
    names = dict(zip(changes_shape, stages, strict=False))
    rows = []
    for place, layer in enumerate(layers):
        addition = block_of.get(place)
        if addition is None:
            rows.append(Row(layer.name, _in_words(layer), _shape(layer)))
        elif place == addition:
            members = [at for at in sorted(block_of) if block_of[at] == addition]
            name = names.get(addition, "")
            rows.append(_block_row(layers, addition, members, shortcuts[addition], name))
    return rows


def _back_from(start: int, before: Sequence[Sequence[int]]) -> set[int]:
    """The places of the layers that the one at ``start`` depends on, its own included."""
    reached, ahead = set(), [start]
    while ahead:
        place = ahead.pop()
        if place not in reached:
            reached.add(place)
            ahead += before[place]
    return reached


def _block_row(
    layers: Sequence[Any], addition: int, members: Sequence[int], short: Sequence[int], name: str
) -> Row:
    main = [layers[place] for place in members if place not in short and place < addition]
    last = layers[members[-1]]
    path = _convolutions(main)
    way = _convolutions([layers[place] for place in short])
    kind = "convolutional block" if way else "block" if short else "identity block"
    round_it = f"; shortcut: {way or 'other layers'}" if short else "; shortcut: its input"
    made_of = f"{kind} of {len(members)} layers: {path or 'no convolution'}{round_it}"
    return Row(name or f"{main[0].name} to {main[-1].name}", made_of, _shape(last))


def _convolutions(layers: Sequence[Any]) -> str:
    return ", ".join(_in_words(one) for one in layers if isinstance(one, keras.layers.Conv2D))


def _in_words(layer: Any) -> str:
    if isinstance(layer, keras.layers.Conv2D):
        height, width = layer.kernel_size
        stride = "" if max(layer.strides) == 1 else f" stride {layer.strides[0]}"
        return f"conv {height}x{width}{stride} to {layer.filters}"
    kind = type(layer).__name__
    return CLASS_WORDS.get(kind, kind)


def _shape(layer: Any) -> str:
    try:
        return " x ".join(str(length) for length in layer.output.shape[1:])
    except (AttributeError, ValueError, TypeError):
        return ""


def _heading(model: Any) -> str:
    return f"{model.name}: {len(model.layers)} layers, {model.count_params():,} parameters"


def _as_text(model: Any, rows: Sequence[Row]) -> str:
    names = max((len(row.name) for row in rows), default=0)
    shapes = max((len(row.shape) for row in rows), default=0)
    lines = [f"  {row.name:<{names}}  {row.shape:>{shapes}}  {row.made_of}" for row in rows]
    return "\n".join([_heading(model), *lines])


def _as_table(model: Any, rows: Sequence[Row]) -> str:
    def cell(text: str, wrap: str = "nowrap") -> str:
        return f'<td style="text-align:left;white-space:{wrap}">{html.escape(text)}</td>'

    cells = "".join(
        f"<tr>{cell(row.name)}{cell(row.made_of, 'normal')}{cell(row.shape)}</tr>" for row in rows
    )
    heads = "".join(
        f'<th style="text-align:left">{head}</th>' for head in ("name", "made of", "hands on")
    )
    return (
        f'<p><b>{html.escape(_heading(model))}</b></p><div style="max-height:560px;overflow:auto">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table></div>"
    )
