"""Sphinx's settings for the site that ``make docs`` builds of the pages in docs/.

The pages are plain Markdown, as they are read on GitHub. What only the site has is added to a
page when it is read: the navigation, the commands' options, the methods of the checks.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_HOUSE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_HOUSE), str(_HOUSE / "src")]

from studio.site_parts import (  # noqa: E402
    command_help,
    methods_of_checks,
    navigation,
    themed_pictures,
)

_PROJECT = tomllib.loads((_HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_ADDED = {"index": navigation, "commands": command_help, "checks": methods_of_checks}
# A link from a page to what is not in docs/; pictures are copied to the site.
_OUTSIDE = re.compile(r"(?<!!)(\[[^]\[]*\]\()\.\./")
_REPOSITORY = f"{_PROJECT['urls']['Source']}/blob/main/"

project = "Residual Networks course kit"
author = _PROJECT["authors"][0]["name"]
project_copyright = author
release = version = _PROJECT["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["site"]
highlight_language = "text"
nitpicky = True
# NumPy's own pages are on another machine.
nitpick_ignore_regex = [("py:.*", r"(numpy\.|np\.|NDArray).*")]

myst_enable_extensions = ["deflist", "fieldlist"]
# As GitHub names headings, so that a link to one leads there in both places.
myst_heading_anchors = 4

# Only comparing networks needs these two, and no docstring speaks of them.
# The last one looks at the version of the two before it.
autodoc_mock_imports = ["keras", "tensorflow", "resnets_utils.supported_versions"]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"
add_module_names = False
toc_object_entries_show_parents = "hide"
default_role = "code"
napoleon_numpy_docstring = False

html_theme = "pydata_sphinx_theme"
html_title = project
html_context = {"default_mode": "auto"}
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_sidebars = {"**": ["all-pages.html"]}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": project},
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}


def setup(app: Sphinx) -> None:
    """Connect what the pages get when they are read."""
    app.connect("source-read", _complete)


def _complete(app: Sphinx, page: str, source: list[str]) -> None:
    """Add to a page what only the site has, and lead its links out of docs/ to the repository."""
    text = themed_pictures(_OUTSIDE.sub(rf"\g<1>{_REPOSITORY}", source[0]))
    if page in _ADDED:
        text += "\n" + _ADDED[page](text)
    source[0] = text
