"""The documentation's pictures of what people see: the demo's class, in a real browser.

Each is taken twice, light and dark. They show a check in the notebook as JupyterLab shows it, the
feedback page of one student, and the report on the class.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from coursekit.command_runner import Say
from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.errors import CourseKitError
from coursekit.reporting.write_report import write_report

ASSIGNMENT = "residual-networks-v2a"
# Whose notebook and feedback page are shown: part of what she wrote is wrong.
STUDENT = "emmy"
FOLDER = Path("docs/pictures")
THEMES = ("light", "dark")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SHOWN_CELLS = ("imports", "identity_block", "test_identity_block")
_WIDTH, _MARGIN, _COLOURS = 900, 12, 256


@dataclass(frozen=True)
class Screenshot:
    """A picture of a page's beginning.

    Attributes:
        name: the picture's file, without the theme and the ending.
        pages: the page's file by theme.
        last: what the picture ends with, as a selector.
        left_out: what it does not show, as selectors.

    """

    name: str
    pages: dict[str, Path]
    last: str
    left_out: tuple[str, ...] = ()

    def file(self, theme: str) -> Path:
        """The picture's file below the course folder."""
        return FOLDER / f"{self.name}{'' if theme == THEMES[0] else f'-{theme}'}.png"


def take_screenshots(course: Path, say: Say) -> list[Path]:
    """Take all pictures of the demo's class; return the files written.

    Args:
        course: the course folder, in which the demo has run.
        say: shows a line.

    Raises:
        CourseKitError: if there is no demo's class or no browser.

    """
    demo = course / "build" / "demo"
    if not (demo / "feedback" / STUDENT).is_dir():
        raise CourseKitError(f"there is no class in {demo}", "make one, with: coursekit demo")
    assignment = Assignment(demo, ASSIGNMENT)
    feedback = demo / "feedback" / STUDENT / ASSIGNMENT / f"{assignment.notebook}.html"
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not browser:
        raise CourseKitError("there is no Chromium here", "install it: apt install chromium")
    report = write_report(demo, ASSIGNMENT, say)
    with tempfile.TemporaryDirectory() as folder:
        wanted = (
            Screenshot("notebook-check", _notebook_pages(assignment, Path(folder)), "main"),
            Screenshot("feedback-page", dict.fromkeys(THEMES, feedback), "#mistake-1"),
            Screenshot(
                "class-report",
                dict.fromkeys(THEMES, report),
                "#mistake-2",
                ("section:has(> #scores)", "section:has(> #waiting)"),
            ),
        )
        with sync_playwright() as playwright:
            started = playwright.chromium.launch(executable_path=browser, chromium_sandbox=False)
            written = [path for one in wanted for path in _take(one, started, course)]
            started.close()
    return written


def _notebook_pages(assignment: Assignment, folder: Path) -> dict[str, Path]:
    """Run a check on the student's answer where students do, and write it as pages."""
    room = folder / ASSIGNMENT
    shutil.copytree(assignment.release.parent, room)
    place = assignment.course / "submitted" / STUDENT / ASSIGNMENT / assignment.release.name
    cells = cells_by_grade_id(read_notebook(place))
    notebook = new_notebook(cells=[cells[name] for name in _SHOWN_CELLS])
    # Points that are lost end the cell with an error, which is shown, too.
    NotebookClient(
        notebook,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(room)}},
    ).execute()
    del notebook.cells[:-1]
    return {theme: _as_jupyterlab(notebook, theme, folder / f"{theme}.html") for theme in THEMES}


def _as_jupyterlab(notebook: NotebookNode, theme: str, page: Path) -> Path:
    """Write a notebook as JupyterLab shows it."""
    text, _ = HTMLExporter(template_name="lab", theme=theme).from_notebook_node(notebook)
    page.write_text(text, encoding="utf-8")
    return page


def _take(wanted: Screenshot, browser: Browser, course: Path) -> Iterator[Path]:
    for theme, page_file in wanted.pages.items():
        # Nothing is asked of another machine.
        context = browser.new_context(
            viewport={"width": _WIDTH, "height": 2000},
            color_scheme="dark" if theme == "dark" else "light",
            offline=True,
        )
        page = context.new_page()
        page.goto(page_file.resolve().as_uri(), wait_until="domcontentloaded")
        for part in wanted.left_out:
            page.locator(part).evaluate_all("found => found.forEach(part => part.remove())")
        place = page.locator(wanted.last).first.bounding_box()
        assert place is not None
        height = place["y"] + place["height"] + _MARGIN
        target = course / wanted.file(theme)
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target, clip={"x": 0, "y": 0, "width": _WIDTH, "height": height})
        context.close()
        with Image.open(target) as picture:
            small = picture.convert("RGB").quantize(_COLOURS)
        small.save(target, optimize=True)
        yield target
