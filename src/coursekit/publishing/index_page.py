"""The page that leads to the published notebooks: README.md for a repository, index.html."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coursekit.pages.page_template import page_template
from coursekit.publishing.published_address import PublishedAddress
from coursekit.publishing.published_notebook import COLAB_BADGE
from resnets_utils.notebooks.published_cells import BADGE_TEXT

_BINDER_BADGE = "https://mybinder.org/badge_logo.svg"
_CODESPACE_BADGE = "https://github.com/codespaces/badge.svg"
_FOLDER = Path(__file__).resolve().parent / "page"
_WELCOME = "Open a notebook with one click, or download its folder."
_HAND_IN = "To hand in, save the notebook and hand in the .ipynb file."


@dataclass(frozen=True)
class Published:
    """A published assignment.

    Attributes:
        name: its name, that of its folder.
        title: what the notebook calls itself.
        notebook: the notebook's path in the published folder.
        archive: the packed release's file name.
        megabytes: its size.
        sha256: its digest.

    """

    name: str
    title: str
    notebook: str
    archive: str
    megabytes: float
    sha256: str


@dataclass(frozen=True)
class Way:
    """A way to open a notebook.

    Attributes:
        text: what the link says.
        link: where it leads.
        words: what to know of it.
        badge: the address of a picture that stands for the text; "" without one.

    """

    text: str
    link: str
    words: str
    badge: str = ""


def ways_to(one: Published, address: PublishedAddress) -> list[Way]:
    """Return the ways to open a published notebook from its address, the quickest first."""
    ways = []
    if address.repository:
        ways = [
            Way(
                BADGE_TEXT,
                address.colab(one.notebook),
                "needs a Google account; before you begin, choose File > Save a copy in Drive",
                COLAB_BADGE,
            ),
            Way(
                "Launch Binder",
                address.binder(one.notebook),
                "needs no account; it forgets your work when you leave: download the notebook "
                "before that",
                _BINDER_BADGE,
            ),
            Way(
                "Open in GitHub Codespaces",
                address.codespace,
                "needs a GitHub account; VS Code in the browser",
                _CODESPACE_BADGE,
            ),
            Way(
                "Open in a dev container",
                address.dev_container,
                "on your own computer, with VS Code, its extension Dev Containers, and Docker",
            ),
        ]
    if address.hub:
        hub = Way("Open on the JupyterHub", address.nbgitpuller(one.notebook), "keeps your work")
        ways.insert(0, hub)
    words = "on your own computer: unpack it, and open the notebook in JupyterLab or VS Code"
    size = f"Download the folder ({one.megabytes:.1f} MB)"
    return [*ways, Way(size, address.archive(one.archive), words)]


def readme(title: str, published: list[Published], address: PublishedAddress) -> str:
    """Return the page for a repository, in Markdown."""
    lines = [f"# {title}", "", _WELCOME]
    for one in published:
        lines += ["", f"## {one.title}", ""]
        for way in ways_to(one, address):
            shown = f"![{way.text}]({way.badge})" if way.badge else way.text
            lines.append(f"- [{shown}]({way.link}): {way.words}")
        lines += ["", f"SHA-256 of the download: `{one.sha256}`"]
    return "\n".join([*lines, "", _HAND_IN, ""])


def index_html(title: str, published: list[Published], address: PublishedAddress) -> str:
    """Return the same page for a browser; it loads nothing."""
    template, style, digest = page_template(_FOLDER / "index.html.j2", _FOLDER / "index.css")
    return template.render(
        title=title,
        welcome=_WELCOME,
        published=[(one, ways_to(one, address)) for one in published],
        hand_in=_HAND_IN,
        style=style,
        style_digest=digest,
    )
