"""What a student sees in JupyterLab, with nothing but the released folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browsing import JupyterServer, Visitor, jupyter_server
from playwright.sync_api import Locator, Page, expect

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.known_answers import known_answers, solution_cells

pytestmark = pytest.mark.slow

# A slider as the notebook's try-it cells have it; theirs need a trained network.
TRY_IT = """import matplotlib.pyplot as plt
from resnets_utils.experiments.sliders import slide

def draw(choice):
    plt.figure(figsize=(4, 1))
    plt.title(choice)
    print(f"drawn for the {choice}")

slide("block", ["first", "second", "third"], "first", draw)"""
IDLE = """() => {
    const kernel = globalThis.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.status === "idle";
}"""
CHANGE_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
SELECT = """async number => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.mode = "command";
    notebook.activeCellIndex = number;
    await notebook.scrollToItem(number, "start");
}"""
RAN = """async number => {
    await jupyterapp.commands.execute("notebook:run-cell");
    return jupyterapp.shell.currentWidget.content.widgets[number].model.executionCount;
}"""


@dataclass
class Lab:
    """An open notebook."""

    page: Page
    places: dict[str, int]

    def type(self, name: str, text: str) -> None:
        """Put a text in the place of a cell's, as if pasted."""
        cell = self._select(name)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def run(self, name: str) -> Locator:
        """Run a cell, and return what is shown below it."""
        cell = self._select(name)
        assert self.page.evaluate(RAN, self.places[name])
        return cell.locator(".jp-OutputArea").first

    def _select(self, name: str) -> Locator:
        number = self.places[name]
        self.page.evaluate(SELECT, number)
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')


@pytest.fixture(scope="module")
def release() -> Assignment:
    return Assignment(Path(__file__).resolve().parents[2], "residual-networks-v3")


@pytest.fixture(scope="module")
def server(
    release: Assignment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterServer]:
    folder = tmp_path_factory.mktemp("student")
    shutil.copytree(release.release.parent, folder / "assignment")
    # Without the kit's modules: a student has not got them.
    with jupyter_server(folder / "assignment", folder / "own", PYTHONPATH="") as running:
        yield running


@pytest.fixture(scope="module")
def lab(release: Assignment, visitor: Visitor, server: JupyterServer) -> Iterator[Lab]:
    """The released notebook, newly opened; its first cells have run."""
    cells = read_notebook(release.release).cells
    names = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in cells]
    places = {name: number for number, name in enumerate(names)}
    places["try it"] = next(n for n, cell in enumerate(cells) if cell.cell_type == "code")
    with visitor.page(server) as page:
        page.goto(f"{server.address}/lab/tree/{release.release.name}")
        page.wait_for_function(IDLE)
        opened = Lab(page, places)
        opened.run("imports")
        yield opened


def test_a_wrong_answer_is_told_why_and_a_right_one_passes(release: Assignment, lab: Lab) -> None:
    wrong = {
        (answer.function, answer.name): answer.code
        for answer in known_answers(release, "wrong_answers.toml")
    }
    lab.type("identity_block", wrong["identity_block", "no ReLU at the end"])
    lab.run("identity_block")
    shown = lab.run("test_identity_block")
    expect(shown).to_contain_text("identity_block: 4 of 5 checks passed")
    expect(shown).to_contain_text("the last ReLU is missing")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.page.evaluate(CHANGE_THEME, theme)
        expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
        readable(shown)
    lab.type("identity_block", solution_cells(release)["identity_block"])
    lab.run("identity_block")
    shown = lab.run("test_identity_block")
    expect(shown).to_contain_text("identity_block: 5 of 5 checks passed")
    expect(shown).not_to_contain_text("✗")


def test_a_slider_that_is_moved_draws_anew(lab: Lab) -> None:
    lab.type("try it", TRY_IT)
    shown = lab.run("try it")
    expect(shown).to_contain_text("drawn for the first")
    slider = shown.locator("[role=slider], .noUi-handle").first
    expect(slider).to_be_visible()
    slider.focus()
    slider.press("ArrowRight")
    expect(shown).to_contain_text("drawn for the second")
    # Its own picture stays, for those who read the saved notebook.
    expect(shown.locator("img")).to_have_count(2)


def readable(shown: Locator) -> None:
    """Check that nothing is cut off at the right, and that letters stand off their ground."""
    assert shown.evaluate("each => each.scrollWidth <= each.clientWidth + 1")
    letters, ground = shown.evaluate(
        """each => [
            getComputedStyle(each.querySelector("pre")).color,
            getComputedStyle(each.closest(".jp-Notebook")).backgroundColor,
        ]"""
    )
    assert abs(brightness(letters) - brightness(ground)) > 128, (letters, ground)


def brightness(colour: str) -> float:
    """The mean of red, green and blue in "rgb(1, 2, 3)"."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", colour)[:3]]
    return sum(numbers) / 3
