"""Markdown as HTML that cannot run what a student wrote into it.

nbgrader's pages include the HTML of a markdown cell unchanged, even with
``sanitize_html``. In formgrader a script in it has the grader's rights.
"""

from __future__ import annotations

import contextlib
import re
from html import escape

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from coursekit.pages.bounded import in_time

# Parsing takes a time that grows with the square of some texts' length.
MAX_CHARACTERS = 20_000
# A formula can be moved to another place; this cuts it off at the cell's edges.
OWN_PLACE = '<div style="contain: paint; overflow-x: auto">'
# A file next to the notebook: not another machine, nor a page of Jupyter (/logout, ../..).
_BESIDE = re.compile(r"(?!.*\.\.)\w[\w./-]*", re.ASCII)
_ELSEWHERE = re.compile(r"https?://[\w.-]+([/?#].*)?|mailto:[^:]*|#.*", re.ASCII)
# Attachments do not reach grading.
_WITHIN = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")


class PlainRenderer(IPythonRenderer):
    """Shows HTML as text, and only pictures that come with the notebook.

    Links lead to other pages: never to a script, nor to a page of Jupyter.
    """

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
        if _BESIDE.fullmatch(url) or _WITHIN.fullmatch(url):
            return str(super().image(text, url, title))
        return f"{escape(text)} ({escape(url)})"


def markdown_html(source: str) -> str:
    """Return markdown, which may be a student's, as HTML; replaces nbconvert's own filter."""
    html = f"<pre>{escape(source)}</pre>"
    if len(source) <= MAX_CHARACTERS:
        with contextlib.suppress(RecursionError):
            html = in_time(_rendered, source) or html
    return f"{OWN_PLACE}{html}</div>"


def _rendered(source: str) -> str:
    # No anchors: the page's own links must lead to the judge's cells.
    renderer = PlainRenderer(escape=True, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))
