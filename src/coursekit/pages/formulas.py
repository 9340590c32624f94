"""Formulas as MathML, which a browser shows by itself: no script, no font, no network."""

from __future__ import annotations

import re
from html import escape, unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

from coursekit.plain_text import plain_text

# Others mean the same.
_ENVIRONMENTS = {
    "aligned": "align*",
    "equation": "align*",
    "equation*": "align*",
    "split": "align*",
}
# The translation of a long formula takes long; a page needs none of this length.
MAX_CHARACTERS = 2_000
_TAGS = frozenset(
    {
        "math",
        "mrow",
        "mi",
        "mn",
        "mo",
        "mtext",
        "mspace",
        "ms",
        "mfrac",
        "msqrt",
        "mroot",
        "msub",
        "msup",
        "msubsup",
        "munder",
        "mover",
        "munderover",
        "mmultiscripts",
        "mprescripts",
        "none",
        "mtable",
        "mtr",
        "mtd",
        "mstyle",
    }
)
# MathML has links, colours, sizes and places as well: a student's formula gets none of them.
_ATTRIBUTES = {
    "display": re.compile("block|inline"),
    "displaystyle": re.compile("true|false"),
    "mathvariant": re.compile("normal"),
    "stretchy": re.compile("true|false"),
    "fence": re.compile("true|false"),
    "form": re.compile("prefix|infix|postfix"),
    "linethickness": re.compile("0"),
    "columnalign": re.compile("(left|right|center|[ ])*"),
    "width": re.compile(r"[0-3](\.\d{1,5})?em"),
}


def formula_html(source: str, *, block: bool) -> str:
    """Return a formula as MathML, or as it was typed if it cannot be read.

    Args:
        source: LaTeX, which may be a student's.
        block: whether it stands on a line of its own.

    """
    body, kind = "", "block" if block else "inline"
    if len(source) <= MAX_CHARACTERS:
        try:
            body = _mathml(convert_to_element(_known(source), display=kind))
        except Exception:
            # The translator raises errors of many kinds at a text that is no formula.
            body = ""
    if not body:
        mark = "$$" if block else "$"
        return f"<code>{mark}{escape(source, quote=False)}{mark}</code>"
    if block:
        return f'<span class="scroll" tabindex="0" role="group" aria-label="Formula">{body}</span>'
    return body


def _known(source: str) -> str:
    """The formula with the names that the translator has for its environments."""
    for name, other in _ENVIRONMENTS.items():
        source = source.replace(f"{{{name}}}", f"{{{other}}}")
    return source


def _mathml(element: Element) -> str:
    """The elements that show a formula and nothing else, with their text escaped."""
    # The translator writes a sign as "&#x02248;".
    text = plain_text(unescape(element.text or ""), MAX_CHARACTERS)
    inside = escape(text) + "".join(_mathml(child) for child in element)
    if element.tag not in _TAGS:
        return inside if element.tag in {"semantics", "mpadded", "menclose"} else ""
    given = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value)
    )
    return f"<{element.tag}{given}>{inside}</{element.tag}>"
