"""Pictures below a cell, with words for those who do not see them; several behind one slider."""

from __future__ import annotations

import html
import io
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from resnets_utils.short_run import short_run

SHOWN_DOTS_PER_INCH = 96
# More dots than are shown, for screens that have them; photos need no more than they have.
DRAWING = {"format": "png", "dpi": 144}
PHOTOS = {"format": "jpeg", "dpi": 96, "pil_kwargs": {"quality": 85}}


@dataclass(frozen=True)
class ShownPicture:
    """A picture as a notebook shows it, and what it says, in words.

    The words are its text in a terminal, and what a screen reader reads.
    """

    content: bytes
    format: str
    words: str
    width: int

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": _image(self), **self.plain()}

    def plain(self) -> dict[str, str]:
        """Return the picture for front ends that show no HTML, and for feedback pages."""
        return {f"image/{self.format}": self.encoded, "text/plain": self.words}

    @property
    def encoded(self) -> str:
        """The picture in base64."""
        return b64encode(self.content).decode()


@dataclass(frozen=True)
class Slider:
    """A slider that shows one picture of several, in the same place.

    It needs neither the kernel nor ipywidgets: all pictures are in the output, and it goes on
    working in a saved notebook. Without scripts, the first picture stays.
    """

    label: str
    choices: Mapping[str, ShownPicture]
    first: str

    def __repr__(self) -> str:
        return self.choices[self.first].words

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = self.choices[self.first]
        data = {
            "label": self.label,
            "first": list(self.choices).index(self.first),
            "choices": [
                [name, picture.words, _source(picture)] for name, picture in self.choices.items()
            ],
        }
        # In a script, "<" could end it.
        script = _SCRIPT.replace("DATA", json.dumps(data).replace("<", "\\u003c"))
        page = f"<div>{_image(shown)}<script>{script}</script></div>"
        return {"text/html": page, **shown.plain()}


# The script stands beside the picture, and puts the slider before it. JupyterLab's own
# shortcuts would take the arrow keys.
_SCRIPT = """(({label, first, choices}) => {
  const here = document.currentScript.parentElement, picture = here.querySelector("img");
  const make = tag => document.createElement(tag);
  const [named, slider, name] = ["label", "input", "strong"].map(make);
  Object.assign(slider, {type: "range", min: 0, max: choices.length - 1, step: 1, value: first});
  slider.style.cssText = "width: min(60%, 24em); margin: 0 0.6em; vertical-align: middle";
  slider.setAttribute("aria-label", label);
  slider.setAttribute("data-lm-suppress-shortcuts", "true");
  name.setAttribute("aria-hidden", "true");
  const show = () => {
    [name.textContent, picture.alt, picture.src] = choices[slider.value];
    slider.setAttribute("aria-valuetext", name.textContent);
  };
  slider.addEventListener("input", show);
  named.style.display = "block";
  named.append(label, slider, name);
  here.prepend(named);
  show();
})(DATA)"""


def picture_of(figure: Figure, words: str, *, photos: bool = False) -> ShownPicture:
    """Return a finished figure as a picture, with what it says in words.

    Args:
        figure: the figure.
        words: all that it says.
        photos: whether it shows photos rather than lines; they would be large as PNG.

    """
    stream = io.BytesIO()
    settings: dict[str, Any] = PHOTOS if photos else DRAWING
    figure.savefig(stream, **settings)
    width = round(figure.get_size_inches()[0] * SHOWN_DOTS_PER_INCH)
    return ShownPicture(stream.getvalue(), settings["format"], words, width)


def show(shown: ShownPicture | Slider) -> None:
    """Show a picture or a slider below the cell; its words where there is no notebook."""
    try:
        from IPython.display import display
    except ImportError:
        print(shown)
    else:
        display(shown)  # type: ignore[no-untyped-call]


def slide(
    label: str, names: Sequence[str], first: str, draw: Callable[[str], ShownPicture]
) -> None:
    """Show a slider that chooses among names; only the first picture while nbgrader runs.

    Args:
        label: what moving it does, such as "Take away".
        names: the names, in order.
        first: the one that is shown at first.
        draw: makes a name's picture.

    """
    if short_run():
        show(draw(first))
    else:
        show(Slider(label, {name: draw(name) for name in names}, first))


def _image(picture: ShownPicture) -> str:
    words = html.escape(picture.words)
    style = "max-width: 100%; background: white"
    return f'<img alt="{words}" src="{_source(picture)}" width="{picture.width}" style="{style}">'


def _source(picture: ShownPicture) -> str:
    return f"data:image/{picture.format};base64,{picture.encoded}"
