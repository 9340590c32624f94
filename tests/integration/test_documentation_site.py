"""The site that `make docs` builds: whole, without a warning or another machine, for everybody."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from browsing import Visitor

HOUSE = Path(__file__).resolve().parents[2]
MAKEFILE = (HOUSE / "Makefile").read_text(encoding="utf-8")


class Elements(HTMLParser):
    """What a page loads when it is opened, and what it downloads when asked."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.downloads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "src" or (tag == "link" and name == "href"):
                self.loaded.append(value or "")
            elif tag == "a" and name == "href" and "_downloads/" in (value or ""):
                self.downloads.append(value or "")


# axe-core asks for the style sheets once more, which a page that is a file may not.
AXE_IN_A_FILE = r"blocked by CORS policy|net::ERR_FAILED \(file:"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    pytest.importorskip("sphinx", reason="no Sphinx: make setup")
    tmp_path = tmp_path_factory.mktemp("site")
    command = re.search(r"-m sphinx (.*?)\n\t@", MAKEFILE, re.DOTALL)
    assert command
    words = command[1].replace("\\\n", " ").replace("build/", f"{tmp_path}/").split()
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], cwd=HOUSE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "docs"


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    assert {path.stem for path in (HOUSE / "docs").glob("*.md")} <= set(pages)
    for name, text in pages.items():
        found = Elements()
        found.feed(text)
        assert found.loaded
        for address in found.loaded:
            here = site / re.split("[?#]", address)[0]
            assert ":" not in address and here.exists(), f"{name} loads {address}"
        # Somebody who hears a table hears each column's name.
        assert not re.search(r"<th[^>]*>(<p></p>)?</th>", text), name
        if name == "verdict":
            [schema] = found.downloads
            assert (site / schema).read_bytes() == (HOUSE / "docs/verdict.schema.json").read_bytes()
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", styles)
    for page, shown in {
        "commands": ("coursekit cluster invite", "--twice PERCENT"),
        "checks": ("has_convolutions", "filters, windows, strides, padding and bias"),
        "index": ("For students", "Threat model"),
    }.items():
        for words_of_it in shown:
            assert words_of_it in pages[page], (page, words_of_it)


@pytest.mark.parametrize(("name", "theme"), [("students", "dark"), ("checks", "light")])
def test_a_page_is_for_everybody(
    site: Path, visitor: Visitor, name: str, theme: Literal["light", "dark"]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here")
    with visitor.blank(may_say=AXE_IN_A_FILE) as page:
        page.emulate_media(color_scheme=theme)
        page.goto(f"file://{site / name}.html")
        assert page.locator("html").get_attribute("lang") == "en"
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]] == []
        # The pictures are those of the theme.
        files = page.locator("article img:visible").evaluate_all("all => all.map(one => one.src)")
        assert all(file.endswith("-dark.png") == (theme == "dark") for file in files)
        assert bool(files) == (name == "students")
        # The keyboard reaches the text before the navigation.
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
        for width in (640, 320):
            page.set_viewport_size({"width": width, "height": 600})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
