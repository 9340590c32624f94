"""Markdown as a page can show it without running what a student wrote into it.

nbgrader's pages put the HTML in a markdown cell in as it is, whatever
``sanitize_html`` says. In formgrader that is a script with the grader's rights.
"""

from __future__ import annotations

import contextlib
import re
from html import escape

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from coursekit.pages.bounded import in_time

# Markdown's readers take a time that grows with the square of some texts' length.
MOST_LETTERS = 20_000
# A formula can be moved about; here it is cut off at the cell's edges.
OWN_PLACE = '<div style="contain: paint; overflow-x: auto">'
# Beside the notebook: no other machine, and no address of Jupyter's own (/logout, ../..).
_BESIDE = re.compile(r"(?!.*\.\.)\w[\w./-]*", re.ASCII)
_ELSEWHERE = re.compile(r"https?://[\w.-]+([/?#].*)?|mailto:[^:]*|#.*", re.ASCII)
# Attachments are not carried into grading.
_WITHIN = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")


class PlainRenderer(IPythonRenderer):
    """Shows HTML as the text that it is, and only pictures that come with the notebook.

    Links lead to other pages: never to a script, nor to an address of Jupyter's own.
    """

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return the link, or its words and address if it leads nowhere good."""
        if _BESIDE.fullmatch(url) or _ELSEWHERE.fullmatch(url):
            return str(super().link(text, url, title))
        return f"{text} ({escape(url)})"

    def block_mermaidjs(self, code: str) -> str:
        """Return the text of a diagram: its drawing would come from another machine."""
        return str(self.block_code(code))

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return the picture, or its words and address if it lies elsewhere."""
        if _BESIDE.fullmatch(url) or _WITHIN.fullmatch(url):
            return str(super().image(text, url, title))
        return f"{escape(text)} ({escape(url)})"


def markdown_html(source: str) -> str:
    """Return markdown as HTML; a filter for nbconvert's templates, in place of its own.

    Args:
        source: the cell's text; it may be a student's.

    """
    html = f"<pre>{escape(source)}</pre>"
    if len(source) <= MOST_LETTERS:
        with contextlib.suppress(RecursionError):
            html = in_time(_rendered, source) or html
    return f"{OWN_PLACE}{html}</div>"


def _rendered(source: str) -> str:
    # No anchors: a page's own links lead to the judge's cells.
    renderer = PlainRenderer(escape=True, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))
