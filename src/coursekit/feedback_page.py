"""Turn Markdown into HTML that neither runs, nor loads from outside, nor leaves its own place.

nbgrader's feedback page and formgrader's page put a student's text cells in as
they are, whatever `HTMLExporter.sanitize_html` says; `nbgrader_config.py` puts
this filter in the place of nbconvert's.
"""

from __future__ import annotations

import re
from html import escape

from bleach.css_sanitizer import CSSSanitizer
from bleach.sanitizer import Cleaner
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

# Markdown's readers take a time that grows with the square of some texts' length.
MOST_LETTERS = 20_000
_TAGS = (
    *("a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "dd", "del", "details"),
    *("div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img"),
    *("kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub"),
    *("summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul"),
    "var",
)
# No "..", and nothing that another machine, or a server's own address, could be hidden in.
_RELATIVE = r"(?:[\w-](?:[\w. -]|%20)*/)*[\w-](?:[\w. -]|%20)*"
_PICTURE = re.compile(rf"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=]*|{_RELATIVE}", re.ASCII)
_LINK = re.compile(rf"https?://[!-~]*|mailto:[!-~]*|#\d[\w.-]*|{_RELATIVE}", re.ASCII)
# nbgrader's own anchors begin with letters.
_ANCHOR = re.compile(r"\d[\w.-]*", re.ASCII)
_CODE_COLOUR = re.compile(r"[a-z][a-z0-9]?|highlight", re.ASCII)
_NUMBER = re.compile(r"\d{1,4}%?", re.ASCII)
_COLOUR = re.compile(r"#?\w{1,20}", re.ASCII)
_ATTRIBUTES = {
    ("a", "href"): _LINK,
    ("a", "name"): _ANCHOR,
    ("img", "src"): _PICTURE,
    ("img", "width"): _NUMBER,
    ("img", "height"): _NUMBER,
    ("font", "color"): _COLOUR,
    ("div", "class"): _CODE_COLOUR,
    ("span", "class"): _CODE_COLOUR,
    ("td", "colspan"): _NUMBER,
    ("td", "rowspan"): _NUMBER,
    ("th", "colspan"): _NUMBER,
    ("th", "rowspan"): _NUMBER,
    ("ol", "start"): _NUMBER,
}
_TEXT_ATTRIBUTES = {"alt", "title"}
# A formula can be moved about; here it is cut off at the cell's edges.
_OWN_PLACE = '<div style="contain: paint; overflow-x: auto">'


def clean_markdown(source: str) -> str:
    """Return a text cell as HTML.

    What is not Markdown's own or a plain tag stands there as text. No class, id
    or style is kept with which it could look like a part of the page, and no
    picture that lies elsewhere.

    Args:
        source: the cell's text; it may be a student's.

    """
    if len(source) > MOST_LETTERS:
        return f"{_OWN_PLACE}<pre>{escape(source)}</pre></div>"
    renderer = _Renderer(escape=False, exclude_anchor_links=True)
    try:
        html = MarkdownWithMath(renderer=renderer).render(source)
    except RecursionError:
        html = f"<pre>{escape(source)}</pre>"
    # Made anew each time: a cleaner keeps what an unfinished text left in it.
    cleaner = Cleaner(
        tags=_TAGS,
        attributes=_is_kept,
        protocols=["http", "https", "mailto", "data"],
        css_sanitizer=CSSSanitizer(allowed_css_properties=["text-align"]),
    )
    return f"{_OWN_PLACE}{cleaner.clean(html)}</div>"


class _Renderer(IPythonRenderer):
    """nbconvert's, for pictures that are there."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Render a picture. Attachments are not carried into grading."""
        if _PICTURE.fullmatch(url):
            return str(super().image(text, url, title))
        return f"<em>[a picture is left out: {text}]</em>"


def _is_kept(tag: str, name: str, value: str) -> bool:
    if name in _TEXT_ATTRIBUTES or (name == "style" and tag in {"td", "th"}):
        return True
    allowed = _ATTRIBUTES.get((tag, name))
    return allowed is not None and allowed.fullmatch(value) is not None
