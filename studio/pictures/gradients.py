"""The gradient on its way through fifty layers, measured and drawn.

Four networks are trained for a few steps on drawn pictures of hands: plain and
residual, each without and with batch normalisation. All have one convolution of
3 x 3 and stride 4 with a max pooling of 2 x 2 after it, 48 convolutions of
3 x 3 that keep the maps of 8 x 8 x 16, average pooling over the map and a dense
layer: 50 layers with weights. Every convolution starts from the notebook's
Glorot numbers, the same in all four. In the residual networks a shortcut jumps
over every two of the 48; nothing else differs. At each step the norm of the
loss's gradient is taken for every convolution's kernel; the median over the
steps is kept.

The effect depends on the start. Without batch normalisation, Glorot's numbers
shrink the values at each ReLU, so the plain network's gradients vanish. With it
they grow towards the first layers. The notebooks' text warns of both.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.pictures.svg import CARD, CARD_EDGE, GREY_EDGE, INK, ORANGE, SANS, SOFT_INK, file_of

NAME = "gradient-norms"
COMMAND = "python -m studio.pictures.gradients FOLDER"

SEED = 20
PICTURES_EACH, BATCH, STEPS = 40, 32, 40
CONVOLUTIONS, FILTERS, LEARNING_RATE = 49, 16, 1e-4

KINDS = ("plain", "residual")
BLUE_LINE = "#1f5f99"
# For each curve, the convolution beside which its name stands, and its distance from it.
LABELS = {
    ("plain", False): (22, (-8, -24)),
    ("residual", False): (19, (-4, -24)),
    ("plain", True): (17, (9, 4)),
    ("residual", True): (17, (-8, -24)),
}


def measure_gradients() -> dict[str, Any]:
    """Train the four networks and return the median gradient norm of every convolution.

    Takes 42 seconds on two cores. The figures may differ in their last
    digits from one platform to the next, so they are kept beside the pictures.

    Returns:
        what JSON can hold: ``command``, ``seed``, ``versions``, ``set_up``, and
        ``runs``, one for each network, with ``network`` (plain or residual),
        ``batch_normalisation``, ``norms`` (49 floats, from the picture on) and
        ``losses`` (cross-entropy in nats: means over the first and the last five steps).

    """
    import keras
    import tensorflow as tf

    from resnets_utils.hands.drawing import draw_pictures

    labels = np.repeat(np.arange(6, dtype=np.int64), PICTURES_EACH)
    pictures = draw_pictures(labels, seed=SEED).astype(np.float32) / 255
    return {
        "command": COMMAND,
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "set_up": {
            "layers_with_weights": CONVOLUTIONS + 1,
            "filters": FILTERS,
            "start": "glorot_uniform, seeds 1 to 50",
            "optimizer": f"Adam, learning rate {LEARNING_RATE}",
            "pictures": len(pictures),
            "batch": BATCH,
            "steps": STEPS,
        },
        "runs": [
            _train(kind, batch_normalisation, pictures, labels)
            for batch_normalisation in (False, True)
            for kind in KINDS
        ],
    }


def _train(kind: str, batch_normalisation: bool, pictures: Any, labels: Any) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    model = _network(kind, batch_normalisation)
    kernels = [model.get_layer(f"conv{number}").kernel for number in range(1, CONVOLUTIONS + 1)]
    variables = model.trainable_weights
    places = [next(n for n, v in enumerate(variables) if v is kernel) for kernel in kernels]
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function  # type: ignore[untyped-decorator]
    def step(batch: Any, answers: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = cross_entropy(answers, model(batch, training=True))
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss, tf.stack([tf.norm(gradients[place]) for place in places])

    random = np.random.Generator(np.random.Philox(key=[SEED, 1]))
    losses, norms = [], []
    for _ in range(STEPS):
        chosen = random.choice(len(pictures), BATCH, replace=False)
        loss, found = step(tf.constant(pictures[chosen]), tf.constant(labels[chosen]))
        losses.append(float(loss))
        norms.append(found.numpy())
    return {
        "network": kind,
        "batch_normalisation": batch_normalisation,
        "norms": [float(f"{norm:.4g}") for norm in np.median(norms, axis=0)],
        "losses": [round(float(np.mean(some)), 3) for some in (losses[:5], losses[-5:])],
    }


def _network(kind: str, batch_normalisation: bool) -> Any:
    import keras
    from keras import layers

    from resnets_utils.tensorflow1 import GlorotUniform

    def convolution(x: Any, number: int, stride: int = 1) -> Any:
        x = layers.Conv2D(
            FILTERS,
            3,
            strides=stride,
            padding="same",
            kernel_initializer=GlorotUniform(seed=number),
            name=f"conv{number}",
        )(x)
        return layers.BatchNormalization()(x) if batch_normalisation else x

    start = keras.Input((64, 64, 3))
    x = layers.MaxPooling2D(2)(layers.ReLU()(convolution(start, 1, stride=4)))
    for number in range(2, CONVOLUTIONS, 2):
        shortcut = x
        x = convolution(layers.ReLU()(convolution(x, number)), number + 1)
        if kind == "residual":
            x = layers.Add()([x, shortcut])
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    end = layers.Dense(6, kernel_initializer=GlorotUniform(seed=CONVOLUTIONS + 1))(x)
    return keras.Model(start, end)


def draw_gradients(measured: dict[str, Any]) -> bytes:
    """Draw what `measure_gradients` returned, as SVG; the same bytes for the same figures."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": NAME,
        "svg.fonttype": "none",
        "font.size": 14,  # a point is a pixel at 72 dots an inch
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": SOFT_INK,
        "ytick.color": SOFT_INK,
    }
    with mpl.rc_context({**mpl.rcParamsDefault, **settings}):
        figure = Figure(figsize=(760 / 72, 420 / 72), dpi=72)
        figure.patch.set_alpha(0)
        panels = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.115, right=0.97, top=0.87, bottom=0.235, wspace=0.24)
        for panel, batch_normalisation in zip(panels, (False, True), strict=True):
            runs = {
                run["network"]: run["norms"]
                for run in measured["runs"]
                if run["batch_normalisation"] == batch_normalisation
            }
            _draw_panel(panel, runs, batch_normalisation)
        panels[0].set_ylabel("norm of the loss's gradient")
        set_up = measured["set_up"]
        figure.text(
            0.5,
            0.05,
            f"{set_up['layers_with_weights']} layers with weights; median over the first "
            f"{set_up['steps']} training steps. The two scales differ.",
            ha="center",
            color=SOFT_INK,
        )
        written = io.BytesIO()
        figure.savefig(written, format="svg")
    return _on_card(written.getvalue(), measured)


def _draw_panel(panel: Any, runs: dict[str, Sequence[float]], batch_normalisation: bool) -> None:
    import matplotlib as mpl
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    looks = {
        "plain": {"color": ORANGE, "marker": "o", "linestyle": "--"},
        "residual": {"color": BLUE_LINE, "marker": "s", "linestyle": "-"},
    }
    for kind in KINDS:
        norms = runs[kind]
        panel.plot(
            range(1, len(norms) + 1),
            norms,
            markevery=4,
            markersize=6,
            linewidth=1.8,
            label=kind,
            **looks[kind],
        )
        place, offset = LABELS[kind, batch_normalisation]
        panel.annotate(
            kind,
            (place, norms[place - 1]),
            xytext=offset,
            textcoords="offset points",
            color=looks[kind]["color"],
            fontweight="bold",
        )
    panel.set_yscale("log")
    panel.set_title(
        f"{'With' if batch_normalisation else 'Without'} batch normalisation",
        fontsize=15,
        fontweight="bold",
        pad=10,
    )
    panel.set_xlabel("convolution, counted from the picture")
    panel.set_xticks([1, 10, 20, 30, 40, 49])
    panel.yaxis.set_major_locator(LogLocator(numticks=8))
    panel.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.margins(x=0.04, y=0.12)
    panel.grid(axis="y", color="#e3e7ee", linewidth=0.8)
    panel.set_facecolor(mpl.colors.to_rgba("white", 0))
    for side, spine in panel.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GREY_EDGE)


def _power_of_ten(value: float, _place: int) -> str:
    """Return 10⁻¹² as plain text for any font; Matplotlib's formulas need its own fonts."""
    power = str(round(float(np.log10(value))))
    return "10" + power.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _on_card(drawn: bytes, measured: dict[str, Any]) -> bytes:
    """Give Matplotlib's SVG the card, the fonts and the words of the other pictures."""
    space = "http://www.w3.org/2000/svg"
    ElementTree.register_namespace("", space)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(drawn)
    # These hold the date and Matplotlib's version.
    for metadata in root.findall(f"{{{space}}}metadata"):
        root.remove(metadata)
    for element in root.iter(f"{{{space}}}text"):
        style = element.get("style", "")
        element.set("style", style.replace("'DejaVu Sans'", SANS.removesuffix(", sans-serif")))
    width, height = (round(float(number)) for number in root.attrib["viewBox"].split()[2:])
    root.set("width", str(width))
    root.set("height", str(height))
    root.set("role", "img")
    root.set("aria-labelledby", f"{NAME}-title {NAME}-description")
    card = ElementTree.Element(
        f"{{{space}}}rect",
        {
            "x": "0.5",
            "y": "0.5",
            "width": str(width - 1),
            "height": str(height - 1),
            "rx": "14",
            "fill": CARD,
            "stroke": CARD_EDGE,
            "stroke-width": "1.25",
        },
    )
    title = ElementTree.Element(f"{{{space}}}title", {"id": f"{NAME}-title"})
    title.text = "Gradient norms of fifty-layer networks, plain and residual"
    description = ElementTree.Element(f"{{{space}}}desc", {"id": f"{NAME}-description"})
    description.text = _description(measured)
    for place, element in enumerate((title, description, card)):
        root.insert(place, element)
    return file_of(root)


def _description(measured: dict[str, Any]) -> str:
    sentences = ["Norm of the loss's gradient for each convolution, on a logarithmic scale."]
    for run in measured["runs"]:
        norms, how = run["norms"], "with" if run["batch_normalisation"] else "without"
        sentences.append(
            f"{run['network'].capitalize()}, {how} batch normalisation: {norms[0]:.1e} at the "
            f"first convolution, {norms[len(norms) // 2]:.1e} in the middle, {norms[-1]:.1e} "
            "at the last."
        )
    return " ".join(sentences)


def main() -> None:
    """Measure, and write ``gradient-norms.json`` into a folder."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=main.__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder: Path = parser.parse_args().folder
    measured = json.dumps(measure_gradients(), indent=2)
    (folder / f"{NAME}.json").write_text(measured + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
