"""Markdown as HTML that cannot run what a student wrote into it.

nbgrader's pages include the HTML of a markdown cell unchanged, even with
``sanitize_html``. In formgrader a script in it has the grader's rights.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from types import MappingProxyType
from urllib.parse import unquote

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from coursekit.pages.bounded import in_time
from coursekit.pages.formulas import formula_html

# Parsing takes a time that grows with the square of some texts' length.
MAX_CHARACTERS = 20_000
# A text can name its picture a thousand times.
MAX_TIMES_SHOWN = 3
# A formula can be moved to another place; this cuts it off at the cell's edges.
OWN_PLACE = '<div style="contain: paint; overflow-x: auto">'
# A file next to the notebook: not another machine, nor a page of Jupyter (/logout, ../..).
_BESIDE = re.compile(r"(?!.*\.\.)\w[\w./-]*", re.ASCII)
_ELSEWHERE = re.compile(r"https?://[\w.-]+([/?#].*)?|mailto:[^:]*|#.*", re.ASCII)
_WITHIN = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")


class PlainRenderer(IPythonRenderer):
    """Shows HTML as text, and only pictures that come with the notebook.

    Links lead to other pages: never to a script, nor to a page of Jupyter.

    Attributes:
        attached: what stands for the address of each picture attached to the cell.

    """

    attached: Mapping[str, str] = MappingProxyType({})

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return the link, or its text and address if it could do harm."""
        if _BESIDE.fullmatch(url) or _ELSEWHERE.fullmatch(url):
            return str(super().link(text, url, title))
        return f"{text} ({escape(url)})"

    def block_mermaidjs(self, code: str) -> str:
        """Return the text of a diagram: a script from another machine would draw it."""
        return str(self.block_code(code))

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return the picture, or its text and address if it comes from another machine."""
        name = unquote(url.removeprefix("attachment:"))
        if url.startswith("attachment:") and name in self.attached:
            url = self.attached[name]
        if _BESIDE.fullmatch(url) or _WITHIN.fullmatch(url):
            return str(super().image(text, url, title))
        return f"{escape(text)} ({escape(url)})"

    def table(self, text: str) -> str:
        """Return a table in a box that scrolls: it may be wider than the page."""
        return (
            '<div class="scroll" tabindex="0" role="group" aria-label="Table">'
            f"<table>\n{text}</table></div>\n"
        )

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Return a table's cell; pages may refuse the style that mistune gives it."""
        tag, place = "th" if head else "td", f' class="{align}"' if align else ""
        return f"  <{tag}{place}>{text}</{tag}>\n"

    def block_math(self, body: str) -> str:
        """Return a formula with a line of its own."""
        return formula_html(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        """Return a formula that needs no dollar signs."""
        return formula_html(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return formula_html(body, block=False)


@pass_context
def cell_html(context: Context, source: str) -> str:
    """Return a cell's markdown as HTML, its pictures in it; replaces nbconvert's own filter."""
    cell = context.get("cell")
    attachments = cell.get("attachments") if isinstance(cell, dict) else None
    return f"{OWN_PLACE}{markdown_html(source, attached_pictures(attachments))}</div>"


def markdown_html(source: str, pictures: Mapping[str, str] | None = None) -> str:
    """Return markdown, which may be a student's, as HTML.

    Its headings are the only elements h1 to h6, and nothing in it has an id.

    Args:
        source: the text.
        pictures: the addresses of the pictures attached to the cell, by their names.

    """
    attached = tuple((name, f"attached-{at}") for at, name in enumerate(pictures or {}))
    html = f"<pre>{escape(source)}</pre>"
    if len(source) <= MAX_CHARACTERS:
        with contextlib.suppress(RecursionError):
            html = in_time(lambda text: _rendered(text, attached), source) or html
    # Rendering is timed by the text's length: the pictures go in afterwards.
    for name, place in attached:
        html = html.replace(f'src="{place}"', f'src="{(pictures or {})[name]}"', MAX_TIMES_SHOWN)
    return html


@lru_cache(maxsize=200)
def _rendered(source: str, attached: tuple[tuple[str, str], ...]) -> str:
    # Remembered, because most cells of a notebook are the same in every submission.
    # No anchors: the page's own links must lead to the judge's cells.
    renderer = PlainRenderer(escape=True, exclude_anchor_links=True)
    renderer.attached = dict(attached)
    return str(MarkdownWithMath(renderer=renderer).render(source))


def attached_pictures(attachments: object) -> dict[str, str]:
    """Return the addresses of a cell's attached pictures, by name."""
    found = {}
    for name, kinds in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in kinds.items() if isinstance(kinds, dict) else ():
            address = f"data:{kind};base64,{data}"
            if _WITHIN.fullmatch(address):
                found[str(name)] = address
    return found
