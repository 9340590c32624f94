"""The picture of a class report: of the demo's class, taken in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from coursekit.command_runner import Say
from coursekit.errors import CourseKitError
from coursekit.reporting.write_report import write_report

ASSIGNMENT = "residual-networks-v2a"
TARGET = Path("docs/pictures/class-report.png")
_WIDTH, _MARGIN, _COLOURS = 900, 12, 32
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What the picture ends with: the second mistake.
_LAST = "#mistake-2"


def draw_report(course: Path, say: Say) -> Path:
    """Write the report of the demo's class, and take a picture of its beginning.

    The histogram and whoever has no score are left out of the picture.

    Args:
        course: the course folder, in which the demo has run.
        say: shows a line.

    Raises:
        CourseKitError: if there is no demo's class or no browser.

    """
    demo = course / "build" / "demo"
    if not (demo / "gradebook.db").is_file():
        raise CourseKitError(f"there is no class in {demo}", "make one, with: coursekit demo")
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not browser:
        raise CourseKitError("there is no Chromium here", "install it: apt install chromium")
    page_file = write_report(demo, ASSIGNMENT, say)
    target = course / TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, chromium_sandbox=False)
        page = started.new_page(viewport={"width": _WIDTH, "height": 2000}, color_scheme="light")
        page.goto(page_file.resolve().as_uri())
        for part in ("#scores", "#waiting"):
            page.eval_on_selector_all(part, "found => found.forEach(h => h.parentElement.remove())")
        place = page.locator(_LAST).bounding_box()
        assert place is not None
        height = place["y"] + place["height"] + _MARGIN
        page.screenshot(path=target, clip={"x": 0, "y": 0, "width": _WIDTH, "height": height})
        started.close()
    with Image.open(target) as picture:
        small = picture.convert("RGB").quantize(_COLOURS)
    small.save(target, optimize=True)
    return target
