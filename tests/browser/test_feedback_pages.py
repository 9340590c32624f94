"""Feedback pages in a real browser: for everybody, on every screen, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from accessibility import DARK, LIGHT, PRINT, outside, refused, unreached, unsigned
from browsing import Visitor
from feedback_pages import CALL, OUTCOMES, check, given, judged, notebook, result
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from playwright.sync_api import Page

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.pages.feedback_page import feedback_page
from resnets_utils.checks.check_result import Outcome

pytestmark = pytest.mark.slow

LONG = "x" * 300
WIDE = [
    new_markdown_cell(
        f"|a|{LONG}|\n|-|-|\n|{LONG}|$a$|\n\n$${'a + ' * 90}b$$\n\n# {LONG}\n\n`{LONG}`"
    ),
    new_code_cell(
        f"{LONG} = 1  # " + "long " * 80,
        outputs=[
            new_output("stream", text=f"\x1b[31mred \x1b[1;36m{LONG}\x1b[0m\n{'a b ' * 100}"),
            new_output("error", ename="E", evalue="e", traceback=[f"\x1b[0;33m{LONG}"]),
        ],
    ),
]
RAISED = judged(check(LONG, Outcome.ERROR, f"{CALL}: E: {LONG}\n    line 2: {LONG}\n{LONG}"))
PAGES = {
    "every outcome": (notebook(), result([given(2)], [OUTCOMES], ("stopped in cell 2",), late=1)),
    "everything right": (notebook(), result([given(6)], [judged(check("one", Outcome.PASSED))])),
    "not graded": (notebook(), result([given(None, waits=True)], None)),
    "graded by hand alone": (
        notebook(answer="text"),
        result([given(None, "block", judged=False, by_hand=4)], [], comments={"block": "# So"}),
    ),
    "changed by hand, handed in again": (
        notebook(),
        result([given(2, by_hand=5, extra_credit=1)], [OUTCOMES], changed=True),
    ),
    "wide": (notebook(*WIDE), result([given(0)], [RAISED], (LONG,), {"block": LONG})),
}


@pytest.fixture(scope="module")
def blank(visitor: Visitor) -> Iterator[Page]:
    with visitor.blank() as page:
        yield page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_for_everybody(blank: Page, tmp_path: Path, name: str) -> None:
    path = tmp_path / "page.html"
    path.write_text(feedback_page(*PAGES[name]), encoding="utf-8")
    blank.goto(f"file://{path}")
    assert refused(blank, LIGHT, DARK) == []
    assert outside(blank) == []
    assert unreached(blank) == []
    if "✗" in blank.locator("main").inner_text():
        assert unsigned(blank) == []


def test_the_page_of_a_bundled_notebook_shows_all_of_it_from_its_folder_alone(
    blank: Page, tmp_path: Path, assignment: Assignment
) -> None:
    shutil.copytree(assignment.source.parent / "images", tmp_path / "images")
    path = tmp_path / "page.html"
    shown = read_notebook(assignment.source)
    path.write_text(feedback_page(shown, result([given(2)], [OUTCOMES])), encoding="utf-8")
    blank.goto(f"file://{path}")
    assert refused(blank, PRINT) == []
    pictures = blank.evaluate("[...document.images].map(each => each.naturalWidth)")
    assert len(pictures) > 3 and all(pictures)
    assert blank.locator("math").count() > 5
    [wide, high] = blank.locator("math").first.evaluate(
        "each => [each.getBoundingClientRect().width, each.getBoundingClientRect().height]"
    )
    assert wide > 5 and high > 5
    ground = "getComputedStyle(document.body).backgroundColor"
    assert blank.evaluate(ground) == "rgb(255, 255, 255)"
