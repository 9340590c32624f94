"""The template of a page in one file that loads nothing, with the one style that it allows."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup


class PageTemplate(NamedTuple):
    """A page's template.

    Attributes:
        template: escapes whatever it is given.
        style: the page's style.
        digest: by which the page's policy allows this style alone, as base64 of its SHA-256.

    """

    template: Template
    style: Markup
    digest: str


def page_template(
    page: Path, style: Path, filters: Mapping[str, Callable[..., Any]] | None = None
) -> PageTemplate:
    """Read a page's template and its style.

    Args:
        page: the template's file.
        style: the style's file.
        filters: further filters of the template's, by name.

    """
    environment = Environment(
        loader=FileSystemLoader(page.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= dict(filters or {})
    text = style.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return PageTemplate(environment.get_template(page.name), Markup(text), digest)
