"""What readers need of a page: contrast, names, the keyboard, no more than their screen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

LIGHT: dict[str, Any] = {"color_scheme": "light", "media": "screen"}
DARK: dict[str, Any] = {"color_scheme": "dark", "media": "screen"}
PRINT: dict[str, Any] = {"color_scheme": "light", "media": "print"}

# As at 200 % and at 400 % on a usual screen; the second is also a phone's.
NARROW = (640, 320)
_SCROLLS = """(each => /auto|scroll/.test(getComputedStyle(each).overflowX)
    && each.scrollWidth > each.clientWidth + 1)"""
_OUTSIDE = f"""() => {{
    const within = each => each && ({_SCROLLS}(each) || within(each.parentElement));
    return [...document.querySelectorAll("body *")]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
        .filter(each => !within(each.parentElement))
        .map(each => each.outerHTML.slice(0, 200));
}}"""
# What a mouse can use: what opens, leads on or scrolls.
_USABLE = f"""[...document.querySelectorAll("body *")]
    .filter(each => each.checkVisibility({{visibilityProperty: true}}))
    .filter(each => each.matches("a[href], button, input, select, summary") || {_SCROLLS}(each))"""
_UNSIGNED = """outcomes => [...document.querySelectorAll(outcomes.map(each => each[0]).join())]
    .filter(each => !(each instanceof SVGElement))
    .filter(each => !outcomes.some(([kind, sign]) =>
        each.matches(kind) && each.innerText.trim().startsWith(sign)))
    .map(each => each.outerHTML.slice(0, 200))"""


def refused(page: Page, *screens: dict[str, Any], within: str = "") -> list[str]:
    """What axe-core finds.

    Args:
        page: the page.
        screens: how it is shown; none: as it is.
        within: the only places that are looked at.

    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here")
    found = []
    for screen in screens or ({},):
        page.emulate_media(**screen)
        response = axe.Axe().run(page, within or None).response
        found += [
            f"{each['id']}: {node['html'][:200]} ({screen})"
            for each in response["violations"]
            for node in each["nodes"]
        ]
    return found


def outside(page: Page) -> list[str]:
    """What lies outside a narrow screen, or makes it scroll sideways."""
    found = []
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 450})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"the page scrolls sideways at {width}")
        found += page.evaluate(_OUTSIDE)
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def unreached(page: Page) -> list[str]:
    """What a mouse can use and the key Tab does not come to."""
    page.evaluate("""() => {
        document.activeElement.blur();
        getSelection().removeAllRanges();
        globalThis.reached = new Set();
        document.addEventListener("focusin", event => globalThis.reached.add(event.target));
    }""")
    for _ in range(page.locator("body *").count()):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
    left: list[str] = page.evaluate(f"""{_USABLE}.filter(each => !globalThis.reached.has(each))
        .map(each => each.outerHTML.slice(0, 200))""")
    return left


def unsigned(page: Page) -> list[str]:
    """What is coloured for a check's outcome and does not begin with the outcome's sign."""
    from resnets_utils.checks.check_result import Outcome

    outcomes = [[f".{each.name.lower()}", each.sign] for each in Outcome]
    assert page.locator(", ".join(kind for kind, _ in outcomes)).count() > 0
    left: list[str] = page.evaluate(_UNSIGNED, outcomes)
    return left
