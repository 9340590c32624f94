"""A slider where a person can move it; a still picture elsewhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt

from resnets_utils.short_run import short_run


def can_slide() -> bool:
    """Return whether this runs in a notebook whose environment has ipywidgets."""
    if short_run() or importlib.util.find_spec("ipywidgets") is None:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def slide(label: str, choices: Sequence[str], first: str, draw: Callable[[str], None]) -> None:
    """Draw for ``first``; where a slider works, draw again for each choice made with it.

    The first picture is an ordinary output, so it stays in a saved or printed
    notebook, where nobody can move a slider.
    """
    draw(first)
    plt.show()
    if not can_slide():
        return
    import ipywidgets
    from IPython.display import display

    slider = ipywidgets.SelectionSlider(
        options=list(choices),
        value=first,
        description=label,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "min(100%, 36em)"},
    )
    shown = ipywidgets.Output()

    def changed(change: dict[str, str]) -> None:
        with shown:
            shown.clear_output(wait=True)
            draw(change["new"])
            plt.show()

    slider.observe(changed, names="value")
    display(slider, shown)  # type: ignore[no-untyped-call]
