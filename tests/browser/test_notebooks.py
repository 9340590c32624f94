"""What a student does and sees in JupyterLab and Notebook, with nothing but the released folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from accessibility import refused
from browsing import JupyterServer, Visitor, jupyter_server
from playwright.sync_api import Locator, Page, expect

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.known_answers import known_answers, solution_cells

pytestmark = pytest.mark.slow

# A slider as the notebook's try-it cells have it; theirs need a trained network.
TRY_IT = """from matplotlib.figure import Figure
from resnets_utils.experiments.shown_pictures import picture_of, slide

def draw(choice):
    figure = Figure(figsize=(4, 1), facecolor="white")
    figure.suptitle(choice)
    return picture_of(figure, f"drawn for the {choice}")

slide("Choose", ["first", "second", "third"], "first", draw)"""
# What Notebook tells its console by itself.
NOTEBOOKS_OWN = r"/static/notebook/|reading 'schema'|'filebrowser:open-path' not registered"
ALL_PASSED = re.compile(r"identity_block: (\d+) of \1 checks passed")
IDLE = """() => {
    const kernel = globalThis.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.status === "idle";
}"""
KERNEL = "jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
CHANGE_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
# Scrolls there, opens the cell for writing, and returns the number of its last run.
SELECT = """async number => {
    const notebook = jupyterapp.shell.currentWidget.content;
    await notebook.scrollToItem(number, "start");
    notebook.activeCellIndex = number;
    notebook.mode = "edit";
    return notebook.widgets[number].model.executionCount;
}"""
RAN = """([number, last]) => {
    const {executionCount, executionState} =
        jupyterapp.shell.currentWidget.content.widgets[number].model;
    return executionState === "idle" && executionCount && executionCount !== last;
}"""
# The buttons of a cell come first.
TABS = 10
SAVED = "!jupyterapp.shell.currentWidget.context.model.dirty"


@dataclass
class OpenNotebook:
    """An open notebook: its page, and each cell's place by the cell's name."""

    page: Page
    places: dict[str, int]

    def paste(self, name: str, text: str) -> None:
        """Put a text in the place of a cell's."""
        self._select(name)
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def type_last_line(self, name: str, text: str) -> None:
        """Put a text in the place of a cell's last line, key by key."""
        self._select(name)
        self.page.keyboard.press("ControlOrMeta+End")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type(text)

    def run(self, name: str) -> Locator:
        """Run a cell, and return what is shown below it."""
        last = self._select(name)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(RAN, arg=[self.places[name], last])
        return self.shown(name)

    def leave_the_text(self, name: str) -> None:
        """Go to a cell, where the key Tab goes on to what is below its text."""
        self._select(name)
        self.page.keyboard.press("Escape")

    def shown(self, name: str) -> Locator:
        """What is shown below a cell."""
        return self.page.locator(f"{self._cell(name)} .jp-OutputArea").first

    def check_readable(self, name: str) -> None:
        """Check in both themes that nothing is cut off, and that axe-core finds nothing."""
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            self.page.evaluate(CHANGE_THEME, theme)
            expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
            assert self.shown(name).evaluate("each => each.scrollWidth <= each.clientWidth + 1")
            assert refused(self.page, within=f"{self._cell(name)} .jp-OutputArea-output") == []

    def save(self) -> None:
        """Save as a student does who hands in."""
        self.page.keyboard.press("ControlOrMeta+S")
        self.page.wait_for_function(SAVED)

    def _select(self, name: str) -> int | None:
        """Open a cell for writing."""
        last: int | None = self.page.evaluate(SELECT, self.places[name])
        expect(self.page.locator(f"{self._cell(name)} .cm-content")).to_be_focused()
        return last

    def _cell(self, name: str) -> str:
        return f'.jp-Notebook .jp-Cell[data-windowed-list-index="{self.places[name]}"]'


@pytest.fixture(scope="module")
def release() -> Assignment:
    return Assignment(Path(__file__).resolve().parents[2], "residual-networks-v3")


@pytest.fixture(scope="module")
def folder(release: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's folder."""
    folder = tmp_path_factory.mktemp("student") / "assignment"
    shutil.copytree(release.release.parent, folder)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[JupyterServer]:
    # Without the kit's modules: a student has not got them.
    with jupyter_server(folder, folder.with_name("own"), PYTHONPATH="") as running:
        yield running


@pytest.fixture(scope="module")
def lab(release: Assignment, visitor: Visitor, server: JupyterServer) -> Iterator[OpenNotebook]:
    """The released notebook, newly opened in JupyterLab; its first cells have run."""
    cells = read_notebook(release.release).cells
    names = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in cells]
    places = {name: number for number, name in enumerate(names)}
    # A cell that nothing runs by itself.
    places["try it"] = next(n for n, cell in enumerate(cells) if cell.id == "earlier")
    with visitor.page(server) as page:
        page.goto(f"{server.address}/lab/tree/{release.release.name}")
        page.wait_for_function(IDLE)
        opened = OpenNotebook(page, places)
        opened.run("imports")
        yield opened


def test_a_wrong_answer_is_told_why_mended_and_handed_in(
    release: Assignment, folder: Path, lab: OpenNotebook
) -> None:
    wrong = {
        (answer.function, answer.name): answer.code
        for answer in known_answers(release, "wrong_answers.toml")
    }
    lab.paste("identity_block", wrong["identity_block", "no ReLU at the end"])
    lab.run("identity_block")
    shown = lab.run("test_identity_block")
    expect(shown).not_to_contain_text(ALL_PASSED)
    expect(shown).to_contain_text("the last ReLU is missing")
    lab.check_readable("test_identity_block")
    right = solution_cells(release)["identity_block"]
    lab.paste("identity_block", right)
    lab.run("identity_block")
    shown = lab.run("test_identity_block")
    expect(shown).to_contain_text(ALL_PASSED)
    expect(shown).not_to_contain_text("✗")
    lab.save()
    saved = cells_by_grade_id(read_notebook(folder / release.release.name))
    assert saved["identity_block"].source == right
    assert ALL_PASSED.search(saved["test_identity_block"].outputs[0].text)


def test_a_slider_changes_its_picture_in_place(lab: OpenNotebook) -> None:
    lab.paste("try it", TRY_IT)
    lab.run("try it")
    move_the_slider(lab)
    lab.check_readable("try it")


def test_notebook_goes_on_where_jupyterlab_ended(
    release: Assignment,
    folder: Path,
    visitor: Visitor,
    lab: OpenNotebook,
    server: JupyterServer,
) -> None:
    kernel = lab.page.evaluate(KERNEL)
    lab.save()
    # It would save by itself later on, and Notebook would ask which of the two counts.
    lab.page.goto("about:blank")
    with visitor.page(server, may_say=NOTEBOOKS_OWN) as page:
        page.goto(f"{server.address}/notebooks/{release.release.name}")
        page.wait_for_function(IDLE)
        # The server gives an open file's kernel to every page.
        assert page.evaluate(KERNEL) == kernel
        notebook = OpenNotebook(page, lab.places)
        notebook.type_last_line("identity_block", 'return Activation("tanh")(X)')
        notebook.run("identity_block")
        shown = notebook.run("test_identity_block")
        expect(shown).to_contain_text("yours has one tanh activation more than the exercise")
        notebook.check_readable("test_identity_block")
        notebook.type_last_line("identity_block", "return X")
        notebook.run("identity_block")
        shown = notebook.run("test_identity_block")
        expect(shown).to_contain_text(ALL_PASSED)
        move_the_slider(notebook)
        notebook.save()
    saved = cells_by_grade_id(read_notebook(folder / release.release.name))
    assert saved["identity_block"].source == solution_cells(release)["identity_block"]


def move_the_slider(notebook: OpenNotebook) -> None:
    """Move it by the keyboard, and check that the picture changes in its place."""
    shown = notebook.shown("try it")
    picture = shown.get_by_role("img")
    expect(picture).to_have_attribute("alt", "drawn for the first")
    drawn = {picture.get_attribute("src")}
    slider = shown.get_by_role("slider", name="Choose", exact=True)
    # JupyterLab has uses of its own for these keys.
    for key, choice in (("ArrowRight", "second"), ("ArrowUp", "third"), ("ArrowLeft", "second")):
        slider.press(key)
        expect(picture).to_have_attribute("alt", f"drawn for the {choice}")
        expect(slider).to_have_attribute("aria-valuetext", choice)
        expect(shown.locator("label")).to_have_text(f"Choose{choice}")
        drawn.add(picture.get_attribute("src"))
    expect(picture).to_have_count(1)
    assert len(drawn) == 3
    # From the cell, the key Tab comes to it.
    notebook.leave_the_text("try it")
    for _ in range(TABS):
        notebook.page.keyboard.press("Tab")
        if slider.evaluate("each => each === document.activeElement"):
            break
    expect(slider).to_be_focused()
    # There, the notebook's own keys would do nothing.
    notebook.leave_the_text("try it")
